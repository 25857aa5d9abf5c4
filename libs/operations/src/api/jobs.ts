import { partitionsSchema } from '@spillway/config';
import { BadRequestError, type CallJob, type QueueName } from '@spillway/contracts';
import { answerKey, STANDARD_ERRORS, standardErrorUri, wakeUp } from '@spillway/flows';
import { sendSignal } from '@spillway/persistence';
import { type Job, placeOf, type Queue } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';
import { givenUpFact, subjectOf } from '@spillway/worker-kit';
import { z } from 'zod';
import { type Caller, canSee, requirePlatform, tenantFor } from '../access/principal';
import { backlogOf } from './backlog';
import { findOnTheSpot, type JobOnTheSpot } from './on-the-spot';
import { ownerOf, readJob } from './read-job';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { jobParams, limitField, queueSchema, tenantField } from './fields';

const STATES = ['waiting', 'prioritized', 'active', 'delayed', 'spilled', 'completed', 'failed'] as const;
type State = (typeof STATES)[number];
/** A job in its lane is, to BullMQ, one that waits for children. */
const bullState = (state: State) => (state === 'spilled' ? 'waiting-children' : state);
const stateOf = (state: string) => (state === 'waiting-children' ? 'spilled' : state);
/** Jobs looked at for one page: a tenant's jobs may be few among many. */
const MOST_SCANNED = 5_000;
const PAGE = 200;

export function jobEndpoints(platform: Platform): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/queues',
      scope: 'jobs:read',
      summary: 'The queues: how much is in them, and whether they are paused',
      handle: async ({ principal }) => {
        requirePlatform(principal);
        return { queues: await Promise.all(queueSchema.options.map((name) => describe(platform, name))) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/queues/{queue}',
      scope: 'jobs:read',
      summary: 'What waits in a queue, for autoscalers: how many jobs, and how long the oldest',
      params: z.object({ queue: queueSchema }),
      query: z.object({ partitions: partitionsSchema.optional().describe('Only these, as `0-3,6`.') }),
      handle: async ({ params: { queue }, query, principal }) => {
        requirePlatform(principal);
        return backlogOf(platform, queue, query.partitions);
      },
    }),
    ...(['pause', 'resume'] as const).map((action) =>
      endpoint({
        method: 'POST',
        path: `/queues/{queue}/${action}`,
        scope: 'queues:write',
        action: `queue.${action}`,
        summary: action === 'pause' ? 'Lets no worker take jobs of a queue' : 'Lets workers take jobs of a queue again',
        params: z.object({ queue: queueSchema }),
        handle: async ({ params: { queue }, principal, note }) => {
          requirePlatform(principal);
          await Promise.all(platform.queues.queuesOf(queue).map((one) => one[action]()));
          note({ target: queue });
          return describe(platform, queue);
        },
      }),
    ),
    endpoint({
      method: 'GET',
      path: '/jobs',
      scope: 'jobs:read',
      summary: 'Jobs in a queue',
      shows: 'traces',
      query: z.object({ queue: queueSchema, state: z.enum(STATES).optional(), tenant: tenantField, limit: limitField }),
      handle: async ({ query, principal }) => ({ jobs: await list(platform, query, principal) }),
    }),
    endpoint({
      method: 'GET',
      path: '/jobs/{queue}/{id}',
      scope: 'jobs:read',
      summary: 'One job with its data',
      shows: 'payloads',
      params: jobParams,
      handle: async ({ params, principal }) => {
        const job = await find(platform, params.queue, params.id, principal);
        if (!('opts' in job)) return job;
        return {
          ...(await summary(platform, params.queue, job)),
          data: await readJob(platform, params.queue, job),
          result: job.returnvalue as unknown,
        };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/jobs/{queue}/{id}/cancel',
      scope: 'jobs:write',
      action: 'job.cancel',
      summary: 'Cancels a job: one that waits is removed, one that runs is aborted',
      params: jobParams,
      handle: async ({ params: { queue, id }, principal, note }) => {
        const job = await find(platform, queue, id, principal);
        const { tenant } = 'opts' in job ? await ownerOf(platform, queue, job) : job;
        note({ tenant, target: `${queue}/${id}` });
        const result = 'opts' in job ? await cancel(platform, queue, job) : await abort(platform, queue, id);
        return { id, queue, ...result };
      },
    }),
  ];
}

async function describe(platform: Platform, name: QueueName) {
  const [partitions, deadLetters] = await Promise.all([
    Promise.all(
      platform.queues.queuesOf(name).map(async (queue) => ({
        counts: await countsOf(queue),
        paused: await queue.isPaused(),
      })),
    ),
    platform.deadLetters.count(name),
  ]);
  const sum = Object.fromEntries(
    STATES.map((state) => [state, partitions.reduce((total, one) => total + (one.counts[state] ?? 0), 0)]),
  );
  return {
    name,
    paused: partitions.some((one) => one.paused),
    ...sum,
    deadLetters,
    ...(partitions.length > 1 && {
      partitions: partitions.map(({ counts, paused }, partition) => ({ partition, paused, ...counts })),
    }),
  };
}

async function countsOf(queue: Queue): Promise<Record<State, number>> {
  const counts = await queue.getJobCounts(...STATES.map(bullState));
  return Object.fromEntries(STATES.map((state) => [state, counts[bullState(state)] ?? 0])) as Record<State, number>;
}

