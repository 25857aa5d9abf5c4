import {
  withBackend,
  type createPostgresBackend,
  type Job,
  type JobsOptions,
  type PostgresQueueBackend,
  type Queue,
} from 'bullmq';
import * as fc from 'fast-check';
import type { Pool } from 'pg';
import {
  type Choice,
  completeAll,
  mostly,
  often,
  type Outcome,
  type Slot,
  stepOf,
  type Taken,
  type Twin,
  Twins,
} from '../../../testing/twins';
import { readyAgain } from '../../ready-again';
import type { FetchingBackend } from '../finishing-backend';

/** A queue with a worker's backend, whose calls a test makes one by one. */
export class Side implements Twin {
  readonly queue: Queue;
  readonly backend: PostgresQueueBackend & FetchingBackend;

  constructor(
    readonly name: string,
    private readonly pool: Pool,
    factory: typeof createPostgresBackend = readyAgain,
  ) {
    this.queue = new (withBackend(readyAgain).Queue)(name, {
      connection: pool,
      skipMetasUpdate: true,
    }) as unknown as Queue;
    const settings = { connection: pool, lockDuration: 30_000, maxStalledCount: 2, stalledInterval: 1, name: 'w' };
    this.backend = factory(name, settings);
  }

  async take(token: string): Promise<Taken> {
    const answer = await this.backend.moveToActive(token, 'w');
    return [alike(answer ?? null), this.slotOf(answer, token)];
  }

  /** Ours: in one statement, if it may be. */
  async takeAll(tokens: string[]): Promise<Taken[]> {
    const answers = (await this.backend.fetchFor?.(tokens)) ?? [];
    const all: Taken[] = [];
    for (const [index, token] of tokens.entries()) {
      const answer = answers[index];
      all.push(answer ? [alike(answer), this.slotOf(answer, token)] : await this.take(token));
    }
    return all;
  }

  complete(slots: Slot[], together: boolean): Promise<[Outcome, Slot?][]> {
    return completeAll(this.backend, slots, together, (next, token) => [alike(next), this.slotOf(next, token)]);
  }

  private slotOf(answer: unknown, token: string): Slot | undefined {
    const [json, id] = (answer ?? []) as [object | null, string];
    if (!json) return undefined;
    const job = { ...json, id, opts: (json as { opts: JobsOptions }).opts } as unknown as Job;
    return { id, token, job };
  }

  /** Every row of the queue, without what differs by nature: its name, numbers from sequences, and the order of one instant. */
  async contents(): Promise<Record<string, unknown>> {
    const tables = ['job', 'dedup', 'dedup_next', 'job_dependency', 'event', 'meta'];
    const found: Record<string, unknown> = {};
    for (const table of tables) {
      const key = table === 'job_dependency' ? 'parent_queue' : 'queue';
      const { rows } = await this.pool.query<{ row: Record<string, unknown> }>(
        `select to_jsonb(t) as row from ${table} t where ${key} = $1`,
        [this.name],
      );
      const plain = rows.map(({ row }) =>
        this.nameless(without(row, table === 'event' ? ['id', 'created_at_ms'] : ['created_at'])),
      );
      found[table] = table === 'job' ? inOrder(plain) : plain.map((row) => JSON.stringify(row)).sort();
    }
    return found;
  }

  nameless<T>(value: T): T {
    return JSON.parse(JSON.stringify(value).replaceAll(this.name, 'q')) as T;
  }

  async close(): Promise<void> {
    await this.queue.close();
    await this.backend.close();
  }
}

/** The data is JSON either way; `jsonb` writes it with other spaces. */
function alike(answer: unknown): unknown {
  const [json, ...more] = (answer ?? []) as [{ data: string } | null, ...unknown[]];
  return json ? [{ ...json, data: JSON.parse(json.data) as unknown }, ...more] : answer;
}

function without(row: Record<string, unknown>, keys: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([key]) => !keys.includes(key)));
}

/** Numbers of a sequence that both queues share: their order counts. */
function inOrder(rows: Record<string, unknown>[]): Record<string, unknown>[] {
  return rows.sort((a, b) => Number(a['seq']) - Number(b['seq'])).map((row) => without(row, ['seq']));
}

const LONG_MS = 60_000_000;

/** What is done to a job before it is finished. */
const HARMS = ['token', 'gone', 'inactive', 'child', 'failed-child'] as const;
type Harm = (typeof HARMS)[number] | 'none';

/** The same queue twice: BullMQ's own functions work on one, ours on the other. */
export class Pair extends Twins<Side, Harm> {
  constructor(
    readonly pool: Pool,
    theirs: Side,
    ours: Side,
  ) {
    super(theirs, ours, [-1, -3, -6]);
  }

