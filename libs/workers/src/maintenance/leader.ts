import type { Database } from '@spillway/persistence';

/** Advisory locks of the maintenance; arbitrary numbers that nobody else uses. */
const LOCKS = {
  maintenance: 7_245_101,
  runs: 7_245_102,
  'kept events': 7_245_103,
  'lanes of ingress-events': 7_245_110,
  'lanes of orchestration-flows': 7_245_111,
  'lanes of integration-tasks': 7_245_112,
  'lanes of notifications': 7_245_113,
};

export type LeaderOf = keyof typeof LOCKS;

/** Does the work in one process at a time; the others find the lock taken and leave it. */
export async function asLeader(
  database: Database,
  work: () => Promise<unknown>,
  what: LeaderOf = 'maintenance',
): Promise<void> {
  const client = await database.pool.connect();
  try {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [LOCKS[what]]);
    if (!rows[0]!.mine) return;
    try {
      await work();
    } finally {
      await client.query('select pg_advisory_unlock($1)', [LOCKS[what]]).catch(() => undefined);
    }
  } finally {
    client.release();
  }
}
