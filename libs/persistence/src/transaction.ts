import type { Pool, PoolClient } from 'pg';

/** Does all of it or nothing. @throws what `work` throws, and what PostgreSQL says */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
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
