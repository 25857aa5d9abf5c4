import { setTimeout as wait } from 'node:timers/promises';
import type { Quotas } from '@spillway/contracts';
import { type Database, migrate, openDatabase, QuotaStore } from '@spillway/persistence';
import { TestPostgres } from '@spillway/testing';
import { QuotaGate, type Verdict } from './quota-gate';

const log = { warn: () => undefined };
let server: TestPostgres;
let databases: Database[];
/** Three processes: each has its own connections and leases. */
let gates: QuotaGate[];

beforeAll(async () => {
  server = await TestPostgres.start();
  databases = [1, 2, 3].map(() => openDatabase(server.url));
  await migrate(databases[0]!);
}, 60_000);

beforeEach(() => {
  gates = databases.map(({ pool }) => new QuotaGate({ store: new QuotaStore(pool), log }));
});

afterAll(async () => {
  await Promise.all(databases.map((one) => one.close()));
  await server.stop();
}, 60_000);

const tenant = (name: string, quotas: Quotas) => ({ name, quotas });

/** Asks without end for so long, in every process. @returns what was let through, and what was not */
async function hammer(name: string, quotas: Quotas, forMs: number) {
  const until = Date.now() + forMs;
  const began = performance.now();
  const refusals: Verdict[] = [];
  let through = 0;
  await Promise.all(
    gates.flatMap((gate) =>
      Array.from({ length: 4 }, async () => {
        while (Date.now() < until) {
          const verdict = await gate.events(tenant(name, quotas), { count: 1, bytes: 100 });
          if (verdict) refusals.push(verdict);
          else through += 1;
          if (verdict) await wait(Math.min(verdict.waitMs, 5));
        }
      }),
    ),
  );
  return { through, refusals, seconds: (performance.now() - began) / 1_000 };
}

it('keeps a rate across processes', async () => {
  const quotas: Quotas = { eventsPerSecond: { limit: 400, policy: 'reject' } };
  const { through, refusals, seconds } = await hammer('rate', quotas, 2_500);
  const allowed = 400 + 400 * seconds;
  expect(through).toBeLessThanOrEqual(allowed * 1.01);
  expect(through).toBeGreaterThanOrEqual(allowed * 0.9);
  expect(refusals[0]).toMatchObject({ quota: 'eventsPerSecond', limit: 400, policy: 'reject' });
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
  expect(waits.every((ms, index) => Math.abs(ms - (index + 1) * 100_000) < 5_000)).toBe(true);
  for (let i = 0; i < 33; i += 1) expect(await ask()).toMatchObject({ policy: 'delay' });
  expect(await ask()).toMatchObject({ policy: 'reject' });
});

it('lets everybody through while PostgreSQL is away', async () => {
  const gone = openDatabase('postgres://127.0.0.1:1/none');
  const gate = new QuotaGate({ store: new QuotaStore(gone.pool), log });
  const quotas: Quotas = { eventsPerDay: { limit: 1, policy: 'reject' } };
  for (let i = 0; i < 3; i += 1)
    expect(await gate.events(tenant('gone', quotas), { count: 1, bytes: 0 })).toBeUndefined();
  await gone.close();
});
