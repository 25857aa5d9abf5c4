import { eventually, TestPostgres } from '@spillway/testing';
import { withBackend } from 'bullmq';
import * as fc from 'fast-check';
import { Pool } from 'pg';
import { PostgresBackend } from '../postgres-backend';
import { readyAgain } from '../ready-again';
import { finishingBackend } from './finishing-backend';
import { Pair, Side, steps } from './test/pair';

let server: TestPostgres;
let pool: Pool;
let pair: Pair;
let pairs = 0;

beforeAll(async () => {
  server = await TestPostgres.start();
  const backend = new PostgresBackend({ databaseUrl: server.url });
  await backend.migrate();
  await backend.close();
  pool = new Pool({ connectionString: server.url, max: 12, options: '-c search_path=bullmq' });
  pool.setMaxListeners(0);
}, 60_000);

afterAll(async () => {
  await pool?.end();
  await server?.close();
});

async function newPair(): Promise<void> {
  pairs += 1;
  pair = new Pair(
    pool,
    new Side(`theirs-${pairs}`, pool),
    new Side(`ours-${pairs}`, pool, finishingBackend(pool, readyAgain)),
  );
  jest.spyOn(Date, 'now').mockImplementation(() => pair.now);
  // BullMQ removes no old events, as in a queue of Spillway's.
  await pair.both(({ name }) =>
    pool
      .query(`insert into meta (queue, field, value) values ($1, 'opts.maxLenEvents', '0')`, [name])
      .then(() => undefined),
  );
}

/** Adds jobs j1, j2, … to both. */
async function addJobs(count: number, data: object = {}): Promise<void> {
  await pair.both(async ({ queue }) => {
    const jobs = Array.from({ length: count }, (_, n) => ({ name: 'n', data, opts: { jobId: `j${n + 1}` } }));
    await queue.addBulk(jobs);
  });
}

describe('many completions in one statement', () => {
  afterEach(() => jest.restoreAllMocks());

  it("leave in PostgreSQL what BullMQ's own functions leave, and answer the same", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        await newPair();
        await fc.asyncModelRun(() => ({ model: {}, real: pair }), list);
        await pair.close();
      }),
      { numRuns: Number(process.env['FINISH_RUNS'] ?? 12) },
    );
  }, 600_000);

  it('each get their next job, also when there are more than one statement takes', async () => {
    await newPair();
    await addJobs(250);
    for (let n = 0; n < 120; n += 1) await pair.take();
    const statements = jest.spyOn(pool, 'query');
    const slots = [...pair.slots.values()].map(([, ours]) => ours);
    const ends = await pair.ours.complete(slots, true);
    expect(statements).toHaveBeenCalledTimes(3);
    expect(new Set(ends.map(([, next]) => next!.id)).size).toBe(120);
    expect(await pair.ours.queue.getActiveCount()).toBe(120);
    await pair.close();
  });

  it('fetch large jobs one by one', async () => {
    await newPair();
    // Nothing that can be packed.
    const text = Buffer.from(Array.from({ length: 300_000 }, () => Math.floor(Math.random() * 256))).toString('base64');
    await addJobs(40, { text });
    for (let n = 0; n < 20; n += 1) await pair.take();
    const slots = [...pair.slots.values()].map(([, ours]) => ours);
    const alone = jest.spyOn(pair.ours.backend, 'moveToActive');
    const ends = await pair.ours.complete(slots, true);
    expect(new Set(ends.map(([, next]) => next!.id)).size).toBe(20);
    expect(alone.mock.calls.length).toBeGreaterThan(10);
    await pair.close();
  });

  it('are done without the one whose result PostgreSQL cannot keep', async () => {
    await newPair();
    await addJobs(3);
    for (let n = 0; n < 3; n += 1) await pair.take();
    const slots = [...pair.slots.values()].map(([, ours]) => ours);
    const results = await Promise.allSettled(
      slots.map(({ job, token }, n) =>
        pair.ours.backend.moveToCompleted(job, n === 1 ? 'a\u0000' : 'b', false, token, true),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await pair.ours.queue.getCompletedCount()).toBe(2);
    await pair.close();
  });
});

