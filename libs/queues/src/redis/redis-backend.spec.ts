import { eventually, TestRedis } from '@spillway/testing';
import { RedisBackend } from './redis-backend';

describe('queues in Redis', () => {
  it('work when they were opened while it was away', async () => {
    const redis = await TestRedis.start();
    const backend = new RedisBackend(redis.url, { prefix: 'spillway', databaseUrl: '' });
    try {
      await backend.ready();
      await redis.stop();
      const queue = backend.openQueue('late', 'spillway');
      await expect(queue.getJobs(['waiting'])).rejects.toThrow();
      await redis.resume();
      await eventually(() => queue.add('job', {}), { what: 'a job' });
      expect(await queue.getJobs(['waiting'])).toHaveLength(1);
    } finally {
      await backend.close();
      await redis.close();
    }
  });
});
