import type { Quotas } from '@spillway/contracts';
import { type Database, migrate, openDatabase, QuotaStore } from '@spillway/persistence';
import { PostgresClock, TestPostgres } from '@spillway/testing';
import { QuotaGate } from './quota-gate';

const log = { warn: () => undefined };
let server: TestPostgres;
let clock: PostgresClock;
let databases: Database[];
/** Three processes: each has its own connections and leases. */
let gates: QuotaGate[];

beforeAll(async () => {
  server = await TestPostgres.start();
  clock = await PostgresClock.install(server.url);
  databases = [1, 2, 3].map(() => openDatabase(server.url));
  await migrate(databases[0]!);
}, 60_000);

beforeEach(() => {
  gates = databases.map(({ pool }) => new QuotaGate({ store: new QuotaStore(pool), log, now: clock.now }));
});

afterAll(async () => {
  await Promise.all(databases.map((one) => one.close()));
  await server.stop();
}, 60_000);

const tenant = (name: string, quotas: Quotas) => ({ name, quotas });

it('keeps a rate across processes', async () => {
  const quotas: Quotas = { eventsPerSecond: { limit: 400, policy: 'reject' } };
  const ask = (gate: QuotaGate) => gate.events(tenant('rate', quotas), { count: 1, bytes: 100 });
  let through = 0;
  let seconds = 0;
  for (const ms of [0, 100, 7, 900, 1, 250, 33, 600]) {
    await clock.advance(ms);
    seconds += ms / 1_000;
    // Four callers in each of three processes ask until they are refused.
    await Promise.all(
      gates.flatMap((gate) =>
        Array.from({ length: 4 }, async () => {
          while (!(await ask(gate))) through += 1;
        }),
      ),
    );
    expect(through).toBeLessThanOrEqual(400 + 400 * seconds);
    // A process that was refused does not ask again before it was told to.
    expect(through).toBeGreaterThan(400 + 400 * (seconds - 0.01));
  }
  expect(await ask(gates[0]!)).toMatchObject({ quota: 'eventsPerSecond', limit: 400, policy: 'reject' });
}, 20_000);

it('keeps the quota of a day to the event across processes, and gives back what a process did not use', async () => {
  const quotas: Quotas = { eventsPerDay: { limit: 5_000, policy: 'park' } };
  for (const gate of gates) await gate.events(tenant('day', quotas), { count: 10, bytes: 0 });
  await gates[0]!.close();
  const counts = await Promise.all(
    gates.slice(1).map(async (gate) => {
      let count = 0;
      while (!(await gate.events(tenant('day', quotas), { count: 1, bytes: 0 }))) count += 1;
      return count;
    }),
  );
  expect(30 + counts[0]! + counts[1]!).toBe(5_000);
  expect(await gates[1]!.events(tenant('day', quotas), { count: 1, bytes: 0 })).toMatchObject({ policy: 'park' });
}, 20_000);

it('counts bytes', async () => {
  const quotas: Quotas = { bytesPerDay: { limit: 10_000, policy: 'reject' } };
  const [gate] = gates as [QuotaGate];
  for (let i = 0; i < 10; i += 1)
    expect(await gate.events(tenant('bytes', quotas), { count: 1, bytes: 1_000 })).toBeUndefined();
  expect(await gate.events(tenant('bytes', quotas), { count: 1, bytes: 1_000 })).toMatchObject({
    quota: 'bytesPerDay',
  });
});

it('delays one after another what is over the rate, and refuses what would have to wait for hours', async () => {
  const quotas: Quotas = { eventsPerSecond: { limit: 0.01, burst: 2, policy: 'delay' } };
  const [gate] = gates as [QuotaGate];
  const ask = () => gate.events(tenant('late', quotas), { count: 1, bytes: 0 });
  expect(await ask()).toBeUndefined();
  expect(await ask()).toBeUndefined();
  const waits = [await ask(), await ask(), await ask()].map((one) => one!.waitMs);
  expect(waits).toEqual([100_000, 200_000, 300_000]);
  for (let i = 0; i < 33; i += 1) expect(await ask()).toMatchObject({ policy: 'delay' });
  expect(await ask()).toMatchObject({ policy: 'reject' });
});

it('lets everybody through while PostgreSQL is away', async () => {
  const gone = openDatabase('postgres://127.0.0.1:1/none');
  const gate = new QuotaGate({ store: new QuotaStore(gone.pool), log, now: clock.now });
  const quotas: Quotas = { eventsPerDay: { limit: 1, policy: 'reject' } };
  for (let i = 0; i < 3; i += 1)
    expect(await gate.events(tenant('gone', quotas), { count: 1, bytes: 0 })).toBeUndefined();
  await gone.close();
});
