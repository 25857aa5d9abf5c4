import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig } from '@spillway/config';
import { createLog } from '@spillway/observability';
import { DeadLetters, FactSink, Queues } from '@spillway/queues';
import { type Handler, QueueWorker } from '@spillway/worker-kit';
import { shareIn } from './load';

/** What the parent is told, some times a second. */
export interface Progress {
  ready?: true;
  /** Jobs done, by tenant. */
  done?: Record<string, number>;
  /** Milliseconds between a job's adding and its beginning, of the tenant that is watched. */
  waits?: number[];
}

const REPORT_EVERY_MS = 20;

/** A worker process: jobs take `SERVICE_MS`; the waits of the tenant `WATCHED` are told. */
async function main(): Promise<void> {
  const config = loadConfig();
  const queues = await Queues.connect(config.queues, process.env['DATABASE_URL']!, () =>
    Promise.resolve(new Map<string, string>()),
  );
  queues.lanes.use(shareIn(process.env['SHARES']));
  const serviceMs = Number(process.env['SERVICE_MS']);
  const watched = process.env['WATCHED'];
  let done: Record<string, number> = {};
  let waits: number[] = [];
  const handler: Handler<'notifications'> = {
    queue: 'notifications',
    tellsAttempts: false,
    async handle({ data: { meta } }) {
      if (meta.tenant === watched) waits.push(Date.now() - meta.createdAt);
      if (serviceMs > 0) await wait(serviceMs);
      done[meta.tenant] = (done[meta.tenant] ?? 0) + 1;
      return {};
    },
  };
  const log = createLog({ level: 'error', pretty: false });
  const parts = {
    config: config.queues,
    queues,
    deadLetters: new DeadLetters(queues),
    facts: new FactSink(queues),
    log,
  };
  const worker = new QueueWorker(handler, parts);
  await worker.ready();
  process.send!({ ready: true } satisfies Progress);
  setInterval(() => {
    if (Object.keys(done).length === 0) return;
    process.send!({ done, waits } satisfies Progress);
    done = {};
    waits = [];
  }, REPORT_EVERY_MS);
}

void main();
