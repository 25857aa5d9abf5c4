import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import { requirePlatform, tenantFor } from '../access/principal';
import type { Users } from '../access/users';
import { endpoint, type Endpoint, notFound, TextAnswer } from './endpoint';
import { beforeField, limitField, tenantField, timeField } from './fields';
import { usageCsv } from './usage-csv';

/** Audit, usage and people. */
export function recordEndpoints(platform: Platform, users: Users): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/audit',
      scope: 'audit:read',
      summary: 'Who did what, newest first',
      query: z.object({ tenant: tenantField, before: beforeField, limit: limitField }),
      handle: async ({ query, principal }) => ({
        entries: await platform.audit.list({ ...query, tenant: tenantFor(principal, query.tenant) }),
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/usage',
      scope: 'events:read',
      summary: 'Counts per tenant, day and source: for looking, and for a billing system that asks again and again',
      query: z.object({
        tenant: tenantField,
        since: z.iso.date().optional().describe('First day, UTC.'),
        until: z.iso.date().optional().describe('Last day, UTC.'),
        changedAfter: timeField.describe('Only counts that went up after this: `next` of the answer before.'),
        format: z.enum(['json', 'csv']).default('json'),
      }),
      handle: async ({ query: { format, changedAfter, ...query }, principal }) => {
        const usage = await platform.usage.list({
          ...query,
          tenant: tenantFor(principal, query.tenant),
          ...(changedAfter !== undefined && { changedAfter: new Date(changedAfter) }),
        });
        if (format === 'csv') return new TextAnswer('text/csv; charset=utf-8', usageCsv(usage));
        return { usage, next: nextOf(usage.map((row) => row.changedAt)) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/users',
      scope: '*',
      summary: 'People who may log in',
      handle: async ({ principal }) => {
        requirePlatform(principal);
        return { users: await users.list() };
      },
    }),
    endpoint({
      method: 'PUT',
      path: '/users/{name}',
      scope: '*',
      summary: 'Makes a user, or changes role and password; ends their sessions',
      params: z.object({ name: z.string().min(1).max(100) }),
      body: z.strictObject({ password: z.string().max(1_000), role: z.enum(['viewer', 'operator', 'admin']) }),
      handle: async ({ params: { name }, body, principal, address }) => {
        requirePlatform(principal);
        await users.set(name, body.password, body.role);
        const details = { role: body.role };
        await platform.audit.record({ actor: principal.actor, action: 'user.set', target: name, details, address });
        return { name, role: body.role };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/users/{name}',
      scope: '*',
      summary: 'Removes a user',
      params: z.object({ name: z.string() }),
      handle: async ({ params: { name }, principal, address }) => {
        requirePlatform(principal);
        if (!(await users.remove(name))) return notFound(`user ${name}`);
        await platform.audit.record({ actor: principal.actor, action: 'user.remove', target: name, address });
        return { name };
      },
    }),
  ];
}

/** What is written now may be seen a moment later only; counts are whole ones, so one that comes again does no harm. */
const SETTLED_MS = 60_000;

/** What to ask for next, so that no change is missed. */
function nextOf(changes: Date[]): Date | undefined {
  if (changes.length === 0) return undefined;
  return new Date(Math.min(Math.max(...changes.map(Number)), Date.now() - SETTLED_MS));
}
