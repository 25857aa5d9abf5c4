import { isDeepStrictEqual } from 'node:util';
import {
  BadRequestError,
  nameSchema,
  OPERATOR_FIELDS,
  RESOURCE_KINDS,
  resourceSchema,
  type TenantSpec,
} from '@spillway/contracts';
import { lintResource, type Platform } from '@spillway/runtime';
import { PLATFORM, type Resources, tenantOf } from '@spillway/tenancy';
import { z } from 'zod';
import { canSee, type Principal, requirePlatform, tenantFor } from '../access/principal';
import { endpoint, type Endpoint, notFound } from './endpoint';
import { tenantField } from './fields';

const kindSchema = z.enum(RESOURCE_KINDS as [string, ...string[]]) as unknown as z.ZodType<
  (typeof RESOURCE_KINDS)[number]
>;
const owner = z.union([nameSchema, z.literal(PLATFORM)]).describe('`*` for a Plan.');
const params = z.object({ kind: kindSchema, tenant: owner, name: nameSchema });

export function resourceEndpoints(platform: Platform): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/apply',
      scope: 'resources:write',
      summary: 'Brings the platform to what the documents say',
      body: z.strictObject({
        documents: z.array(resourceSchema).min(1).max(1_000),
        dryRun: z.boolean().default(false).describe('Only tells what would change.'),
      }),
      handle: async ({ body, principal, address }) => {
        for (const document of body.documents) {
          mayApply(document, principal);
          if (document.kind === 'Tenant')
            await keepOperatorFields(document.spec, document.metadata.name, principal, platform);
        }
        lint(body.documents);
        const applied = await platform.resources.apply(body.documents, { dryRun: body.dryRun });
        if (!body.dryRun) {
          await platform.directory.refresh();
          for (const one of applied.filter(({ action }) => action !== 'unchanged')) {
            const { kind, tenant, name, action, changes } = one;
            const details = { action, paths: changes.map((change) => change.path) };
            await platform.audit.record({
              actor: principal.actor,
              action: 'resource.apply',
              tenant,
              target: `${kind}/${name}`,
              details,
              address,
            });
          }
        }
        return { applied };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/resources',
      scope: 'resources:read',
      summary: 'What is configured; secrets are fingerprints',
      query: z.object({ kind: kindSchema.optional(), tenant: tenantField }),
      handle: async ({ query, principal }) => ({
        resources: await platform.resources.list({ kind: query.kind, tenant: tenantFor(principal, query.tenant) }),
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/tenants',
      scope: 'resources:read',
      summary: 'Tenants',
      handle: async ({ principal }) => ({
        tenants: await platform.resources.list({ kind: 'Tenant', tenant: tenantFor(principal) }),
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/sources',
      scope: 'resources:read',
      summary: 'Sources, with the path webhooks go to',
      query: z.object({ tenant: tenantField }),
      handle: async ({ query, principal }) => {
        const sources = await platform.resources.list({ kind: 'Source', tenant: tenantFor(principal, query.tenant) });
        return { sources: sources.map((one) => ({ ...one, path: `/v1/in/${one.tenant}/${one.name}` })) };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/resources/{kind}/{tenant}/{name}',
      scope: 'resources:write',
      summary: 'Removes a resource; a tenant takes all it configured with it, its events stay',
      params,
      handle: async ({ params: { kind, tenant, name }, principal, address }) => {
        if (!canSee(principal, tenant)) return notFound(`${kind} ${name}`);
        if (kind === 'Tenant') requirePlatform(principal);
        const removed = await platform.resources.remove(kind, tenant, name);
        if (!removed) return notFound(`${kind} ${name} of tenant ${tenant}`);
        await platform.directory.refresh();
        await platform.audit.record({
          actor: principal.actor,
          action: 'resource.remove',
          tenant,
          target: `${kind}/${name}`,
          address,
        });
        return { kind, tenant, name };
      },
    }),
  ];
}

/** A tenant's key configures its tenant, and cannot give a key more than it has. */
function mayApply(document: z.infer<typeof resourceSchema>, principal: Principal): void {
  if (principal.tenant === null) return;
  const own = tenantOf(document) === principal.tenant;
  const tooMuch =
    document.kind === 'ApiKey' &&
    document.spec.scopes.some((scope) => !principal.scopes.includes('*') && !principal.scopes.includes(scope));
  if (own && !tooMuch) return;
  throw new BadRequestError(`${principal.actor} may not apply ${document.kind} ${document.metadata.name}`, {
    code: 'forbidden',
    status: 403,
    ...(tooMuch && { remedy: 'A key can only be given scopes that the applying key has.' }),
  });
}

/**
 * What a tenant may use is not its own to set: its documents may say what holds already, or nothing.
 *
 * @throws BadRequestError `forbidden` (403) that names the field
 */
async function keepOperatorFields(
  spec: TenantSpec,
  tenant: string,
  principal: Principal,
  { resources }: { resources: Resources },
): Promise<void> {
  if (principal.tenant === null) return;
  const known = (await resources.find('Tenant', tenant, tenant))?.spec ?? {};
  for (const field of OPERATOR_FIELDS) {
    if (spec[field] !== undefined && !isDeepStrictEqual(spec[field], known[field])) {
      throw new BadRequestError(`${principal.actor} may not set "${field}" of the tenant "${tenant}"`, {
        code: 'forbidden',
        status: 403,
        remedy: 'Leave the field out, or ask the people who run this installation.',
      });
    }
    if (known[field] !== undefined) Object.assign(spec, { [field]: known[field] });
  }
}

/** @throws BadRequestError `resource-invalid` that names document and field */
function lint(documents: z.infer<typeof resourceSchema>[]): void {
  const errors = documents.flatMap((document, index) =>
    lintResource(document).map(({ path, message }) => ({
      path: `documents.${index}.${path}`,
      message: `${document.kind} ${document.metadata.name}: ${message}`,
    })),
  );
  if (errors.length === 0) return;
  throw new BadRequestError(errors[0]!.message, { code: 'resource-invalid', details: { errors } });
}
