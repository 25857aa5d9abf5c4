import type { JobsOptions } from 'bullmq';
import * as fc from 'fast-check';
import type Redis from 'ioredis';
import { type Choice, mostly, often, type Slot, stepOf, Twins } from '../../../testing/twins';
import { KEEP, type Side } from './side';

/** What is done to a job before it is finished. */
const HARMS = ['token', 'lock', 'gone', 'inactive', 'failed-child', 'child', 'adopted'] as const;
type Harm = (typeof HARMS)[number] | 'none';

/** The same queue twice: BullMQ's own scripts work on one, ours on the other. */
export class Pair extends Twins<Side, Harm> {
  constructor(
    readonly redis: Redis,
    theirs: Side,
    ours: Side,
  ) {
    super(theirs, ours, [-1, -2, -6]);
  }

  async complete(picks: Choice<Harm>[]): Promise<void> {
    const all = await this.choose(picks);
    // Ours do not wait for company with those that BullMQ finishes, so they come after them.
    const isPlain = ({ pair }: { pair: [Slot, Slot] }) => {
      const { opts, parentKey } = pair[0].job;
      return !parentKey && (opts.removeOnComplete as { count?: number } | undefined)?.count === KEEP;
    };
    await this.finish(all.filter((one) => !isPlain(one)).map(({ pair }) => pair));
    await this.finish(all.filter(isPlain).map(({ pair }) => pair));
  }

  protected async hurt(side: Side, id: string, harm: Harm): Promise<void> {
    const { redis } = this;
    if (harm === 'lock') await redis.del(side.key(`${id}:lock`));
    if (harm === 'gone') await redis.del(side.key(id));
    if (harm === 'inactive') await redis.lrem(side.key('active'), 0, id);
    if (harm === 'child') await redis.sadd(side.key(`${id}:dependencies`), 'other:queue:child');
    if (harm === 'adopted') await redis.hset(side.key(id), 'parentKey', side.key('p'));
    if (harm === 'failed-child') await redis.zadd(side.key(`${id}:unsuccessful`), 1, 'other:queue:child');
  }
}

const step = stepOf<Pair>;

const newJob = fc.record({
  id: fc.integer({ min: 1, max: 20 }),
  priority: mostly(2, 0, 1, 2),
  delay: mostly(6, 0, 5, 5_000),
  deduplication: mostly<JobsOptions['deduplication']>(
    15,
    undefined,
    { id: 'x' },
    { id: 'x' },
    { id: 'y', ttl: 60_000 },
    { id: 'z', keepLastIfActive: true },
  ),
  removeOnComplete: mostly<JobsOptions['removeOnComplete']>(17, { count: KEEP }, { count: 2 }, true, { age: 1 }),
  telemetry: mostly<JobsOptions['telemetry']>(1, undefined, { metadata: '{"traceparent":"x"}' }),
});

const add = fc.array(newJob, { minLength: 1, maxLength: 8 }).map((jobs) =>
  step(`add ${JSON.stringify(jobs)}`, (pair) =>
    pair.both(async (side) => {
      const refused: unknown[] = [];
      for (const { id, ...opts } of jobs) {
        refused.push(await side.add('n', { text: 'ä' }, { jobId: `j${id}`, timestamp: pair.now, ...opts }));
      }
      return refused;
    }),
  ),
);

const child = fc.integer({ min: 1, max: 3 }).map((id) =>
  step(`add a child of another job ${id}`, (pair) =>
    pair.both(async (side) => {
      const parent = { id: 'p', queue: side.key('').slice(0, -1) };
      await side.add('n', {}, { jobId: 'p', timestamp: pair.now, removeOnComplete: { count: KEEP } });
      return side.add('n', {}, { jobId: `c${id}`, timestamp: pair.now, removeOnComplete: { count: KEEP }, parent });
    }),
  ),
);

const take = fc.integer({ min: 1, max: 6 }).map((count) =>
  step(`take ${count}`, async (pair) => {
    for (let n = 0; n < count; n += 1) await pair.take();
  }),
);

const complete = fc
  .array(fc.record({ n: fc.nat(20), harm: mostly<Harm>(40, 'none', ...HARMS) }), { minLength: 1, maxLength: 6 })
  .map((picks) =>
    step(`complete ${picks.map(({ n, harm }) => `${n} ${harm}`).join(', ')}`, (pair) => pair.complete(picks)),
  );

const fail = fc.record({ n: fc.nat(20), retry: fc.boolean() }).map(({ n, retry }) =>
  step(`fail ${n} ${retry ? 'for now' : ''}`, async (pair) => {
    const slots = pair.pick(n);
    if (!slots) return;
    pair.drop(slots[0]);
    for (const [slot, side] of [
      [slots[0], pair.theirs],
      [slots[1], pair.ours],
    ] as const) {
      const { backend } = side;
      if (retry) await backend.moveToDelayed(slot.id, pair.now, 3, slot.token).catch(() => undefined);
      else await backend.moveToFailed(slot.job, 'no', false, slot.token, false).catch(() => undefined);
    }
  }),
);

const letIn = fc.nat().map((n) =>
  step(`let one in, before all others`, (pair) =>
    pair.both(async (side) => {
      const id = await pair.redis.rpop(side.key('wait'));
      if (id) await pair.redis.zadd(side.key('prioritized'), -1_125_899_906_842_624 + (n % 1_000), id);
    }),
  ),
);

const stall = fc.nat(20).map((n) =>
  step(`a worker dies with ${n}`, async (pair) => {
    const id = pair.pick(n)?.[0].id;
    await pair.both(async ({ backend }) => {
      for (let round = 0; round < 2; round += 1) {
        if (id) await pair.redis.del(backend.toKey(`${id}:lock`));
        await pair.redis.del(backend.toKey('stalled-check'));
        await backend.moveStalledJobsToWait();
      }
      await pair.redis.del(backend.toKey('stalled-check'));
    });
  }),
);

const switches = mostly<[string, (side: Side) => Promise<unknown>]>(
  6,
  [
    'nothing holds the queue',
    ({ queue }) => Promise.all([queue.resume(), queue.removeGlobalConcurrency(), queue.removeGlobalRateLimit()]),
  ],
  ['pause', ({ queue }) => queue.pause()],
  ['at most 2 at once', ({ queue }) => queue.setGlobalConcurrency(2)],
  ['at most 2 a minute', ({ queue }) => queue.setGlobalRateLimit(2, 60_000)],
  ['remove one', ({ queue }) => queue.remove('j1')],
  ['drain', ({ queue }) => queue.drain()],
).map(([text, run]) => step(text, (pair) => pair.both(async (side) => void (await run(side)))));

const wake = fc.constant(
  step('a worker that waits is woken', (pair) => pair.both((side) => pair.redis.zpopmin(side.key('marker')))),
);

const pass = fc.constantFrom(3, 100, 10_000).map((ms) =>
  step(`${ms} ms pass`, async (pair) => {
    pair.now += ms;
  }),
);

/** Anything that happens to a queue. */
export const steps = fc.commands(
  [
    ...often(4, add),
    ...often(5, take),
    ...often(9, complete),
    ...often(2, switches),
    fail,
    letIn,
    stall,
    pass,
    wake,
    wake,
    child,
  ],
  { maxCommands: 60, size: 'max' },
);
