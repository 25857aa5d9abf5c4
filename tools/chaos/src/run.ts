import { setTimeout as wait } from 'node:timers/promises';
import { API_VERSION } from '@spillway/contracts';
import { openDatabase } from '@spillway/persistence';
import { hmacProvider } from '@spillway/sources';
import { API_KEY, type BackendName, eventually, TestServers, ThirdParty } from '@spillway/testing';
import { Agent, request } from 'undici';
import { SpillwayProcess } from './spillway-process';
import { WorkerPool } from './worker-pool';

export interface ChaosOptions {
  backend: BackendName;
  events: number;
  /** Milliseconds between two kill -9 of a worker. */
  killEveryMs: number;
  /** Worker processes at any time. */
  workers: number;
  /** Runs what `npm run build` made: it starts quickly enough for a kill each second. */
  built?: boolean;
  /** Whether one is killed each time, ready or not: see {@link PoolOptions.always}. */
  always?: boolean;
  /** Until every event was sent (and two kills more), or until all are done. */
  killUntil: 'sent' | 'done';
  /** Whether the queue's server is stopped and started in the middle: Redis, or PostgreSQL. */
  restartQueues: boolean;
  /** Of the processes, beside what tests have. */
  environment?: Record<string, string>;
  say?: (line: string) => void;
}

/** What came of it. */
export interface ChaosReport {
  events: number;
  accepted: number;
  duplicates: number;
  /** Answers other than 2xx; the sender tried again. */
  refused: number;
  kills: number;
  /** Of these, of a process that was still starting. */
  killsAtStart: number;
  /** Times when there was none to be killed: see {@link PoolOptions.always}. */
  missedKills: number;
  /** Seconds during which workers were killed. */
  killingSeconds: number;
  /** Workers that ended though nobody killed them. */
  fallen: number;
  /** In the ledger. */
  recorded: number;
  done: number;
  notDone: number;
  /** At the third party that honours Idempotency-Key. */
  effects: number;
  repeatedEffects: number;
  /** At the one that does not: calls made again for jobs that were in flight at a kill. */
  repeatedCalls: number;
  /** Of those, not marked as repeats in the ledger. */
  repeatedUnseen: number;
  /** Jobs that were run in isolation, since workers had died under them. */
  isolatedJobs: number;
  /** In the dead letters. */
  deadLetters: number;
  seconds: number;
}

const SENDERS = 16;
const SECRET = 'chaos';
const PROGRESS_MS = 10_000;
/** The line of a job that is run in isolation. */
const ISOLATED = /"job":"([^"]+)"[^\n]*"job is run in isolation/g;

