import { BACKENDS } from '@spillway/testing';
import * as fc from 'fast-check';
import type { LaneJob } from '../lane-store';
import { Servers } from './world';

const DAY_MS = 86_400_000;
const RUNS = 25;

describe.each(BACKENDS)('duplicates in lanes, on %s', (backend) => {
  let servers: Servers;

  beforeAll(async () => {
    servers = await Servers.start(backend);
  }, 60_000);

  afterAll(async () => {
    await servers?.close();
  });

  // Batches of what is new and what is not, into queues that are short and such that spill.
  const batches = fc.array(
    fc.array(fc.record({ content: fc.nat(12), lane: fc.constantFrom('a', 'b') }), { minLength: 1, maxLength: 6 }),
    { minLength: 1, maxLength: 12 },
  );

  it(
    'are told the job that stands for them, and that is there, whatever came with it',
    async () => {
      await fc.assert(
        fc.asyncProperty(batches, fc.nat(40), async (list, before) => {
          const world = servers.world();
          await world.store.register('w', 2, Date.now() + 3_600_000);
          try {
            let count = 0;
            const newJob = (lane: string, content?: number): LaneJob => jobOf(`j${(count += 1)}`, lane, content);
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
        { numRuns: RUNS },
      );
    },
    RUNS * 4_000,
  );
});

function jobOf(id: string, lane: string, content?: number): LaneJob {
  const data = { id };
  const deduplication = content === undefined ? undefined : { id: `c${content}`, ttl: DAY_MS };
  const opts = { jobId: id, attempts: 1, ...(deduplication && { deduplication }) };
  return { name: 'job', data, json: JSON.stringify(data), opts, place: { lane } };
}
