import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { queueCatalogue } from '@spillway/queues';
import { type TestServers } from '@spillway/testing';
import Redis from 'ioredis';
import { Pool } from 'pg';
import { flood } from './flood';

/** `what`, the contestants by name, and the ratio of their medians. */
export type Row = Record<string, string>;

export interface Settings {
  seconds: number;
  rounds: number;
}

type Contestant = 'plain' | 'spillway';
type Part = 'accept' | 'all';

export const SENDERS = 64;
/** End to end: events sent in one go, then worked off. */
export const BATCH_PER_SECOND = { redis: 1_500, postgres: 200 };

/**
 * Each contestant runs in a process of its own, the senders in this one. Half as much again goes before as a warm-up: until
 * then a part of the machine compiles.
 */
export async function measure(servers: TestServers, { seconds, rounds }: Settings): Promise<Row[]> {
  const backend = servers.redis ? 'redis' : 'postgres';
  const accept: Record<Contestant, number[]> = { plain: [], spillway: [] };
  const done: Record<Contestant, number[]> = { plain: [], spillway: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of round % 2 ? (['spillway', 'plain'] as const) : (['plain', 'spillway'] as const)) {
      accept[contestant].push(await acceptedPerSecond(contestant, servers, seconds));
      done[contestant].push(await donePerSecond(contestant, servers, BATCH_PER_SECOND[backend] * seconds));
    }
  }
  return [row('events accepted per second', accept), row('events done end to end per second (5 jobs each)', done)];
}

function row(what: string, results: Record<Contestant, number[]>): Row {
  const [plain, spillway] = [median(results.plain), median(results.spillway)];
  const show = (value: number, all: number[]) => `${Math.round(value)} (${all.map(Math.round).join(', ')})`;
  return {
    what,
    'hand-written': show(plain, results.plain),
    Spillway: show(spillway, results.spillway),
    ratio: (spillway / plain).toFixed(2),
  };
}

async function acceptedPerSecond(contestant: Contestant, servers: TestServers, seconds: number): Promise<number> {
  const running = await start(contestant, 'accept', servers);
  try {
    await flood(running.url, { seconds: seconds / 2, senders: SENDERS });
    const { accepted, tookMs } = await flood(running.url, { seconds, senders: SENDERS });
    return (accepted / tookMs) * 1_000;
  } finally {
    await running.close();
    await clear(servers);
  }
}

async function donePerSecond(contestant: Contestant, servers: TestServers, events: number): Promise<number> {
  const warm = Math.ceil(events / 2);
  const running = await start(contestant, 'all', servers);
  try {
    await flood(running.url, { events: warm, senders: SENDERS });
    await running.done(warm);
    const began = performance.now();
    await flood(running.url, { events, senders: SENDERS });
    await running.done(events + warm);
    return (events / (performance.now() - began)) * 1_000;
  } finally {
    await running.close();
    await clear(servers);
  }
}

/**
 * Starts a contestant and learns where it listens.
 *
 * @param extra of its environment
 */
export async function start(
  contestant: Contestant,
  part: Part,
  servers: TestServers,
  extra: Record<string, string> = {},
) {
  const child: ChildProcess = fork(require.resolve(`./contestants/${contestant}`), [part], {
    execArgv: ['-r', '@swc-node/register'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      ...servers.environment({
        SPILLWAY_QUEUES: '',
        LOCK_DURATION: '30s',
        STALLED_INTERVAL: '15s',
        RECONCILE_AFTER: '5m',
        LOG_LEVEL: 'error',
        // The hand-written program keeps what it gets as it is.
        ENCRYPTION: process.argv.includes('--encryption') ? 'on' : 'off',
      }),
      MAX_IN_FLIGHT: '10000',
      // The hand-written program has as many jobs at once as Spillway's workers.
      AT_ONCE: JSON.stringify(atOnce()),
      ...extra,
    },
  });
  let count = 0;
  const url = await new Promise<string>((resolve, reject) => {
    child.on('message', (message: { url?: string; done?: number }) => {
      if (message.url) resolve(message.url);
      count = message.done ?? count;
    });
    child.once('exit', (code) => reject(new Error(`the contestant ${contestant} ended with ${code}`)));
  });
  return {
    url,
    pid: child.pid!,
    async done(events: number): Promise<void> {
      while (count < events) await wait(5);
    },
    async close(): Promise<void> {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

function atOnce(): Record<string, number> {
  return Object.fromEntries(Object.values(queueCatalogue()).map(({ name, concurrency }) => [name, concurrency]));
}

/** Every run begins with empty queues and records. */
export async function clear(servers: TestServers): Promise<void> {
  const pool = new Pool({ connectionString: servers.postgres.url, max: 1 });
  await pool.query(
    'drop schema public cascade; create schema public; drop schema if exists bullmq, spillway_lanes cascade',
  );
  await pool.end();
  if (servers.redis) {
    const redis = new Redis(servers.redis.url);
    await redis.flushall();
    await redis.quit();
  }
}

export function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
