import {
  createPostgresBackend,
  type FlowProducer as Producer,
  FlowProducer,
  type Job,
  Worker,
  withBackend,
} from 'bullmq';
import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import Redis from 'ioredis';
import { Pool } from 'pg';
import { Agent, request } from 'undici';

/**
 * What a team would write by hand: a Fastify edge that adds a parent with its children (FlowProducer), a worker for the
 * children that calls the sink, and one for parents that gathers the answers. Nothing is recorded but what BullMQ keeps.
 */
const sink = process.env['SINK']!;
const children = Number(process.env['CHILDREN']);
const redisUrl = process.env['REDIS_URL'];
const classes = withBackend(createPostgresBackend);
const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 24, options: '-c search_path=bullmq' });
pool.setMaxListeners(100);
const agent = new Agent({ connections: 64 });
const CONCURRENCY = Number(process.env['AT_ONCE']);
const KEEP = {
  removeOnComplete: { count: 1_000 },
  removeOnFail: { count: 1_000 },
  attempts: 5,
  backoff: { type: 'exponential', delay: 1_000 },
};

function work(name: string, processor: (job: Job) => Promise<unknown>) {
  if (redisUrl) {
    const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
    return new Worker(name, processor, { connection, concurrency: CONCURRENCY });
  }
  return new classes.Worker(name, processor as never, { connection: pool, concurrency: CONCURRENCY });
}

async function call(job: Job): Promise<unknown> {
  const { id, step } = job.data as { id: string; step: number };
  const response = await request(`${sink}/step`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `${id}.${step}` },
    body: JSON.stringify({ id, step }),
    dispatcher: agent,
    signal: AbortSignal.timeout(30_000),
  });
  if (response.statusCode >= 300) throw new Error(`the sink answered ${response.statusCode}`);
  return response.body.json();
}

async function main(): Promise<void> {
  if (!redisUrl) {
    const connection = { connectionString: process.env['DATABASE_URL'], migrate: true, max: 1 };
    const queue = new classes.Queue('migration', { connection });
    await queue.waitUntilReady();
    await queue.close();
  }
  const producer = (redisUrl
    ? new FlowProducer({ connection: new Redis(redisUrl) })
    : new classes.FlowProducer({ connection: pool })) as unknown as Producer;
  work('steps', call);
  work('parents', async (job) => Object.keys(await job.getChildrenValues()).length).on('completed', (job: Job) => {
    process.send!({ ended: (job.data as { id: string }).id });
  });
  const app = Fastify();
  app.post('/in', async (_request, reply) => {
    const id = randomUUID();
    const steps = Array.from({ length: children }, (_, step) => step);
    await producer.add({
      name: 'parent',
      queueName: 'parents',
      data: { id },
      opts: KEEP,
      children: steps.map((step) => ({ name: 'step', queueName: 'steps', data: { id, step }, opts: KEEP })),
    });
    return reply.code(202).send({ id });
  });
  process.send!({ url: await app.listen({ port: 0, host: '127.0.0.1' }) });
}

void main();