describe('a worker', () => {
  it('fetches jobs for all its free places at once, and starts no more than it may', async () => {
    const backend = new PostgresBackend({ databaseUrl: server.url, pool: 6 });
    const statements = jest.spyOn(Pool.prototype, 'query');
    const queue = backend.openQueue('free', 'spillway');
    await queue.addBulk(Array.from({ length: 90 }, (_, n) => ({ name: 'n', data: {}, opts: { jobId: `j${n}` } })));
    let running = 0;
    let expected = 0;
    let most = 0;
    const count = () => (most = Math.max(most, running + expected));
    const done: string[] = [];
    const work = async ({ id }: { id?: string }) => {
      running += 1;
      await eventually(() => running === 30 || done.length >= 60, { what: 'company' });
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
      done.push(id!);
    };
    statements.mockClear();
    const worker = backend.openWorker('free', 'spillway', work, {
      concurrency: 30,
      lockDuration: 30_000,
      expect: (jobs) => {
        expected += jobs;
        count();
      },
    });
    try {
      await eventually(async () => (await queue.getCompletedCount()) === 90, { what: 'the end of all' });
      expect(new Set(done).size).toBe(90);
      expect(done).toHaveLength(90);
      // Those that were asked for count from then on; one that begins counts twice for an instant.
      expect(most).toBeGreaterThanOrEqual(30);
      expect(most).toBeLessThanOrEqual(31);
      await eventually(() => running + expected === 0, { what: 'nothing that is expected any more' });
      const named = (name: string) =>
        statements.mock.calls.filter(([about]) => (about as { name?: string }).name === name);
      expect(named('finish-jobs').length).toBeLessThan(30);
      const text = JSON.stringify(statements.mock.calls.map(([about]) => about));
      expect(text).not.toContain('move_to_active');
      // What it asks before it waits is planned once.
      await eventually(() => named('bullmq-has_waiting_job').length > 0, { what: 'a worker that waits' });
    } finally {
      await worker.close();
      await backend.close();
      statements.mockRestore();
    }
  }, 60_000);

  it('leaves no job active when it is closed while it fetches', async () => {
    const backend = new PostgresBackend({ databaseUrl: server.url, pool: 6 });
    const queue = backend.openQueue('closed', 'spillway');
    try {
      let count = 0;
      for (let round = 0; round < 10; round += 1) {
        const add = queue.addBulk(Array.from({ length: 20 }, () => ({ name: 'n', data: {} })));
        const work = async () => void (count += 1);
        const worker = backend.openWorker('closed', 'spillway', work, { concurrency: 8, lockDuration: 30_000 });
        await worker.waitUntilReady();
        await new Promise((resolve) => setTimeout(resolve, round * 3));
        await worker.close();
        await add;
        expect(await queue.getActiveCount()).toBe(0);
        expect(await queue.getCompletedCount()).toBe(count);
      }
      expect(count).toBeGreaterThan(0);
    } finally {
      await backend.close();
    }
  }, 60_000);

  it('loses no job when the answer to a statement is lost', async () => {
    // Connections of its own, of which some break after the statement was carried out and before its answer is read.
    const own = new Pool({ connectionString: server.url, max: 8, options: '-c search_path=bullmq' });
    own.setMaxListeners(0);
    own.on('error', () => undefined);
    own.on('connect', (client) => client.on('error', () => undefined));
    cutAfter(own, [2, 4, 7]);
    const { Queue, Worker } = withBackend(finishingBackend(own, readyAgain));
    const queue = new Queue('cut', { connection: pool });
    await queue.addBulk(Array.from({ length: 200 }, (_, n) => ({ name: 'n', data: {}, opts: { jobId: `j${n}` } })));
    const done = new Map<string, number>();
    const errors: string[] = [];
    const work = async ({ id }: { id?: string }) => void done.set(id!, (done.get(id!) ?? 0) + 1);
    const settings = { connection: own, concurrency: 10, lockDuration: 400, stalledInterval: 200, maxStalledCount: 10 };
    const worker = new Worker('cut', work, settings);
    worker.on('error', (error) => errors.push(error.message));
    await eventually(async () => (await queue.getCompletedCount()) === 200, { what: 'the end of all' });
    await worker.close();
    await queue.close();
    await own.end();
    expect(done.size).toBe(200);
    expect(errors).not.toEqual([]);
    // What was fetched and never heard of was done a second time: no more than run at once, each time.
    expect([...done.values()].filter((times) => times > 1).length).toBeLessThanOrEqual(30);
  }, 60_000);
});

/** The answer to these calls of our function is lost, and the connection with it. */
function cutAfter(cut: Pool, numbers: number[]): void {
  const query = cut.query.bind(cut) as (...all: unknown[]) => Promise<unknown>;
  let count = 0;
  cut.query = (async (about: { name?: string }, ...more: unknown[]) => {
    const answer = await query(about, ...more);
    if (about.name !== 'finish-jobs') return answer;
    count += 1;
    if (numbers.includes(count)) throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    return answer;
  }) as never;
}
