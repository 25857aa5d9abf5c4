import type { Database } from '@spillway/persistence';

/** Advisory lock of the maintenance; an arbitrary number that nobody else uses. */
const LOCK = 7_245_101;

/** Does the work in one process at a time; the others find the lock taken and leave it. */
export async function asLeader(database: Database, work: () => Promise<unknown>): Promise<void> {
  const client = await database.pool.connect();
  try {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [LOCK]);
    if (!rows[0]!.mine) return;
    try {
      await work();
    } finally {
      await client.query('select pg_advisory_unlock($1)', [LOCK]).catch(() => undefined);
    }
  } finally {
    client.release();
  }
}