/**
 * Sends every event twice while workers are killed and the queues are restarted, then counts. Third parties: one honours
 * Idempotency-Key, one does not.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const say = options.say ?? (() => undefined);
  const began = Date.now();
  const servers = await TestServers.start(options.backend);
  const good = await ThirdParty.start({ honoursIdempotencyKey: true });
  const careless = await ThirdParty.start({ delayMs: 5 });
  const environment = servers.environment({
    LOG_LEVEL: 'warn',
    RECONCILE_AFTER: '10s',
    QUEUE_ADD_TIMEOUT: '2s',
    ...options.environment,
  });
  const { built } = options;
  const edge = await SpillwayProcess.start('ingress-api,admin', environment, { built });
  const isolated = new Set<string>();
  const pool = await WorkerPool.start({
    roles: WORKER_ROLES,
    environment,
    size: options.workers,
    built,
    always: options.always,
    onOutput: (text) => {
      for (const [, job] of text.matchAll(ISOLATED)) isolated.add(job!);
    },
  });
  const agent = new Agent({ connections: SENDERS });
  try {
    await configure(edge, good.url, careless.url);
    const report = { accepted: 0, duplicates: 0, refused: 0 };
    const killing = performance.now();
    const stopKilling = pool.killEvery(() => options.killEveryMs);
    const sender = sendAll(edge.ingressUrl, options.events, agent, report);
    if (options.restartQueues) await restart(servers, say);
    await sender;
    say(`sent; ${report.accepted} accepted, ${report.duplicates} duplicates, ${report.refused} refused and sent again`);
    if (options.killUntil === 'sent') {
      await wait(options.killEveryMs * 2);
      await stopKilling();
    }
    const ledger = await settle(servers, options.events, say);
    await stopKilling();
    const killingSeconds = Math.round((performance.now() - killing) / 1_000);
    for (const log of pool.fallen) say(`a worker fell: ${log}`);
    const repeats = () => careless.repeated();
    const unseen = await unseenInLedger(servers, repeats);
    for (const one of unseen) say(`a repeated call that the ledger does not show: ${JSON.stringify(one)}`);
    return {
      events: options.events,
      ...report,
      kills: pool.kills,
      killsAtStart: pool.killsAtStart,
      missedKills: pool.missed,
      killingSeconds,
      fallen: pool.fallen.length,
      ...ledger,
      effects: good.effects.size,
      repeatedEffects: good.repeated().length,
      repeatedCalls: repeats().length,
      repeatedUnseen: unseen.length,
      isolatedJobs: isolated.size,
      seconds: Math.round((Date.now() - began) / 1_000),
    };
  } finally {
    await agent.close();
    await Promise.all([edge.kill(), pool.close()]);
    await Promise.all([good.close(), careless.close()]);
    await servers.close();
  }
}

const WORKER_ROLES = 'worker-ingress,worker-orchestration,worker-integration,worker-notifications,worker-analytics';

/** One route to the good third party through a flow, one straight to the careless one. */
async function configure(edge: SpillwayProcess, good: string, careless: string): Promise<void> {
  const base = { apiVersion: API_VERSION };
  const metadata = (name: string) => ({ name, tenant: 'chaos' });
  const http = (url: string) => ({ http: { url, body: { event: '${ .id }' } }, attempts: 100 });
  const documents = [
    { ...base, kind: 'Tenant', metadata: { name: 'chaos' }, spec: {} },
    {
      ...base,
      kind: 'Source',
      metadata: metadata('in'),
      spec: { provider: 'hmac', secrets: [{ value: SECRET }], options: { idPath: 'id' } },
    },
    {
      ...base,
      kind: 'Flow',
      metadata: metadata('one'),
      spec: {
        do: [
          {
            effect: { call: 'http', with: { method: 'post', endpoint: `${good}/effect`, body: { event: '${ .id }' } } },
          },
        ],
      },
    },
    { ...base, kind: 'Route', metadata: metadata('flow'), spec: { to: { flow: 'one' } } },
    { ...base, kind: 'Route', metadata: metadata('call'), spec: { to: http(`${careless}/effect`) } },
  ];
  const { statusCode, body } = await request(`${edge.adminUrl}/api/v1/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ documents }),
  });
  if (statusCode !== 200) throw new Error(await body.text());
  await body.dump();
}

/** Each event twice, and again until it gets a 2xx, as providers do. */
async function sendAll(
  url: string,
  events: number,
  agent: Agent,
  report: { accepted: number; duplicates: number; refused: number },
): Promise<void> {
  const deliveries = Array.from({ length: events * 2 }, (_, index) => index % events);
  const options = hmacProvider.options.parse({ idPath: 'id' });
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      for (let next = deliveries.pop(); next !== undefined; next = deliveries.pop()) {
        const sample = {
          type: 'x',
          contentType: 'application/json',
          body: JSON.stringify({ id: `e-${next}`, n: next }),
        };
        const { headers } = hmacProvider.sign(sample, { url, keys: { secrets: [SECRET] }, options, now: Date.now() });
        for (;;) {
          const answer = await deliver(`${url}/v1/in/chaos/in`, sample.body, headers, agent);
          if (answer) {
            if (answer.duplicate) report.duplicates += 1;
            else report.accepted += 1;
            break;
          }
          report.refused += 1;
          await wait(200);
        }
      }
    }),
  );
}

async function deliver(url: string, body: string, headers: Record<string, string>, dispatcher: Agent) {
  try {
    const response = await request(url, {
      method: 'POST',
      body,
      headers: { ...headers, 'content-type': 'application/json' },
      dispatcher,
    });
    const text = await response.body.text();
    return response.statusCode === 202 ? (JSON.parse(text) as { id: string; duplicate: boolean }) : undefined;
  } catch {
    return undefined;
  }
}

async function restart(servers: TestServers, say: (line: string) => void): Promise<void> {
  await wait(1_500);
  if (servers.redis) {
    // A clean stop writes the last second of the append-only file; `everysec` promises no more.
    await servers.redis.stop();
    await wait(1_000);
    await servers.redis.resume();
    say('Redis was stopped and started');
  } else {
    await servers.postgres.stop();
    await wait(1_000);
    await servers.postgres.resume();
    say('PostgreSQL was stopped and started');
  }
}

async function settle(servers: TestServers, events: number, say: (line: string) => void) {
  const database = openDatabase(servers.postgres.url, 2);
  const count = async () => {
    const { rows } = await database.pool.query<{ recorded: string; done: string; dead: string }>(
      `select count(*) as recorded, count(*) filter (where state = 'done') as done,
        (select count(*) from jobs where state = 'dead-letter') as dead from events`,
    );
    return { recorded: Number(rows[0]!.recorded), done: Number(rows[0]!.done), dead: Number(rows[0]!.dead) };
  };
  try {
    let told = Date.now();
    const isOver = async () => {
      const { recorded, done } = await count();
      if (Date.now() - told > PROGRESS_MS) {
        say(`${done} of ${recorded} are done`);
        told = Date.now();
      }
      return done >= events;
    };
    await eventually(isOver, {
      withinMs: 1_800_000,
      everyMs: 500,
      what: 'the end of every event',
    }).catch(() => say('not every event came to its end in time'));
    const { recorded, done, dead } = await count();
    return { recorded, done, notDone: recorded - done, deadLetters: dead };
  } finally {
    await database.close();
  }
}

/**
 * Repeated calls whose jobs have no attempt that the ledger marks as a possible repeat. A job may be done, and its event with it,
 * while a second worker that took the first for dead is still at it: what that one tells is waited for.
 */
async function unseenInLedger(servers: TestServers, repeats: () => string[]): Promise<object[]> {
  const database = openDatabase(servers.postgres.url, 2);
  const unmarked = async () => {
    const { rows } = await database.pool.query<{ key: string; attempts: object[] }>(
      `select key, (select json_agg(a order by at) from attempts a where a.job_id = key) as attempts
       from unnest($1::text[]) as one (key)
       where not exists (select from attempts a where a.job_id = key and a.repeat)`,
      [repeats()],
    );
    return rows;
  };
  try {
    await eventually(async () => (await unmarked()).length === 0, { withinMs: 30_000 }).catch(() => undefined);
    return await unmarked();
  } finally {
    await database.close();
  }
}
