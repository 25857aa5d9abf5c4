import { migrate, openDatabase, type Database } from '@spillway/persistence';
import { PostgresClock, TestPostgres } from '@spillway/testing';
import fc from 'fast-check';
import { PostgresLimits } from './postgres-limits';

let server: TestPostgres;
let clock: PostgresClock;
/** Two workers: each has its own connections. */
let one: Database;
let two: Database;
let limits: PostgresLimits;
let others: PostgresLimits;

beforeAll(async () => {
  server = await TestPostgres.start();
  clock = await PostgresClock.install(server.url);
  one = openDatabase(server.url);
  two = openDatabase(server.url);
  await migrate(one);
  limits = new PostgresLimits(one.pool);
  others = new PostgresLimits(two.pool);
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await server.close();
});

describe('an allowance', () => {
  it('lets a burst through and then says when to come back', async () => {
    const rate = { perSecond: 2, burst: 3 };
    const waits: number[] = [];
    for (let time = 0; time < 5; time += 1) waits.push(await limits.take('burst', rate));
    // Each of those who are refused gets a time of its own.
    expect(waits).toEqual([0, 0, 0, 500, 1_000]);
    await clock.advance(499);
    expect(await others.take('burst', rate)).toBeGreaterThan(0);
    await clock.advance(1);
    expect(await others.take('burst', rate)).toBe(0);
  });

  it('is used up by two workers who come when they were told to, to the call', async () => {
    const rate = { perSecond: 100, burst: 5 };
    const random = fc.sample(fc.integer({ min: 0, max: 40 }), { numRuns: 60, seed: 1 });
    const granted = [0, 0];
    let passed = 0;
    for (const ms of [0, ...random]) {
      await clock.advance(ms);
      passed += ms;
      await Promise.all(
        [limits, others].map(async (store, index) => {
          while ((await store.take('shared', rate)) === 0) granted[index]! += 1;
        }),
      );
      expect(granted[0]! + granted[1]!).toBe(rate.burst + Math.floor((rate.perSecond * passed) / 1_000));
    }
    // Neither had it all.
    expect(Math.min(...granted)).toBeGreaterThan(0);
  });

  it('is never overdrawn, whatever the rate and however many ask', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          perSecond: fc.double({ min: 0.5, max: 500, noNaN: true }),
          burst: fc.integer({ min: 1, max: 20 }),
        }),
        fc.integer({ min: 1, max: 60 }),
        async (rate, askers) => {
          run += 1;
          const waits = await Promise.all(
            Array.from({ length: askers }, (_, index) => (index % 2 ? limits : others).take(`any-${run}`, rate)),
          );
          expect(waits.filter((ms) => ms === 0)).toHaveLength(Math.min(askers, rate.burst));
          expect(waits.every((ms) => Number.isInteger(ms) && ms >= 0)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is full again after a rest, and no fuller', async () => {
    const rate = { perSecond: 20, burst: 4 };
    for (let time = 0; time < 4; time += 1) expect(await limits.take('rest', rate)).toBe(0);
    await clock.advance(600);
    const waits = await Promise.all(Array.from({ length: 8 }, () => limits.take('rest', rate)));
    expect(waits.filter((ms) => ms === 0)).toHaveLength(4);
  });
});

