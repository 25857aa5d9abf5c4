import { PostgresLimits } from '@spillway/adapters';
import { BadRequestError, nameSchema } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import { canSee, tenantFor } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { tenantField } from './fields';

/**
 * What workers know together about the systems they call: allowances, circuits, and how long a provider asked to be left
 * alone. Keys begin with `TENANT/ADAPTER`.
 */
export function limitEndpoints(platform: Platform): Endpoint[] {
  const limits = new PostgresLimits(platform.database.pool);
  return [
    endpoint({
      method: 'GET',
      path: '/limits',
      scope: 'jobs:read',
      summary: 'Allowances and circuits of the adapters, as all workers see them',
      // Why a circuit is open may be in the words of the provider.
      shows: 'traces',
      query: z.object({ tenant: tenantField, adapter: nameSchema.optional().describe('Only this one of the tenant.') }),
      handle: async ({ query, principal }) => {
        const tenant = tenantFor(principal, query.tenant);
        if (query.adapter !== undefined && tenant === undefined) {
          throw new BadRequestError('an adapter is one of a tenant', {
            code: 'input-invalid',
            remedy: 'Add "tenant".',
          });
        }
        const found = await limits.list(tenant === undefined ? '' : `${tenant}/${query.adapter ?? ''}`);
        const isMeant = ({ key }: { key: string }) =>
          query.adapter === undefined || adapterOf(key) === `${tenant}/${query.adapter}`;
        const withTenant = <T extends { key: string }>(one: T) => ({ ...one, tenant: one.key.split('/', 1)[0]! });
        return {
          limits: found.limits.filter(isMeant).map(withTenant),
          gates: found.gates.filter(isMeant).map(withTenant),
        };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/limits/{tenant}/{adapter}/reset',
      scope: 'jobs:write',
      action: 'limits.reset',
      summary: 'Closes the circuit of an adapter, forgets what its provider asked for, and fills its allowances',
      params: z.object({ tenant: nameSchema, adapter: nameSchema }),
      body: z.strictObject({ reason: z.string().max(500).optional().describe('For the record.') }),
      handle: async ({ params: { tenant, adapter }, body, principal, note }) => {
        const gate = `${tenant}/${adapter}`;
        if (!canSee(principal, tenant)) return notFound(`adapter ${gate}`);
        // What others are called that begin with the same letters is theirs.
        const reset = (await limits.reset(`${gate}#`)) + (await limits.resetGate(gate));
        note({ tenant, target: gate, details: { reset, reason: body.reason } });
        return { tenant, adapter, reset };
      },
    }),
  ];
}

/** `acme/stripe#reads` → `acme/stripe`. */
function adapterOf(key: string): string {
  return key.split('#', 1)[0]!;
}
