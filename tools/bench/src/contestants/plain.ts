import 'reflect-metadata';
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { Body, Controller, Headers, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { QueueName } from '@spillway/contracts';
import { createPostgresBackend, type Job, type Queue as BullQueue, Queue, Worker, withBackend } from 'bullmq';
import Redis from 'ioredis';
import { Pool } from 'pg';
import { Agent, request } from 'undici';
import { SECRET } from '../flood';
import { startSink } from './sink';

/**
 * What a team would write by hand: a bare NestJS + Fastify edge with one `queue.add`, and, for `all`, five queues with a
 * worker each. Its edge checks the signature only in the end-to-end part; its ledger is one insert per batch of 100.
 */
interface Payload {
  id: string;
  type: string;
  data: { total: number; sent: number };
}

const redisUrl = process.env['REDIS_URL'];
const classes = withBackend(createPostgresBackend);
const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 24, options: '-c search_path=bullmq' });
const records = new Pool({ connectionString: process.env['DATABASE_URL'], max: 4 });
pool.setMaxListeners(100);
const producer = redisUrl ? new Redis(redisUrl) : undefined;
const AT_ONCE = JSON.parse(process.env['AT_ONCE']!) as Record<QueueName, number>;
const KEEP = {
  removeOnComplete: { count: 1_000 },
  removeOnFail: { count: 1_000 },
  attempts: 5,
  backoff: { type: 'exponential', delay: 1_000 },
};

function openQueue(name: string): BullQueue {
  const queue = producer ? new Queue(name, { connection: producer }) : new classes.Queue(name, { connection: pool });
  return queue as unknown as BullQueue;
}

function work(name: string, concurrency: number, processor: (job: Job) => Promise<unknown>): void {
  if (redisUrl) {
    new Worker(name, processor, { connection: new Redis(redisUrl, { maxRetriesPerRequest: null }), concurrency });
  } else {
    new classes.Worker(name, processor as never, { connection: pool, concurrency });
  }
}

let events: BullQueue;

@Controller()
class Edge {
  @Post('in')
  @HttpCode(202)
  async receive(@Body() body: Payload, @Headers('x-signature') _signature: string) {
    const job = await events.add(body.type, body, KEEP);
    return { id: job.id };
  }
}

@Module({ controllers: [Edge] })
class Program {}

async function main(): Promise<void> {
  const all = process.argv[2] === 'all';
  if (!redisUrl) {
    const queue = new classes.Queue('migration', {
      connection: { connectionString: process.env['DATABASE_URL'], migrate: true, max: 1 },
    });
    await queue.waitUntilReady();
    await queue.close();
  }
  events = openQueue('ingress');
  if (all) await startPipeline(process.env['SINK'] ?? (await startSink()));
  const app = await NestFactory.create<NestFastifyApplication>(Program, new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  process.send!({ url: `${await app.getUrl()}/in` });
}

/** Route → flow → call → notification, and the books in batches of 100. */
async function startPipeline(sink: string): Promise<void> {
  await records.query('create table if not exists done (event text primary key, at timestamptz default now())');
  const [flows, tasks, notifications, books] = ['flows', 'tasks', 'notifications', 'books'].map(openQueue) as [
    BullQueue,
    BullQueue,
    BullQueue,
    BullQueue,
  ];
  const agent = new Agent({ connections: 64 });
  const secret = Buffer.from(SECRET);
  const batches = new Batches(books);
  work('ingress', AT_ONCE['ingress-events'], async (job) => {
    const event = job.data as Payload;
    const text = JSON.stringify(event);
    const digest = createHmac('sha256', secret).update(text).digest();
    if (!timingSafeEqual(digest, createHmac('sha256', secret).update(text).digest())) throw new Error('no');
    const id = createHash('sha256').update(event.id).digest('hex').slice(0, 16) + randomUUID().slice(0, 8);
    await Promise.all([
      flows.add('flow', { event, id }, KEEP),
      event.data.total > 10 ? notifications.add('log', { event, id }, KEEP) : undefined,
    ]);
  });
  work('flows', AT_ONCE['orchestration-flows'], async (job) => void (await tasks.add('call', job.data, KEEP)));
  work('tasks', AT_ONCE['integration-tasks'], async (job) => {
    const { id, event } = job.data as { id: string; event: Payload };
    const response = await request(`${sink}/task`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': id },
      body: JSON.stringify({ id, sent: event.data.sent }),
      dispatcher: agent,
      signal: AbortSignal.timeout(30_000),
    });
    await response.body.text();
    await batches.add(id);
  });
  work('notifications', AT_ONCE['notifications'], async () => undefined);
  let done = 0;
  work('books', AT_ONCE['analytics-events'], async (job) => {
    const { ids } = job.data as { ids: string[] };
    await records.query('insert into done (event) select unnest($1::text[]) on conflict do nothing', [ids]);
    done += ids.length;
    process.send!({ done });
  });
}

/** Gathers what is done into one job of the books. */
class Batches {
  private ids: string[] = [];
  private timer?: NodeJS.Timeout;

  constructor(private readonly books: BullQueue) {}

  async add(id: string): Promise<void> {
    this.ids.push(id);
    if (this.ids.length >= 100) await this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), 50);
  }

  private async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const ids = this.ids;
    this.ids = [];
    if (ids.length > 0) await this.books.add('batch', { ids }, KEEP);
  }
}

void main();
