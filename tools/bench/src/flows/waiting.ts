import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig } from '@spillway/config';
import { openPlatform } from '@spillway/runtime';
import type { TestServers } from '@spillway/testing';
import Redis from 'ioredis';
import type { Pool } from 'pg';
import { cpuOf, difference } from './cpu';
import { TENANT } from './definitions';
import { insertRuns, ONE_LISTENS } from './insert';
import type { Extent, Row } from './rounds';
import { settings, type Spillway } from './spillway';

/** What runs that wait cost, and whether one of many is still woken promptly. */
export async function waitingRuns(
  spillway: Spillway,
  servers: TestServers,
  sink: string,
  { waiting, idleSeconds }: Extent,
): Promise<{ size: Row[]; idle: Row[]; wakeUps: Row[] }> {
  const { database } = spillway;
  await database.query('create extension if not exists pg_stat_statements');
  const before = { idle: await idle(spillway, idleSeconds), wakeUps: await wakeUps(spillway, 'none') };
  const empty = await sizes(database, servers);
  const throughEdge = Math.min(500, Math.ceil(waiting / 10));
  await Promise.all(Array.from({ length: throughEdge }, () => spillway.begin('timer')));
  await waitFor(database, throughEdge);
  await spillway.settle();
  await wait(1_000);
  const edge = await sizes(database, servers);
  const began = performance.now();
  await insert(waiting, settings(servers, sink));
  const perSecond = Math.round((waiting / (performance.now() - began)) * 1_000);
  const full = await sizes(database, servers);
  await database.query('analyze');
  await wait(2_000);
  return {
    size: [
      sizeRow(`${throughEdge} through the edge and the queues`, empty, edge, throughEdge),
      sizeRow(`${waiting} by the workers' handler, ${perSecond}/s`, edge, full, waiting),
      {
        'rows in all': Object.entries(full.rows)
          .map(([name, count]) => `${name} ${count}`)
          .join(', '),
      },
    ],
    idle: [
      { 'runs that wait': 0, ...before.idle },
      { 'runs that wait': waiting + throughEdge, ...(await idle(spillway, idleSeconds)) },
    ],
    wakeUps: [...before.wakeUps, ...(await wakeUps(spillway, String(waiting))), await correlated(spillway, waiting)],
  };
}

/** @returns when all have begun */
async function insert(count: number, environment: Record<string, string>): Promise<void> {
  const platform = await openPlatform(loadConfig(environment));
  const dataOf = (index: number) => ({
    mark: `m${index}`,
    customer: `cus_${index}`,
    email: `somebody-${index}@example.com`,
    total: index,
  });
  await insertRuns(platform, { tenant: TENANT, count, dataOf });
  await platform.close();
}

interface Sizes {
  rows: Record<string, number>;
  bytes: number;
  queueBytes: number;
}

async function sizes(database: Pool, servers: TestServers): Promise<Sizes> {
  const { rows: tables } = await database.query<{ schema: string; name: string; bytes: string }>(
    `select schemaname as schema, relname as name, pg_total_relation_size(relid) as bytes from pg_stat_user_tables`,
  );
  const rows: Record<string, number> = {};
  for (const { name } of tables.filter(({ schema }) => schema === 'public')) {
    const found = await database.query<{ n: number }>(`select count(*)::int as n from "${name}"`);
    rows[name] = found.rows[0]!.n;
  }
  const sum = (schema: (name: string) => boolean) =>
    tables.filter((one) => schema(one.schema)).reduce((total, { bytes }) => total + Number(bytes), 0);
  const queueBytes = servers.redis ? await redisMemory(servers.redis.url) : sum((name) => name !== 'public');
  return { rows, bytes: sum((name) => name === 'public'), queueBytes };
}

async function redisMemory(url: string): Promise<number> {
  const redis = new Redis(url);
  const [, used] = /used_memory:(\d+)/.exec(await redis.info('memory'))!;
  await redis.quit();
  return Number(used);
}

