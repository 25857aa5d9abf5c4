import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import { requirePlatform, tenantFor } from '../access/principal';
import type { Users } from '../access/users';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { beforeField, limitField, tenantField } from './fields';

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
      summary: 'Counts per tenant, day and source',
      query: z.object({ tenant: tenantField, since: z.iso.date().optional(), until: z.iso.date().optional() }),
      handle: async ({ query, principal }) => ({
        usage: await platform.usage.list({ ...query, tenant: tenantFor(principal, query.tenant) }),
      }),
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
