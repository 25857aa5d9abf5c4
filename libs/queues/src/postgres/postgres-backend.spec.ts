import { eventually, TestPostgres } from '@spillway/testing';
import { PostgresBackend } from './postgres-backend';

describe('queues in PostgreSQL', () => {
  it('work when they were opened while it was away', async () => {
    const postgres = await TestPostgres.start();
    const backend = new PostgresBackend({ databaseUrl: postgres.url });
    try {
      await backend.migrate();
      await postgres.stop();
      const queue = backend.openQueue('late', 'spillway');
      await expect(queue.getJobs(['waiting'])).rejects.toThrow();
      await postgres.resume();
      await eventually(() => queue.add('job', {}), { what: 'a job' });
      expect(await queue.getJobs(['waiting'])).toHaveLength(1);
    } finally {
      await backend.close();
      await postgres.close();
    }
  });
});
