import { durationSchema, nameSchema, scopeSchema } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import type { ApiKeyInfo } from '@spillway/tenancy';
import { z } from 'zod';
import { type Caller, canSee, requireCover, tenantFor, tenantsOf } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { idParams, tenantField } from './fields';

const expiryField = z.iso.datetime({ offset: true }).optional();

/** API keys: a secret is in the answer that makes it, and never again. */
export function keyEndpoints(platform: Platform): Endpoint[] {
  const { apiKeys } = platform;
  const find = async (id: string, principal: Caller): Promise<ApiKeyInfo> => {
    const key = await apiKeys.get(id);
    const visible = key && (key.tenant === null ? tenantsOf(principal) === null : canSee(principal, key.tenant));
    return visible ? key : notFound(`key ${id}`);
  };
  return [
    endpoint({
      method: 'GET',
      path: '/keys',
      scope: 'keys:read',
      summary: 'API keys: what they may do, when they were last used; never their secrets',
      query: z.object({ tenant: tenantField, revoked: z.stringbool().default(false).describe('Also revoked ones.') }),
      handle: async ({ query, principal }) => ({
        keys: await apiKeys.list({ tenant: tenantFor(principal, query.tenant), revoked: query.revoked }),
      }),
    }),
    endpoint({
      method: 'POST',
      path: '/keys',
      scope: 'keys:write',
      action: 'key.create',
      summary: 'Makes an API key and shows its secret, this once; it can do no more than who makes it',
      body: z.strictObject({
        name: nameSchema,
        tenant: nameSchema.optional().describe('Left out, the key is for every tenant.'),
        scopes: z.array(scopeSchema).min(1),
        expiresAt: expiryField,
        description: z.string().max(500).optional(),
      }),
      handle: async ({ body, principal, note }) => {
        const tenant = body.tenant === undefined ? ownTenant(principal) : body.tenant;
        note({ tenant, target: `key/${body.name}`, details: { scopes: body.scopes, expiresAt: body.expiresAt } });
        requireCover(principal, { tenant, scopes: ['keys:write', ...body.scopes] }, `make the key ${body.name}`);
        if (tenant !== null && !(await platform.resources.find('Tenant', tenant, tenant))) notFound(`tenant ${tenant}`);
        const expiresAt = body.expiresAt ? new Date(body.expiresAt) : undefined;
        const made = await apiKeys.create({ ...body, tenant, expiresAt, createdBy: principal.actor });
        return { ...made, name: body.name, tenant };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/keys/{id}/rotate',
      scope: 'keys:write',
      action: 'key.rotate',
      summary: 'Gives a key a new secret, shown this once; the one before works on for a while',
      params: idParams,
      body: z.strictObject({
        overlap: durationSchema
          .default(86_400_000)
          .describe('How long the secret before still works; `0s`: not at all.'),
        expiresAt: expiryField.describe('A new end; left out, it stays.'),
      }),
      handle: async ({ params, body, principal, note }) => {
        const key = await find(params.id, principal);
        const { id, name, tenant, scopes } = key;
        note({ tenant, target: `key/${name}`, details: { id, overlapMs: body.overlap } });
        // Whoever rotates a key has its secret afterwards.
        requireCover(principal, { tenant, scopes }, `rotate the key ${name}`);
        const expiresAt = body.expiresAt ? new Date(body.expiresAt) : undefined;
        const token = await apiKeys.rotate(id, { overlapMs: body.overlap, expiresAt });
        if (!token) return notFound(`key ${id} that is not revoked`);
        const { previousUntil } = (await apiKeys.get(id))!;
        return { id, name, tenant, token, previousUntil };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/keys/{id}',
      scope: 'keys:write',
      action: 'key.revoke',
      summary: 'Revokes a key for good, with the secret before it',
      params: idParams,
      handle: async ({ params, principal, note }) => {
        const { id, name, tenant } = await find(params.id, principal);
        note({ tenant, target: `key/${name}`, details: { id } });
        if (!(await apiKeys.revoke(id))) return notFound(`key ${id} that is not revoked`);
        return { id, name };
      },
    }),
  ];
}

/** Who has one tenant only means that one. */
function ownTenant(principal: Caller): string | null {
  return principal.grants.some(({ tenant }) => tenant === null) ? null : (tenantFor(principal) ?? null);
}
