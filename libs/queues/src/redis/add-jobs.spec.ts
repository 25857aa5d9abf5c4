import { TestRedis } from '@spillway/testing';
import { Queue, Worker } from 'bullmq';
import * as fc from 'fast-check';
import Redis from 'ioredis';
import { AHEAD } from '../lanes/lane-store';
import { RedisLanes } from '../lanes/redis/redis-lanes';
import { bullPriority } from '../priority';
import { isPlain, type NewJob } from './add-jobs';

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await TestRedis.start();
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
}, 30_000);

afterAll(async () => {
  redis?.disconnect();
  await server?.close();
});

const NOW = Date.now();
const words = fc.stringMatching(/^[a-z]{1,3}$/);
const jobs = fc.array(
  fc
    .record({
      id: fc.stringMatching(/^[a-c][a-c]?$/),
      name: words,
      data: fc.dictionary(words, fc.oneof(fc.string(), fc.integer(), fc.constant(null))),
      priority: fc.constantFrom(0, 1, 2, 3),
      deduplication: fc.option(fc.record({ id: fc.constantFrom('x', 'y', 'z'), ttl: fc.constant(60_000) }), {
        nil: undefined,
      }),
      delay: fc.constantFrom(0, 0, 0, 60_000, 120_000),
    })
    .map(({ id, name, data, priority, deduplication, delay }): NewJob => ({
      name,
      data,
      json: JSON.stringify(data),
      opts: {
        jobId: id,
        attempts: 5,
        backoff: { type: 'spillway' },
        priority,
        removeOnComplete: { count: 10 },
        removeOnFail: true,
        ...(deduplication && { deduplication }),
        ...(delay && { delay }),
        timestamp: NOW,
      },
    })),
  { minLength: 1, maxLength: 12 },
);

it("leaves in Redis what BullMQ's own add leaves, and answers the same", async () => {
  await fc.assert(
    fc.asyncProperty(jobs, fc.boolean(), async (list, paused) => {
      await redis.flushall();
      const [theirs, ours] = ['theirs', 'ours'].map(
        (name) => new Queue(name, { connection: redis, skipMetasUpdate: true }),
      ) as [Queue, Queue];
      if (paused) for (const queue of [theirs, ours]) await queue.pause();
      const expected: string[] = [];
      for (const job of list) expected.push((await theirs.add(job.name, job.data, job.opts)).id!);
      expect(await new RedisLanes(redis, ours, AHEAD).add(list)).toEqual(expected);
      expect(await contents('ours')).toEqual(await contents('theirs'));
    }),
    { numRuns: 150 },
  );
});

it.each(['with lanes', 'without'])('gives jobs that a worker does, most urgent first, %s', async (lanes) => {
  await redis.flushall();
  const queue = new Queue('q', { connection: redis });
  const classes = ['normal', 'low', 'high', 'critical', 'normal', 'high', 'low', 'critical', 'high', 'normal'] as const;
  const jobs = classes.map((priority, index) => ({
    name: 'n',
    data: {},
    json: '{}',
    opts: { jobId: `${priority}-${index}`, priority: bullPriority(priority) },
    ...(lanes === 'with lanes' && { place: { lane: 't' } }),
  }));
  for (const job of jobs) await new RedisLanes(redis, queue, AHEAD).add([job]);
  const done: string[] = [];
  const worker = new Worker('q', async ({ id }) => done.push(id!), { connection: redis, concurrency: 1 });
  await new Promise<void>((resolve) => worker.on('drained', () => resolve()));
  await worker.close();
  const inOrder = jobs.toSorted((one, other) => one.opts.priority - other.opts.priority);
  expect(done).toEqual(inOrder.map(({ opts }) => opts.jobId));
});

it('leaves to BullMQ what the script does not know', () => {
  const job = (opts: object): NewJob => ({ name: 'n', data: {}, json: '{}', opts: { jobId: 'x', ...opts } });
  expect(isPlain(job({ deduplication: { id: 'a', ttl: 5 } }))).toBe(true);
  for (const opts of [
    { lifo: true },
    { deduplication: { id: 'a' } },
    { deduplication: { id: 'a', ttl: 5, replace: true } },
  ]) {
    expect(isPlain(job(opts))).toBe(false);
  }
});

/** Every key of a queue, without what differs by nature: times, and the order of words in JSON. */
async function contents(queue: string): Promise<Record<string, unknown>> {
  const keys = (await redis.keys(`bull:${queue}:*`)).sort();
  const found: Record<string, unknown> = {};
  for (const key of keys) {
    const type = await redis.type(key);
    const name = key.slice(`bull:${queue}:`.length);
    if (type === 'string') found[name] = [await redis.get(key), (await redis.pttl(key)) > 0];
    if (type === 'list') found[name] = await redis.lrange(key, 0, -1);
    if (type === 'zset') found[name] = await redis.zrange(key, 0, -1, 'WITHSCORES');
    if (type === 'stream') found[name] = (await redis.xrange(key, '-', '+')).map(([, fields]) => fields);
    if (type === 'hash') {
      const hash = await redis.hgetall(key);
      if (hash['opts'])
        found[name] = { ...hash, opts: JSON.parse(hash['opts']) as unknown, timestamp: hash['timestamp']!.length };
      else found[name] = hash;
    }
  }
  return found;
}
