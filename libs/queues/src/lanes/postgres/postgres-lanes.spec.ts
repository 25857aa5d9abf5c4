import { TestPostgres } from '@spillway/testing';
import { Pool } from 'pg';
import { PostgresBackend } from '../../postgres/postgres-backend';

describe('lanes in PostgreSQL', () => {
  it('have their indexes again when the queues were emptied by dropping their schema', async () => {
    const postgres = await TestPostgres.start();
    const pool = new Pool({ connectionString: postgres.url });
    const install = async () => {
      const backend = new PostgresBackend({ databaseUrl: postgres.url });
      await backend.migrate();
      await backend.close();
    };
    const indexes = async () => {
      const { rows } = await pool.query<{ name: string }>(
        `select indexname as name from pg_indexes where schemaname = 'bullmq' and indexname like 'lanes\\_%' order by 1`,
      );
      return rows.map(({ name }) => name);
    };
    try {
      await install();
      const made = await indexes();
      expect(made).toContain('lanes_waiting');
      await pool.query('drop schema bullmq cascade');
      await install();
      expect(await indexes()).toEqual(made);
    } finally {
      await pool.end();
      await postgres.close();
    }
  });
});
