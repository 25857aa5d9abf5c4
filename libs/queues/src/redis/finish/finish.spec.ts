import { eventually, TestRedis } from '@spillway/testing';
import { Queue, Worker } from 'bullmq';
import * as fc from 'fast-check';
import Redis from 'ioredis';
import { finishingBackend } from './finishing-backend';
import type { Slot } from '../../testing/twins';
import { KEEP, Side } from './test/side';
import { Pair, steps } from './test/steps';

let server: TestRedis;
let redis: Redis;
let pair: Pair;

beforeAll(async () => {
  server = await TestRedis.start();
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
}, 30_000);

afterAll(async () => {
  redis?.disconnect();
  await server?.close();
});

async function newPair(): Promise<Pair> {
  await redis.flushall();
  pair = new Pair(redis, new Side('theirs', redis), new Side('ours', redis, finishingBackend(redis, KEEP)));
  jest.spyOn(Date, 'now').mockImplementation(() => pair.now);
  return pair;
}

/** Adds jobs j1, j2, … to both. */
function addJobs(count: number, opts: object = {}): Promise<void> {
  return pair.both(async (side) => {
    const options = { timestamp: pair.now, removeOnComplete: { count: KEEP }, ...opts };
    const jobs = Array.from({ length: count }, (_, n) => ({
      name: 'n',
      data: {},
      opts: { jobId: `j${n + 1}`, ...options },
    }));
    await side.queue.addBulk(jobs);
  });
}

describe('many completions in one script', () => {
  afterEach(() => jest.restoreAllMocks());

  it("leave in Redis what BullMQ's own script leaves, and answer the same", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        await newPair();
        await fc.asyncModelRun(() => ({ model: {}, real: pair }), list);
        await pair.close();
      }),
      { numRuns: Number(process.env['FINISH_RUNS'] ?? 15) },
    );
  }, 600_000);

  it('each get their next job, also when there are more than one script takes', async () => {
    await newPair();
    await addJobs(250);
    for (let n = 0; n < 120; n += 1) await pair.take();
    const scripts = await calls('evalsha', async () => {
      await pair.ours.complete(
        [...pair.slots.values()].map(([, ours]) => ours),
        true,
      );
    });
    expect(scripts).toBe(3);
    await pair.theirs.complete(
      [...pair.slots.values()].map(([theirs]) => theirs),
      false,
    );
    await pair.check();
    expect(await redis.llen(pair.ours.key('active'))).toBe(120);
    await pair.close();
  });

  it('fetch large jobs a few at a time', async () => {
    await newPair();
    const { ours } = pair;
    const add = (name: string, data: object) =>
      ours.queue.addBulk(
        Array.from({ length: 30 }, () => ({ name, data, opts: { removeOnComplete: { count: KEEP } } })),
      );
    await add('small', {});
    await add('large', { text: 'x'.repeat(200_000) });
    const slots: Slot[] = [];
    for (let n = 0; n < 30; n += 1) slots.push((await ours.take(`t${n}`))[1]!);
    const ends = await ours.complete(slots, true);
    expect(ends.filter(([, next]) => next)).toHaveLength(10);
    expect(await redis.llen(ours.key('active'))).toBe(10);
    expect(await redis.exists(ours.key('marker'))).toBe(1);
    await pair.close();
  });

  it('wake no worker of a queue that is paused', async () => {
    await newPair();
    await addJobs(1);
    await pair.take();
    await addJobs(3, { delay: 5 });
    pair.now += 10;
    await pair.both(({ queue }) => queue.pause());
    await pair.both((side) => redis.del(side.key('marker')));
    await pair.complete([{ n: 0, harm: 'none' }]);
    await pair.check();
    expect(await redis.exists(pair.ours.key('marker'))).toBe(0);
    await pair.close();
  });

  it('are left to BullMQ when one of the jobs got a parent meanwhile', async () => {
    await newPair();
    await addJobs(4);
    for (let n = 0; n < 3; n += 1) await pair.take();
    await pair.both((side) => redis.sadd(side.key('p:dependencies'), side.key('j2')));
    await pair.complete([0, 1, 2].map((n) => ({ n, harm: n === 1 ? 'adopted' : 'none' })));
    await pair.check();
    expect(await redis.exists(pair.ours.key('p:dependencies'))).toBe(0);
    await pair.close();
  });

  it('that a script could not do are all told so', async () => {
    await newPair();
    await addJobs(2);
    for (let n = 0; n < 2; n += 1) await pair.take();
    await redis.set(pair.ours.key('meta'), 'not a hash');
    const ends = await pair.ours.complete(
      [...pair.slots.values()].map(([, ours]) => ours),
      true,
    );
    expect(ends.map(([outcome]) => outcome)).toEqual(
      Array(2).fill(expect.objectContaining({ error: expect.stringContaining('WRONGTYPE') as string })),
    );
    expect(await redis.llen(pair.ours.key('active'))).toBe(2);
    await pair.close();
  });
});

describe('a worker', () => {
  it('loses no job when the answer to a script is lost', async () => {
    await redis.flushall();
    const queue = new Queue('q', { connection: redis });
    const connection = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 10 });
    const opts = { removeOnComplete: { count: 1_000 } };
    await queue.addBulk(
      Array.from({ length: 200 }, (_, n) => ({ name: 'n', data: {}, opts: { jobId: `j${n}`, ...opts } })),
    );
    const backend = finishingBackend(connection, 1_000);
    cutAfter(connection, [2, 4, 7]);
    const done = new Map<string, number>();
    const errors: string[] = [];
    const work = async ({ id }: { id?: string }) => void done.set(id!, (done.get(id!) ?? 0) + 1);
    const settings = { connection, concurrency: 10, lockDuration: 400, stalledInterval: 200, maxStalledCount: 10 };
    const worker = new Worker('q', work, settings, backend);
    worker.on('error', (error) => errors.push(error.message));
    await eventually(async () => (await queue.getCompletedCount()) === 200, {
      withinMs: 20_000,
      what: 'the end of all',
    });
    await worker.close();
    connection.disconnect();
    expect(done.size).toBe(200);
    expect(errors).toContainEqual(expect.stringContaining('Missing lock'));
    // What was fetched and never heard of was done a second time: no more than run at once, each time.
    expect([...done.values()].filter((times) => times > 1).length).toBeLessThanOrEqual(30);
    expect(await queue.getActiveCount()).toBe(0);
    await queue.close();
  });
});

/** The connection breaks right after these calls of our script were sent. */
function cutAfter(connection: Redis, numbers: number[]): void {
  const scripted = connection as Redis & { finishJobs(...args: unknown[]): Promise<unknown> };
  const finish = scripted.finishJobs.bind(connection);
  let count = 0;
  scripted.finishJobs = (...args) => {
    const answer = finish(...args);
    count += 1;
    if (numbers.includes(count)) connection.stream.destroy();
    return answer;
  };
}

/** How often a command was called meanwhile. */
async function calls(command: string, run: () => Promise<void>): Promise<number> {
  await redis.config('RESETSTAT');
  await run();
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await redis.info('commandstats'))?.[1] ?? 0);
}
