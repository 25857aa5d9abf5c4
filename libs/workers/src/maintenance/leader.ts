import { ADVISORY_LOCKS, type Database } from '@spillway/persistence';

export type LeaderOf = Exclude<keyof typeof ADVISORY_LOCKS, 'tenant role' | 'outbox' | 'gauges'>;

/** Who was not heard of for so long leads no more, milliseconds: others take over from a process that is halted. */
const SILENT_MS = 30_000;
const BEATS = 6;

/**
 * Does the work in one process at a time; the others find the lock taken and leave it. A process that is halted and goes
 * on later may do its work beside its successor for a moment: the work must bear that.
 */
export async function asLeader(
  database: Pick<Database, 'pool'>,
  work: () => Promise<unknown>,
  what: LeaderOf = 'maintenance',
  silentMs = SILENT_MS,
): Promise<void> {
  const client = await database.pool.connect();
  let isLost = false;
  const lose = () => (isLost = true);
  client.on('error', lose);
  try {
    const { rows } = await client.query<{ mine: string | null }>(
      `select case when pg_try_advisory_lock($1) then set_config('idle_session_timeout', $2, false) end as mine`,
      [ADVISORY_LOCKS[what], String(silentMs)],
    );
    if (rows[0]!.mine === null) return;
    const beat = setInterval(() => void client.query('select').catch(lose), silentMs / BEATS).unref();
    try {
      await work();
    } finally {
      clearInterval(beat);
      await client.query(`select pg_advisory_unlock(${ADVISORY_LOCKS[what]}); reset idle_session_timeout`).catch(lose);
    }
  } finally {
    client.off('error', lose);
    client.release(isLost);
  }
}