  async takeAll(count: number): Promise<void> {
    const tokens = Array.from({ length: count }, () => this.newToken());
    const theirs = await this.theirs.takeAll(tokens);
    const ours = await this.ours.takeAll(tokens);
    tokens.forEach((token, index) => this.taken(token, theirs[index]!, ours[index]!));
  }

  async complete(picks: Choice<Harm>[]): Promise<void> {
    const all = await this.choose(picks);
    const isPlain = ({ pair: [{ job }], harm }: (typeof all)[number]) => {
      const { removeOnComplete, deduplication } = job.opts;
      // Whose time is not over when it completes.
      const isDeduplicated = deduplication && deduplication.ttl !== LONG_MS;
      return !removeOnComplete && !job.parent && job.id !== 'p' && !isDeduplicated && !harm.endsWith('child');
    };
    const limits = await this.pool.query(`select from meta where queue = $1 and field in ('concurrency', 'max')`, [
      this.ours.name,
    ]);
    // What BullMQ does itself, it would do at the same time: who gets which job is chance then.
    for (const one of all.filter((each) => limits.rowCount! > 0 || !isPlain(each))) await this.finish([one.pair]);
    if (limits.rowCount === 0) await this.finish(all.filter(isPlain).map(({ pair }) => pair));
  }

  protected async hurt({ name }: Side, id: string, harm: Harm): Promise<void> {
    const of = (text: string) => this.pool.query(text, [name, id]);
    if (harm === 'gone') await of('delete from job where queue = $1 and id = $2');
    if (harm === 'inactive') await of(`update job set state = 'waiting' where queue = $1 and id = $2`);
    const child = (status: string) =>
      of(`insert into job_dependency (parent_queue, parent_id, child_queue, child_id, child_key, status)
          values ($1, $2, 'other', 'child', 'other:child', '${status}') on conflict do nothing`);
    if (harm === 'child') await child('pending');
    if (harm === 'failed-child') await child('failed');
  }
}

const step = stepOf<Pair>;

const newJob = fc.record({
  id: fc.integer({ min: 1, max: 20 }),
  priority: mostly(2, 0, 1, 2),
  delay: mostly(6, 0, 5, 5_000),
  deduplication: mostly<JobsOptions['deduplication']>(
    10,
    undefined,
    { id: 'x' },
    { id: 'y', ttl: LONG_MS },
    { id: 'v', ttl: 5 },
    { id: 'z', keepLastIfActive: true },
  ),
  removeOnComplete: mostly<JobsOptions['removeOnComplete']>(17, undefined, { count: 2 }, true, { age: 1 }),
});

const add = fc.array(newJob, { minLength: 1, maxLength: 8 }).map((jobs) =>
  step(`add ${JSON.stringify(jobs)}`, (pair) =>
    pair.both(async ({ queue, name }) => {
      const refused: unknown[] = [];
      for (const { id, ...opts } of jobs) {
        const added = queue.add('n', { text: 'ä' }, { jobId: `j${id}`, timestamp: pair.now, ...opts });
        refused.push(
          await added.then(
            () => undefined,
            (error: Error) => error.message.replaceAll(name, 'q'),
          ),
        );
      }
      return refused;
    }),
  ),
);

const child = fc.integer({ min: 1, max: 3 }).map((id) =>
  step(`add a child of another job ${id}`, (pair) =>
    pair.both(async ({ queue, name }) => {
      await queue.add('n', {}, { jobId: 'p', timestamp: pair.now });
      const parent = { id: 'p', queue: name };
      await queue.add('n', {}, { jobId: `c${id}`, timestamp: pair.now, parent }).catch(() => undefined);
    }),
  ),
);

const take = fc.integer({ min: 1, max: 6 }).map((count) => step(`take ${count}`, (pair) => pair.takeAll(count)));

const complete = fc
  .array(fc.record({ n: fc.nat(20), harm: mostly<Harm>(40, 'none', ...HARMS) }), { minLength: 1, maxLength: 6 })
  .map((picks) =>
    step(`complete ${picks.map(({ n, harm }) => `${n} ${harm}`).join(', ')}`, (pair) => pair.complete(picks)),
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

const pass = fc.constantFrom(3, 100, 10_000).map((ms) =>
  step(`${ms} ms pass`, async (pair) => {
    pair.now += ms;
  }),
);

/** Anything that happens to a queue. */
export const steps = fc.commands(
  [...often(4, add), ...often(5, take), ...often(9, complete), ...often(2, switches), pass, child],
  {
    maxCommands: 40,
    size: 'max',
  },
);
