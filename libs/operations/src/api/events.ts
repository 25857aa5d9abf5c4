import { type IngressJob, newId } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import { canSee, type Caller, tenantFor } from '../access/principal';
import { readJob } from './read-job';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { beforeField, idParams, limitField, tenantField, timeField } from './fields';

export function eventEndpoints(platform: Platform): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/events',
      scope: 'events:read',
      summary: 'Events, newest first',
      shows: 'traces',
      query: z.object({
        tenant: tenantField,
        source: z.string().optional(),
        provider: z.string().optional(),
        type: z.string().optional().describe('`*` stands for any characters.'),
        state: z.enum(['accepted', 'moving', 'done', 'dead-letter', 'failed', 'cancelled', 'unrouted']).optional(),
        subject: z.string().optional(),
        providerId: z.string().optional(),
        correlationId: z.string().optional(),
        since: timeField,
        until: timeField,
        before: beforeField,
        limit: limitField,
      }),
      handle: async ({ query, principal }) => {
        const { since, until, ...filter } = query;
        const events = await platform.events.list({
          ...filter,
          tenant: tenantFor(principal, query.tenant),
          since: since ? new Date(since) : undefined,
          until: until ? new Date(until) : undefined,
        });
        return { events, next: events.length === query.limit ? events.at(-1)?.id : undefined };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/events/{id}',
      scope: 'events:read',
      summary: 'One event with its jobs and timeline',
      shows: 'payloads',
      params: idParams,
      handle: async ({ params, principal }) => find(platform, params.id, principal),
    }),
    endpoint({
      method: 'POST',
      path: '/events/{id}/replay',
      scope: 'jobs:write',
      summary: 'Sends an event through the routes again',
      action: 'event.replay',
      params: idParams,
      body: z.strictObject({ routes: z.array(z.string()).min(1).optional().describe('Only these routes.') }),
      handle: async ({ params, body, principal, note }) => {
        const record = await platform.events.find(params.id);
        if (!record || !canSee(principal, record.tenant)) return notFound(`event ${params.id}`);
        const replay = { id: newId().slice(-12), ...(body.routes && { routes: body.routes }) };
        const jobId = `${record.id}.replay.${replay.id}`;
        const job = replayJob(record, replay, principal.actor);
        const began = job.event.traceparent ? [job.event.traceparent] : [];
        await platform.queues.add('ingress-events', job, { id: jobId, began });
        note({ tenant: record.tenant, target: record.id, details: replay });
        return { id: record.id, replay: replay.id };
      },
    }),
  ];
}

type EventRecord = NonNullable<Awaited<ReturnType<Platform['events']['find']>>>;

function replayJob(record: EventRecord, replay: IngressJob['replay'], actor: string): IngressJob {
  return {
    event: record.event,
    meta: {
      tenant: record.tenant,
      priority: 'normal',
      createdBy: actor,
      createdAt: Date.now(),
      correlationId: record.event.correlationid,
    },
    body: { sha256: record.bodySha256, bytes: record.bytes },
    via: 'queue',
    replay,
  };
}

/** From the ledger; an event too young for it is still in its queue, in the dead letters or in the outbox. */
async function find(platform: Platform, id: string, principal: Caller): Promise<unknown> {
  const record = await platform.events.find(id);
  if (record) return canSee(principal, record.tenant) ? record : notFound(`event ${id}`);
  const job = await platform.queues.find('ingress-events', id);
  const data = job && ((await readJob(platform, 'ingress-events', job)) as IngressJob | undefined);
  if (data?.event && canSee(principal, data.event.tenant)) {
    return underWay(data, `in ingress-events: ${await job!.getState()}`);
  }
  const waiting = await platform.outbox.find(id).catch(() => undefined);
  if (waiting && canSee(principal, waiting.job.event.tenant)) {
    if (waiting.duplicateOf) return find(platform, waiting.duplicateOf, principal);
    return underWay(waiting.job, waiting.relayedAt ? 'under way' : 'in the outbox: waits for the queues');
  }
  return notFound(`event ${id}`);
}

function underWay({ event, meta, body, via }: IngressJob, where: string) {
  const acceptedAt = new Date(meta.createdAt);
  return {
    id: event.id,
    tenant: event.tenant,
    source: event.source.slice(event.source.lastIndexOf('/') + 1),
    provider: event.provider,
    type: event.type,
    subject: event.subject ?? null,
    state: 'accepted',
    acceptedAt,
    endedAt: null,
    bytes: body.bytes,
    event,
    via,
    bodySha256: body.sha256,
    routedAt: null,
    error: null,
    jobs: [],
    runs: [],
    timeline: [
      { at: acceptedAt, what: 'accepted' },
      { at: new Date(), what: where },
    ],
  };
}
