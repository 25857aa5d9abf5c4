import { type Fact, newEventId, newId, sha256, type SpillwayEvent } from '@spillway/contracts';
import * as fc from 'fast-check';
import { type Database, EventRecords, Ledger, Vault } from '../index';
import { ownDatabase } from '../testing/own-database';

let own: Awaited<ReturnType<typeof ownDatabase>>;
let database: Database;

beforeAll(async () => {
  own = await ownDatabase();
  ({ database } = own);
}, 30_000);

afterAll(() => own?.close());

/** What a flow of two tasks and a dead letter, redriven, lead to. */
function story(): { id: string; facts: Fact[] } {
  const digest = sha256('x');
  const id = newEventId(digest);
  const event = {
    id,
    source: '/tenants/t/sources/s',
    type: 'a.b',
    tenant: 't',
    provider: 'a',
    idempotencykey: id,
    correlationid: id,
  } as SpillwayEvent;
  const about = () => ({ id: newId(), tenant: 't', eventId: id });
  const job = (jobId: string, run?: string) => ({
    id: jobId,
    queue: 'integration-tasks',
    route: 'r',
    task: 'x',
    target: 0,
    run,
  });
  const ended = (jobId: string, at: number, state: 'done' | 'dead-letter' = 'done') => ({
    ...about(),
    at,
    kind: 'job.ended' as const,
    jobId,
    queue: 'integration-tasks',
    state,
  });
  const now = Date.now();
  return {
    id,
    facts: [
      { ...about(), at: now, kind: 'event.accepted', event, body: { sha256: digest, bytes: 1 }, via: 'queue' },
      { ...about(), at: now + 9, kind: 'event.routed', jobs: [job(`${id}.1`), job(`${id}.f0`, `${id}.run`)] },
      { ...about(), at: now + 9, kind: 'run.ended', runId: `${id}.run` },
      ended(`${id}.1`, now + 2, 'dead-letter'),
      { ...about(), at: now + 3, kind: 'job.redriven', jobId: `${id}.1`, queue: 'integration-tasks' },
      ended(`${id}.1`, now + 4),
      ended(`${id}.f0`, now + 1),
      { ...about(), at: now + 20, kind: 'job.planned', job: job(`${id}.0`, `${id}.run`) },
      { ...ended(`${id}.0`, now + 5), planned: { job: job(`${id}.0`, `${id}.run`), at: now + 4 } },
      { ...about(), at: now + 6, kind: 'run.ended', runId: `${id}.run` },
    ],
  };
}

it('comes to the same whatever the order, the batches and the repetitions', async () => {
  const ledger = new Ledger(database.pool, Vault.clear());
  const records = new EventRecords(database.db, Vault.clear());
  const cuts = fc.array(fc.nat({ max: 10 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 10 }),
      cuts,
      fc.nat({ max: 9 }),
      async (order, at, again) => {
        const { id, facts } = story();
        const told = [...order.map((index) => facts[index]!), facts[again]!];
        // Its routes are told with the event, or after it.
        const [accepted, routed] = [told.indexOf(facts[0]!), told.indexOf(facts[1]!)];
        if (routed < accepted) [told[accepted], told[routed]] = [told[routed]!, told[accepted]!];
        let from = 0;
        for (const cut of [...at.sort((a, b) => a - b), told.length]) {
          await ledger.record(told.slice(from, cut));
          from = Math.max(from, cut);
        }
        const record = await records.find(id);
        expect(record).toMatchObject({ state: 'done', type: 'a.b' });
        expect(record!.jobs.map((job) => job.state)).toEqual(['done', 'done', 'done']);
      },
    ),
    { numRuns: 60 },
  );
});

it('knows by its end what was planned of a job whose plan was never told', async () => {
  const ledger = new Ledger(database.pool, Vault.clear());
  const { id, facts } = story();
  await ledger.record(facts.filter(({ kind }) => kind !== 'job.planned'));
  const record = await new EventRecords(database.db, Vault.clear()).find(id);
  const planned = facts.find((fact) => fact.kind === 'job.ended' && fact.planned) as { planned: { at: number } };
  expect(record!.jobs.find((job) => job.id === `${id}.0`)).toMatchObject({
    state: 'done',
    route: 'r',
    task: 'x',
    runId: `${id}.run`,
  });
  const { rows } = await database.pool.query('select created_at from jobs where id = $1', [`${id}.0`]);
  expect(rows).toEqual([{ created_at: new Date(planned.planned.at) }]);
});

it('counts an event once, however often it is told', async () => {
  const ledger = new Ledger(database.pool, Vault.clear());
  const before = await count();
  const { facts } = story();
  await Promise.all([ledger.record(facts), ledger.record(facts), ledger.record(facts)]);
  expect((await count()) - before).toBe(1);

  async function count(): Promise<number> {
    const { rows } = await database.pool.query<{ n: string | null }>(
      `select sum(count) as n from usage where metric = 'events'`,
    );
    return Number(rows[0]!.n);
  }
});