async function list(
  platform: Platform,
  query: { queue: QueueName; state?: State; tenant?: string; limit: number },
  principal: Caller,
) {
  const tenant = tenantFor(principal, query.tenant);
  const found: unknown[] = [];
  const { queues } = platform;
  // Batches of facts are in any partition, whoever's they are.
  const isEverywhere = !tenant || query.queue === 'analytics-events';
  for (const queue of isEverywhere ? queues.queuesOf(query.queue) : [queues.queueOf(query.queue, tenant)]) {
    for (let start = 0; start < MOST_SCANNED && found.length < query.limit; start += PAGE) {
      const jobs = await queue.getJobs((query.state ? [query.state] : STATES).map(bullState), start, start + PAGE - 1);
      for (const job of jobs) {
        if (!job || found.length >= query.limit) continue;
        const one = await summary(platform, query.queue, job, query.state);
        if (!tenant || one.tenant === tenant) found.push(one);
      }
      if (jobs.length < PAGE) break;
    }
  }
  return found;
}

/** @throws BadRequestError 404 */
async function find(platform: Platform, queue: QueueName, id: string, principal: Caller): Promise<Job | JobOnTheSpot> {
  const job = await platform.queues.find(queue, id);
  const onTheSpot = job ? undefined : await findOnTheSpot(platform, queue, id, principal);
  if (onTheSpot) return onTheSpot;
  if (!job || !canSee(principal, (await ownerOf(platform, queue, job)).tenant))
    return notFound(`job ${id} in ${queue}`);
  return job;
}

async function summary(platform: Platform, queue: QueueName, job: Job, state?: string) {
  return {
    id: job.id,
    queue,
    name: job.name,
    state: state ?? stateOf(await job.getState()),
    ...(await ownerOf(platform, queue, job)),
    attemptsMade: job.attemptsMade,
    stalled: job.stalledCounter,
    addedAt: new Date(job.timestamp),
    ...(job.failedReason && { failedReason: job.failedReason }),
  };
}

/** @throws BadRequestError `job-ended` (409) */
export async function cancel(
  platform: Platform,
  queue: QueueName,
  job: Job,
): Promise<{ state: 'cancelled' | 'cancelling' }> {
  const state = await job.getState();
  if (state === 'completed' || state === 'failed') {
    throw new BadRequestError(`the job has ended: ${state}`, { code: 'job-ended', status: 409 });
  }
  if (state !== 'active') {
    const removed = await job.remove().then(
      () => true,
      () => false,
    );
    if (removed) {
      await letNextIn(platform, queue, job);
      await tell(platform, queue, job);
      return { state: 'cancelled' };
    }
  }
  return abort(platform, queue, job.id!);
}

/** It runs, here or anywhere: its worker aborts it and tells the ledger. */
async function abort(platform: Platform, queue: QueueName, jobId: string): Promise<{ state: 'cancelling' }> {
  await sendSignal(platform.database.pool, { kind: 'cancel-job', queue, jobId });
  return { state: 'cancelling' };
}

/** Who waited for the job that is gone need not wait for the next sweep. */
async function letNextIn({ queues }: Platform, queue: QueueName, job: Job): Promise<void> {
  const place = placeOf(job.opts);
  if (place) await queues.lanes.ofTenant(queue, place.lane).pump([{ id: job.id!, ...place, succeeded: false }], 16);
}

async function tell(platform: Platform, queue: QueueName, job: Job): Promise<void> {
  const data = await readJob(platform, queue, job);
  if (!data) return;
  const about = subjectOf(data);
  if (!about.eventId || queue === 'analytics-events') return;
  const error = { class: 'permanent', code: 'job-cancelled', message: 'the job was cancelled by an operator' };
  if (queue === 'ingress-events') {
    if (!('event' in data) || !('body' in data)) return;
    const { event, body, via, meta } = data;
    await platform.facts.record([
      { ...about, kind: 'event.accepted', at: meta.createdAt, event, body, via },
      { ...about, kind: 'event.failed', error },
    ]);
    return;
  }
  const run = 'run' in data ? data.run : undefined;
  if ('call' in data) await answerRun(platform, data, error.message);
  await platform.facts.record([
    givenUpFact({ ...about, jobId: job.id!, queue }, 'cancelled', error),
    ...(run ? [{ ...about, kind: 'run.ended' as const, runId: run.id }] : []),
  ]);
}

/** A run hears of a call that is not made any more, as it hears of one that failed; else it would be made again. */
async function answerRun(platform: Platform, { run, eventId, route, meta }: CallJob, detail: string): Promise<void> {
  const { tenant, priority, correlationId } = meta;
  const key = answerKey(run.node);
  const status = STANDARD_ERRORS.communication;
  const error = { type: standardErrorUri('communication'), status, title: 'job-cancelled', detail };
  await platform.runs.deliver({ tenant, runId: run.id, key, input: { kind: 'failure', node: run.node, error } });
  const job = wakeUp({ id: run.id, flow: run.flow, tenant, priority, correlationId, eventId, route }, key);
  await platform.queues.add('orchestration-flows', job.data, { id: job.id, priority });
}
