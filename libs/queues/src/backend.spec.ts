import { BACKENDS, eventually, TestPostgres, TestRedis } from '@spillway/testing';
import { openBackend, prepareBackend } from './backend';

describe.each(BACKENDS)('queues on %s', (name) => {
  it('work when they were opened while it was away', async () => {
    const server = name === 'redis' ? await TestRedis.start() : await TestPostgres.start();
    const redisUrl = name === 'redis' ? server.url : undefined;
    const backend = openBackend({ redisUrl, databaseUrl: server.url, prefix: 'spillway' });
    try {
      await prepareBackend(backend);
      await backend.warnings();
      await server.stop();
      const queue = backend.openQueue('late', 'spillway');
      await expect(queue.getJobs(['waiting'])).rejects.toThrow();
      await server.resume();
      await eventually(() => queue.add('job', {}), { what: 'a job' });
      expect(await queue.getJobs(['waiting'])).toHaveLength(1);
    } finally {
      await backend.close();
      await server.close();
    }
  });
});
