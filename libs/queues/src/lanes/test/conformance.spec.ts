import { BACKENDS } from '@spillway/testing';
import * as fc from 'fast-check';
import type { LaneJob } from '../lane-store';
import { commands, heal, jobOf } from './commands';
import { Model, nameOf } from './model';
import { Servers, TOKEN, type World } from './world';

/** `SPILLWAY_LANES_RUNS=2000` looks longer; a failed run says its seed and path. */
const RUNS = Number(process.env['SPILLWAY_LANES_RUNS'] ?? 12);
const SEED = process.env['SPILLWAY_LANES_SEED'];
const DUPLICATES_RUNS = 25;
const DAY_MS = 86_400_000;

describe.each(BACKENDS)('lanes on %s', (backend) => {
  let servers: Servers;

  beforeAll(async () => {
    servers = await Servers.start(backend);
  }, 60_000);

  afterAll(async () => {
    await servers?.close();
  });

  it(
    'keep what they promise, whatever happens',
    async () => {
      await fc.assert(
        fc.asyncProperty(commands, async (list) => {
          const world = servers.world();
          const model = new Model();
          await world.store.register('w', 2, Date.now() + 3_600_000);
          try {
            await fc.asyncModelRun(() => ({ model, real: world }), list);
            await drain(model, world);
          } finally {
            await world.close();
          }
        }),
        { numRuns: RUNS, ...(SEED && { seed: Number(SEED) }) },
      );
    },
    RUNS * 4_000,
  );

  // Batches of what is new and what is not, into queues that are short and such that spill.
  const batches = fc.array(
    fc.array(fc.record({ content: fc.nat(12), lane: fc.constantFrom('a', 'c') }), { minLength: 1, maxLength: 6 }),
    { minLength: 1, maxLength: 12 },
  );

  it(
    'tell a duplicate the job that stands for it, which is there, as is all that came with it',
    async () => {
      await fc.assert(
        fc.asyncProperty(batches, fc.nat(40), async (list, before) => {
          const world = servers.world();
          await world.store.register('w', 2, Date.now() + 3_600_000);
          try {
            let count = 0;
            const newJob = (lane: string, content?: number) => contentOf(`j${(count += 1)}`, lane, content);
            for (let n = 0; n < before; n += 1) await world.store.add([newJob('a')]);
            const standing = new Map<number, string>();
            for (const batch of list) {
              const jobs = batch.map(({ lane, content }) => newJob(lane, content));
              const told = await world.store.add(jobs);
              for (const [at, { content }] of batch.entries()) {
                if (!standing.has(content)) standing.set(content, jobs[at]!.opts.jobId);
                expect(told[at]).toBe(standing.get(content));
              }
            }
            const there = await world.states();
            expect([...standing.values()].filter((id) => !there.has(id))).toEqual([]);
            expect(there.size).toBe(before + standing.size);
          } finally {
            await world.close();
          }
        }),
        { numRuns: DUPLICATES_RUNS },
      );
    },
    DUPLICATES_RUNS * 4_000,
  );

  it.each([0, 40])('take a job that comes twice in one call once, behind %s others', async (before) => {
    const world = servers.world();
    try {
      await world.store.register('w', 2, Date.now() + 3_600_000);
      await world.store.add(Array.from({ length: before }, (_, n) => contentOf(`b${n}`, 'a')));
      const twice = contentOf('j1', 'a', 1);
      const told = await world.store.add([twice, contentOf('j2', 'c', 2), twice, contentOf('j3', 'a', 2)]);
      expect(told).toEqual(['j1', 'j2', 'j1', 'j2']);
      expect([...(await world.states()).keys()].filter((id) => id.startsWith('j')).sort()).toEqual(['j1', 'j2']);
      // And what was there once does not come back.
      for (let round = 0; (await world.states()).size > 0 && round < 100; round += 1) {
        await world.store.pump([], 64);
        for (let job = await world.take(); job; job = await world.take())
          await job.moveToCompleted('done', TOKEN, false);
      }
      expect(await world.store.add([twice])).toEqual(['j1']);
      expect((await world.states()).size).toBe(0);
    } finally {
      await world.close();
    }
  });
});

/** Every job comes to its end, and nothing is left. */
async function drain(model: Model, world: World): Promise<void> {
  if (model.paused) await world.queue.resume();
  for (const job of model.active.values()) {
    await job.moveToCompleted('done', TOKEN, false);
    model.ended(job.id!, 'done');
  }
  for (let round = 0; model.open.size > 0; round += 1) {
    if (round > 500)
      throw new Error(`never done: ${[...model.open].map(([id, one]) => `${id} ${nameOf(one)}`).join()}`);
    for (const name of [...model.parked.keys()]) {
      const [lane, key] = name.split('/') as [string, string];
      await world.store.skip(lane, key);
      model.skipped({ lane, key });
    }
    await heal.run(model, world);
    for (let job = await world.take(); job; job = await world.take()) {
      model.active.set(job.id!, job);
      await model.check(world);
      await job.moveToCompleted('done', TOKEN, false);
      model.ended(job.id!, 'done');
    }
  }
  await world.store.heal(true);
  for (const name of [...model.parked.keys()]) await world.store.skip(...(name.split('/') as [string, string]));
  const left = await world.store.list(100);
  expect({ lanes: left.lanes, keys: left.keys, spilled: left.spilled }).toEqual({ lanes: [], keys: [], spilled: 0 });
}

/** @param content what makes it a duplicate of another; left out: of none */
function contentOf(id: string, lane: string, content?: number): LaneJob {
  const job = jobOf(id, { lane }, 2);
  if (content === undefined) return job;
  return { ...job, opts: { ...job.opts, deduplication: { id: `c${content}`, ttl: DAY_MS } } };
}
