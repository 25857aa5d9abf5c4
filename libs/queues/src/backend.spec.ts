import { BACKENDS, eventually, TestPostgres, TestRedis } from '@spillway/testing';
import { Client } from 'pg';
import { openBackend, prepareBackend } from './backend';

describe.each(BACKENDS)('queues on %s', (name) => {
  async function started() {
    const server = name === 'redis' ? await TestRedis.start() : await TestPostgres.start();
    const redisUrl = name === 'redis' ? server.url : undefined;
    return { server, backend: openBackend({ redisUrl, databaseUrl: server.url, prefix: 'spillway' }) };
  }

  it('work when they were opened while it was away', async () => {
    const { server, backend } = await started();
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

  it('tell what is at hand', async () => {
    const { server, backend } = await started();
    try {
      await prepareBackend(backend);
      await backend.ready();
      const [queue, other] = [backend.openQueue('some', 'spillway'), backend.openQueue('other', 'spillway')];
      expect(await backend.atHand(queue, 5)).toEqual({ isPaused: false, ready: 0 });
      await queue.addBulk([
        { name: 'now', data: {} },
        { name: 'urgent', data: {}, opts: { priority: 1 } },
        { name: 'later', data: {}, opts: { delay: 60_000 } },
      ]);
      await other.add('now', {});
      expect(await backend.atHand(queue, 5)).toEqual({ isPaused: false, ready: 2 });
      await queue.pause();
      expect(await backend.atHand(queue, 5)).toEqual({ isPaused: true, ready: 2 });
    } finally {
      await backend.close();
      await server.close();
    }
  });
});

it('takes no more connections to PostgreSQL than it may, and one for each worker', async () => {
  const server = await TestPostgres.start();
  const backend = openBackend({ databaseUrl: server.url, prefix: 'spillway', pool: 3 });
  try {
    await prepareBackend(backend);
    const queues = Array.from({ length: 8 }, (_, n) => backend.openQueue(`queue-${n}`, 'spillway'));
    const open = (name: string) => backend.openWorker(name, 'spillway', async () => 1, { concurrency: 10 });
    const workers = queues.slice(0, 2).map(({ name }) => open(name));
    await Promise.all(queues.flatMap((queue) => Array.from({ length: 10 }, () => queue.add('job', {}))));
    await eventually(async () =>
      (await Promise.all(queues.slice(0, 2).map((one) => one.count()))).every((n) => n === 0),
    );
    const client = new Client(server.url);
    await client.connect();
    const { rows } = await client.query<{ many: number }>(
      `select count(*)::int as many from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    await client.end();
    expect(rows[0]!.many).toBeLessThanOrEqual(3 + 2);
    await Promise.all(workers.map((one) => one.close()));
  } finally {
    await backend.close();
    await server.close();
  }
});