describe('a gate', () => {
  it('blocks everybody for as long as the other side asked', async () => {
    await limits.block('t/blocked', 1_500, 'it said 429');
    expect(await others.pass('t/blocked', 1_000)).toMatchObject({ go: false, why: 'blocked', reason: 'it said 429' });
    await limits.block('t/blocked', 10);
    const passage = await others.pass('t/blocked', 1_000);
    // A shorter block does not end a longer one.
    expect(passage).toMatchObject({ go: false, waitMs: 1_500 });
    await clock.advance(1_500);
    expect(await others.pass('t/blocked', 1_000)).toEqual({ go: true, probe: false });
  });

  it('opened by one is closed to the other, until one probe has succeeded', async () => {
    const opening = { forMs: 1_000, mostMs: 5_000, reason: 'it fails' };
    await limits.open('t/open', opening, false);
    expect(await others.pass('t/open', 5_000)).toMatchObject({ go: false, why: 'open', reason: 'it fails' });
    await clock.advance(1_000);
    const passages = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? limits : others).pass('t/open', 5_000)),
    );
    expect(passages.filter((it) => it.go)).toEqual([{ go: true, probe: true }]);
    for (const passage of passages) if (!passage.go) expect(passage.waitMs).toBeGreaterThan(0);
    await limits.close('t/open');
    expect(await others.pass('t/open', 5_000)).toEqual({ go: true, probe: false });
  });

  it('stays open longer each time a probe fails, up to a limit', async () => {
    const opening = { forMs: 100, mostMs: 250, reason: 'it fails' };
    await limits.open('t/longer', opening, false);
    const open = async () => (await limits.list('t/longer')).gates[0]!;
    expect((await open()).openMs).toBe(100);
    // Somebody who is late does not prolong it.
    await others.open('t/longer', { ...opening, forMs: 60_000, mostMs: 60_000 }, false);
    expect((await open()).openMs).toBe(100);
    await limits.open('t/longer', opening, true);
    expect((await open()).openMs).toBe(200);
    await limits.open('t/longer', opening, true);
    expect((await open()).openMs).toBe(250);
    expect(await open()).toMatchObject({ state: 'open', openings: 3, reason: 'it fails' });
  });

  it('lets another call probe when the first never said how it went', async () => {
    await limits.open('t/lost', { forMs: 1, mostMs: 1, reason: 'it fails' }, false);
    await clock.advance(1);
    expect(await limits.pass('t/lost', 150)).toEqual({ go: true, probe: true });
    expect(await others.pass('t/lost', 150)).toMatchObject({ go: false, why: 'open' });
    await clock.advance(150);
    expect(await others.pass('t/lost', 150)).toEqual({ go: true, probe: true });
  });
});

it('lists and resets what it knows of a tenant', async () => {
  await limits.take('acme/pay#account', { perSecond: 1, burst: 1 });
  await limits.take('acme/pay#account', { perSecond: 1, burst: 1 });
  await limits.block('acme/pay', 60_000);
  await limits.block('acme-2/pay', 60_000);
  const { limits: known, gates } = await limits.list('acme/');
  expect(known).toMatchObject([{ key: 'acme/pay#account', perSecond: 1, burst: 1, granted: 1, refused: 1 }]);
  expect(known[0]!.waitMs).toBe(1_000);
  expect(gates).toMatchObject([{ key: 'acme/pay', state: 'closed', openMs: 0 }]);
  expect(gates[0]!.blockedMs).toBe(60_000);
  expect(await limits.reset('acme/')).toBe(2);
  expect(await limits.list('acme/')).toEqual({ limits: [], gates: [] });
});

it('forgets what says nothing any more, and nothing else', async () => {
  await limits.take('old#a', { perSecond: 1, burst: 1 });
  await limits.take('new#a', { perSecond: 1, burst: 1 });
  await limits.block('old', 1);
  await limits.open('old-but-open', { forMs: 1, mostMs: 1, reason: 'it fails' }, false);
  await clock.advance(10);
  const past = "clock_timestamp() - interval '2 hours'";
  await one.pool.query(`update adapter_limits set changed_at = ${past}, due_at = ${past} where key = 'old#a'`);
  await one.pool.query(`update adapter_gates set changed_at = ${past} where key like 'old%'`);
  await limits.sweep();
  expect((await limits.list('old')).limits).toEqual([]);
  expect((await limits.list('old')).gates).toMatchObject([{ key: 'old-but-open' }]);
  expect((await limits.list('new')).limits).toHaveLength(1);
});

it('is a transient error when PostgreSQL is away', async () => {
  const nowhere = openDatabase('postgres://nobody@127.0.0.1:9/none');
  await expect(new PostgresLimits(nowhere.pool).take('x', { perSecond: 1, burst: 1 })).rejects.toMatchObject({
    class: 'transient',
    code: 'records-unavailable',
  });
  await nowhere.close();
});
