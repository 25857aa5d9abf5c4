import { QUEUE_NAMES } from '@spillway/contracts';
import { type DeadLetterFilter, summarize } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import { canSee, tenantFor } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { jobParams, limitField, queueSchema, tenantField, timeField } from './fields';
import { redriveMany } from './redrive';

const filterFields = {
  queue: queueSchema.optional().describe('All queues if left out.'),
  tenant: tenantField,
  type: z.string().optional().describe('Event type; `*` stands for any characters.'),
  route: z.string().optional(),
  errorClass: z.enum(['transient', 'rate-limited', 'permanent', 'poison']).optional(),
  errorCode: z.string().optional(),
  since: timeField,
  until: timeField,
};

export function deadLetterEndpoints(platform: Platform): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/dead-letters',
      scope: 'dead-letters:read',
      summary: 'Jobs that failed for good, oldest first',
      query: z.object({ ...filterFields, limit: limitField }),
      shows: 'traces',
      handle: async ({ query, principal }) => {
        const filter = toFilter({ ...query, tenant: tenantFor(principal, query.tenant) });
        const found = [];
        for (const queue of query.queue ? [query.queue] : QUEUE_NAMES) {
          const left: number = query.limit - found.length;
          if (left <= 0) break;
          for await (const letter of platform.deadLetters.matching(queue, filter, left)) found.push(summarize(letter));
        }
        return { deadLetters: found };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/dead-letters/{queue}/{id}',
      scope: 'dead-letters:read',
      summary: 'One dead letter with its job, error and stack',
      shows: 'payloads',
      params: jobParams,
      handle: async ({ params: { queue, id }, principal }) => {
        const letter = await platform.deadLetters.find(queue, id);
        return letter && canSee(principal, letter.tenant) ? letter : notFound(`dead letter ${id} in ${queue}`);
      },
    }),
    endpoint({
      method: 'POST',
      path: '/dead-letters/redrive',
      scope: 'dead-letters:write',
      summary: 'Puts dead letters back into their queues: some by id, or all that match',
      action: 'dead-letter.redrive',
      shows: 'traces',
      body: z.strictObject({
        ...filterFields,
        ids: z.array(z.string()).min(1).max(10_000).optional().describe('Only these; with `queue`.'),
        ratePerSecond: z
          .number()
          .positive()
          .max(100_000)
          .optional()
          .describe('Spreads them over time; all at once if left out.'),
        limit: z.number().int().min(1).max(100_000).default(10_000),
        dryRun: z.boolean().default(false).describe('Only tells what would be redriven.'),
      }),
      handle: async ({ body, principal, note }) => {
        const tenant = tenantFor(principal, body.tenant);
        const result = await redriveMany(platform, { ...body, filter: toFilter({ ...body, tenant }) });
        note({ tenant, target: body.queue ?? '*', details: { count: result.redriven, filter: { ...body } } });
        return result;
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/dead-letters/{queue}/{id}',
      scope: 'dead-letters:write',
      summary: 'Forgets a dead letter for good',
      action: 'dead-letter.drop',
      params: jobParams,
      handle: async ({ params: { queue, id }, principal, note }) => {
        const letter = await platform.deadLetters.find(queue, id);
        if (!letter || !canSee(principal, letter.tenant)) return notFound(`dead letter ${id} in ${queue}`);
        await platform.deadLetters.remove(queue, id);
        note({ tenant: letter.tenant, target: `${queue}/${id}` });
        return { id, queue };
      },
    }),
  ];
}

function toFilter(query: {
  tenant?: string;
  type?: string;
  route?: string;
  errorClass?: string;
  errorCode?: string;
  since?: string;
  until?: string;
}): DeadLetterFilter {
  const { tenant, type, route, errorClass, errorCode, since, until } = query;
  return {
    tenant,
    type,
    route,
    errorClass,
    errorCode,
    since: since ? Date.parse(since) : undefined,
    until: until ? Date.parse(until) : undefined,
  };
}
