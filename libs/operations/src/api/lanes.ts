import { BadRequestError, nameSchema, QUEUE_NAMES, type QueueName } from '@spillway/contracts';
import type { KeySummary, LaneSummary, Parking } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import { canSee, type Caller, tenantFor } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { limitField, queueSchema, tenantField } from './fields';
import { cancel } from './jobs';
import { redriveMany } from './redrive';

/** The lanes of one queue in one partition. */
export interface QueueLanes {
  queue: QueueName;
  partition: number;
  /** Jobs that may wait in the queue itself before others spill. */
  window: number;
  /** Of all tenants; only for those who may see them. */
  spilled?: number;
  due?: number;
  lanes: LaneSummary[];
  keys: KeySummary[];
}

const laneParams = z.object({ queue: queueSchema, tenant: nameSchema });
const keyBody = z.strictObject({ key: z.string().min(1).describe('As the list shows it: `SOURCE/KEY`.') });

export function laneEndpoints(platform: Platform): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/lanes',
      scope: 'jobs:read',
      summary: 'Lanes that hold jobs back, and ordering keys in use; parked ones first',
      shows: 'traces',
      query: z.object({ queue: queueSchema.optional(), tenant: tenantField, limit: limitField }),
      handle: async ({ query, principal }) => {
        const tenant = tenantFor(principal, query.tenant);
        const names = query.queue ? [query.queue] : QUEUE_NAMES;
        const queues = await Promise.all(
          names
            .filter((name) => platform.queues.lanes.has(name))
            .map((name) => list(platform, name, tenant, query.limit)),
        );
        return { queues: queues.flat() };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/lanes/{queue}/{tenant}',
      scope: 'jobs:read',
      summary: "One tenant's lane of a queue",
      shows: 'traces',
      params: laneParams,
      query: z.object({ limit: limitField }),
      handle: async ({ params: { queue, tenant }, query, principal }) => {
        mustSee(platform, principal, queue, tenant);
        return (await list(platform, queue, tenant, query.limit))[0];
      },
    }),
    endpoint({
      method: 'POST',
      path: '/lanes/{queue}/{tenant}/skip',
      scope: 'jobs:write',
      action: 'lane.skip',
      summary:
        'Lets an ordering key go on behind its first job: a parked one stays a dead letter, one that waits is cancelled',
      params: laneParams,
      body: keyBody,
      handle: async ({ params: { queue, tenant }, body: { key }, principal, note }) => {
        const head = await headOf(platform, principal, queue, tenant, key);
        if (head.parked) await platform.queues.lanes.ofTenant(queue, tenant).skip(tenant, key);
        else await cancelHead(platform, queue, tenant, head.head!);
        note({ tenant, target: `${queue}/${key}` });
        return { queue, tenant, key, skipped: head.parked?.job ?? head.head };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/lanes/{queue}/{tenant}/resume',
      scope: 'jobs:write',
      action: 'lane.resume',
      summary: 'Lets a parked ordering key go on with the job it stopped at, which is redriven in its old place',
      params: laneParams,
      body: keyBody,
      handle: async ({ params: { queue, tenant }, body: { key }, principal, note }) => {
        const { parked } = await headOf(platform, principal, queue, tenant, key);
        if (!parked) {
          throw new BadRequestError(`the ordering key ${key} is not parked`, { code: 'lane-not-parked', status: 409 });
        }
        const redriven = await resume(platform, queue, tenant, key, parked);
        note({ tenant, target: `${queue}/${key}` });
        return { queue, tenant, key, redriven };
      },
    }),
  ];
}

async function list({ queues }: Platform, queue: QueueName, tenant: string | undefined, limit: number) {
  const partitions = tenant === undefined ? queues.partitions.all : [queues.partitions.of(tenant)];
  return Promise.all(
    partitions.map(async (partition): Promise<QueueLanes> => {
      const found = await queues.lanes.of(queue, partition).list(limit, tenant);
      // How much others have is nobody's business.
      const { spilled, due, ...rest } = found;
      return { queue, partition, ...rest, ...(tenant === undefined && { spilled, due }) };
    }),
  );
}

/** @throws BadRequestError 404 */
function mustSee(platform: Platform, principal: Caller, queue: QueueName, tenant: string): void {
  if (!canSee(principal, tenant) || !platform.queues.lanes.has(queue)) notFound(`lane ${tenant} in ${queue}`);
}

/** @throws BadRequestError 404 */
async function headOf(platform: Platform, principal: Caller, queue: QueueName, tenant: string, key: string) {
  mustSee(platform, principal, queue, tenant);
  const { keys } = await platform.queues.lanes.ofTenant(queue, tenant).list(1, tenant, key);
  return keys[0] ?? notFound(`ordering key ${key} of ${tenant} in ${queue}`);
}

/** @throws BadRequestError `lane-busy` (409) while it runs */
async function cancelHead(platform: Platform, queue: QueueName, tenant: string, id: string): Promise<void> {
  const job = await platform.queues.find(queue, id, tenant);
  if (!job) return void (await platform.queues.lanes.ofTenant(queue, tenant).heal(false));
  if ((await job.getState()) === 'active') throw busy(id);
  await cancel(platform, queue, job);
}

/** @returns the id of the job that was redriven; without its dead letter, those behind it go on */
async function resume(platform: Platform, queue: QueueName, tenant: string, key: string, parked: Parking) {
  const order = { queue, ids: [parked.job], filter: { tenant }, limit: 1, dryRun: false };
  const { redriven } = await redriveMany(platform, order);
  if (redriven > 0) return parked.job;
  // It was parked a moment ago, before its dead letter is there: to go on now would be to go on without it.
  if (await platform.queues.find(queue, parked.job, tenant)) throw busy(parked.job);
  await platform.queues.lanes.ofTenant(queue, tenant).skip(tenant, key);
  return undefined;
}

function busy(id: string): BadRequestError {
  return new BadRequestError(`job ${id} runs`, {
    code: 'lane-busy',
    status: 409,
    remedy: 'Wait for its end, or cancel the job.',
  });
}