function sizeRow(what: string, before: Sizes, after: Sizes, runs: number): Row {
  const more = Object.entries(after.rows)
    .map(([name, count]) => [name, (count - (before.rows[name] ?? 0)) / runs] as const)
    .filter(([, count]) => count >= 0.01);
  return {
    what,
    'rows/run': more.map(([name, count]) => `${name} ${count.toFixed(2)}`).join(', '),
    'bytes/run': Math.round((after.bytes - before.bytes) / runs),
    'queue bytes/run': Math.round((after.queueBytes - before.queueBytes) / runs),
  };
}

/** What a platform does that has nothing to do. */
async function idle({ database, charged }: Spillway, seconds: number): Promise<Row> {
  const read = async () => {
    await wait(1_100); // PostgreSQL tells its counts once a second.
    const { rows } = await database.query<Record<string, string>>(
      `select (select sum(calls) from pg_stat_statements) as statements, xact_commit as commits, tup_returned as returned,
         tup_fetched as fetched, tup_inserted + tup_updated + tup_deleted as written
       from pg_stat_database where datname = current_database()`,
    );
    return { counts: rows[0]!, cpu: cpuOf(charged), at: performance.now() };
  };
  const before = await read();
  await wait(seconds * 1_000);
  const after = await read();
  const took = (after.at - before.at) / 1_000;
  const per = (name: string) => ((Number(after.counts[name]) - Number(before.counts[name])) / took).toFixed(1);
  const cpu = Object.entries(difference(after.cpu, before.cpu)).map(([what, micros]) => [
    `${what}, CPU ms/s`,
    (micros / 1_000 / took).toFixed(1),
  ]);
  return {
    'statements/s': per('statements'),
    'transactions/s': per('commits'),
    'rows read/s': (Number(per('returned')) + Number(per('fetched'))).toFixed(1),
    'rows written/s': per('written'),
    ...(Object.fromEntries(cpu) as Row),
  };
}

/** @returns how long after its time, or its event, a run had ended */
async function wakeUps(spillway: Spillway, waiting: string): Promise<Row[]> {
  const nap = await spillway.begin('nap');
  await spillway.ended(nap);
  const { rows } = await spillway.database.query<{ ms: number }>(
    `select (extract(epoch from ended_at - started_at) * 1000 - 2000)::int as ms from runs where id = $1`,
    [nap],
  );
  const other = await spillway.begin('other');
  await listening(spillway.database, other);
  const began = performance.now();
  await spillway.send('bench.other', {});
  await spillway.ended(other);
  return [
    { 'runs that wait': waiting, 'woken by': 'the clock', 'ended after, ms': rows[0]!.ms },
    { 'runs that wait': waiting, 'woken by': 'an event', 'ended after, ms': Math.round(performance.now() - began) },
  ];
}

/** An event that a tenth of all runs listen for, and that one of them means. */
async function correlated(spillway: Spillway, waiting: number): Promise<Row> {
  const run = await spillway.begin('listener', { mark: 'meant' });
  await listening(spillway.database, run);
  const began = performance.now();
  await spillway.send('bench.reply', { mark: 'meant' });
  await spillway.ended(run);
  const what = `an event of a type that ${Math.ceil(waiting / ONE_LISTENS) + 1} listen for, by correlation`;
  return {
    'runs that wait': String(waiting),
    'woken by': what,
    'ended after, ms': Math.round(performance.now() - began),
  };
}

async function listening(database: Pool, run: string): Promise<void> {
  for (;;) {
    const { rows } = await database.query('select from run_listens where run_id = $1', [run]);
    if (rows.length > 0) return;
    await wait(20);
  }
}

async function waitFor(database: Pool, count: number): Promise<void> {
  for (;;) {
    const { rows } = await database.query<{ n: number }>(
      `select count(*)::int as n from runs where flow = 'timer' and ended_at is null`,
    );
    if (rows[0]!.n >= count) return;
    await wait(50);
  }
}
