import { nameSchema, type QuotaName } from '@spillway/contracts';
import type { LiveTenant, Platform } from '@spillway/runtime';
import { z } from 'zod';
import { canSee, requirePlatform, tenantFor } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { limitField, tenantField } from './fields';

/** Quotas of one day are counted by what was given out. */
const OF_A_DAY: readonly QuotaName[] = ['eventsPerDay', 'bytesPerDay', 'runsPerDay'];

const orderBody = z.strictObject({
  tenant: nameSchema,
  limit: z.number().int().min(1).max(100_000).default(1_000).describe('At most so many, oldest first.'),
});

/** What tenants may use, what they used of it, and events that a quota keeps aside. */
export function quotaEndpoints(platform: Platform): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/quotas',
      scope: 'resources:read',
      summary: 'Quotas of tenants, and what is used of them',
      query: z.object({ tenant: tenantField }),
      handle: async ({ query, principal }) => {
        const tenant = tenantFor(principal, query.tenant);
        const tenants = [...platform.directory.all()].filter(({ name }) => tenant === undefined || name === tenant);
        if (tenant !== undefined && tenants.length === 0) return notFound(`tenant ${tenant}`);
        const today = await platform.quotaStore.today(tenant);
        return { quotas: await Promise.all(tenants.map((one) => quotasOf(one, today, platform))) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/parked',
      scope: 'events:read',
      summary: 'Events that a quota keeps aside, oldest first',
      query: z.object({
        tenant: tenantField,
        after: z.string().regex(/^\d*$/, 'must be an id of the page before').default(''),
        limit: limitField,
      }),
      handle: async ({ query, principal }) => ({
        parked: await platform.outbox.parked(tenantFor(principal, query.tenant), query.after, query.limit),
      }),
    }),
    endpoint({
      method: 'POST',
      path: '/parked/release',
      action: 'parked.release',
      scope: '*',
      summary: 'Lets parked events of a tenant go their way, over its quota; for people of the platform',
      body: orderBody,
      handle: async ({ body: { tenant, limit }, principal, note }) => {
        requirePlatform(principal);
        const released = await platform.outbox.release(tenant, limit);
        note({ tenant, target: tenant, details: { released } });
        return { released };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/parked/drop',
      action: 'parked.drop',
      scope: 'jobs:write',
      summary: 'Forgets parked events of a tenant for good',
      body: orderBody,
      handle: async ({ body: { tenant, limit }, principal, note }) => {
        if (!canSee(principal, tenant)) return notFound(`tenant ${tenant}`);
        const dropped = await platform.outbox.dropParked(tenant, limit);
        note({ tenant, target: tenant, details: { dropped } });
        return { dropped };
      },
    }),
  ];
}

async function quotasOf(
  { name, quotas, retention }: LiveTenant,
  today: { tenant: string; quota: string; used: number }[],
  { quotaStore, queues }: Platform,
) {
  const used = async (quota: QuotaName, limit: number): Promise<number | undefined> => {
    if (OF_A_DAY.includes(quota)) return today.find((one) => one.tenant === name && one.quota === quota)?.used ?? 0;
    if (quota === 'openRuns') return quotaStore.openRuns(name, limit + 1);
    if (quota === 'waitingJobs') return queues.lanes.waiting(name, limit + 1);
    return undefined;
  };
  const entries = Object.entries(quotas) as [QuotaName, { limit: number }][];
  return {
    tenant: name,
    retention,
    quotas: await Promise.all(
      entries.map(async ([quota, settings]) => ({ quota, ...settings, used: await used(quota, settings.limit) })),
    ),
  };
}
