import type { Pool, PoolClient } from 'pg';

/** Milliseconds. */
const MOST_SILENT_MS = 30_000;

/**
 * Does all of it or nothing. Where the process is halted meanwhile, PostgreSQL ends the transaction after half a minute:
 * nobody waits for what it holds.
 *
 * @throws what `work` throws, and what PostgreSQL says
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  mostSilentMs = MOST_SILENT_MS,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(`begin; set local idle_in_transaction_session_timeout = ${mostSilentMs}`);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    // The connection may be gone; then so is the transaction.
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}
