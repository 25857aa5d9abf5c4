import { once } from 'node:events';
import { eventually, type RedisProcess, TestRedisCluster } from '@spillway/testing';
import type { Worker } from 'bullmq';
import type { Cluster } from 'ioredis';
import { RedisBackend } from './redis-backend';

describe('a worker whose connection was made while the cluster was down', () => {
  let cluster: TestRedisCluster;
  let backend: RedisBackend;
  let worker: Worker;

  beforeAll(async () => {
    cluster = await TestRedisCluster.start();
  }, 60_000);

  afterAll(async () => {
    await worker?.close(true);
    await backend?.close();
    await cluster?.close();
  });

  it('takes jobs again once it is up', async () => {
    backend = new RedisBackend(cluster.url, { prefix: 'spillway', databaseUrl: '' });
    await backend.ready();
    const queue = backend.openQueue('layout', 'spillway-0');
    const done: string[] = [];
    worker = backend.openWorker('layout', 'spillway-0', async ({ name }) => void done.push(name), {
      runRetryDelay: 100,
    });
    await queue.add('before', {});
    await eventually(() => done.includes('before'), { what: 'a job' });

    // Two of three primaries: nobody can take over.
    const [first, second] = await primaries(cluster);
    await Promise.all([first!, second!].map((one) => one.stop('SIGKILL')));
    await eventually(() => cluster.isDown(), { what: 'the end of the cluster', withinMs: 20_000 });
    const client = await blockingClient(worker);
    const failed = once(client, 'reconnecting');
    client.disconnect();
    await failed;
    await Promise.all([first!, second!].map((one) => one.start()));

    await eventually(() => queue.add('after', {}).then(() => true), { what: 'the cluster', withinMs: 30_000 });
    await eventually(() => done.includes('after'), { what: 'another job', withinMs: 30_000 });
  }, 120_000);
});

async function primaries(cluster: TestRedisCluster): Promise<RedisProcess[]> {
  const found = new Set<RedisProcess>();
  for (let number = 0; found.size < 3; number += 1) found.add(await cluster.primaryOf(String(number)));
  return [...found];
}

/** What BullMQ waits for jobs on. */
function blockingClient(worker: Worker): Promise<Cluster> {
  const { blockingConnection } = (
    worker as unknown as { backend: { blockingConnection: { client: Promise<Cluster> } } }
  ).backend;
  return blockingConnection.client;
}
