import { isDeepStrictEqual } from 'node:util';
import {
  BadRequestError,
  nameSchema,
  OPERATOR_FIELDS,
  RESOURCE_KINDS,
  resourceSchema,
  type TenantSpec,
} from '@spillway/contracts';
import { embedded, lintResource, type Platform } from '@spillway/runtime';
import { PLATFORM, type Resources, tenantOf } from '@spillway/tenancy';
import { z } from 'zod';
import { type Caller, canSee, requireCover, requirePlatform, tenantFor, tenantsOf } from '../access/principal';
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
      action: 'resource.apply',
      body: z.strictObject({
        documents: z.array(resourceSchema).min(1).max(1_000),
        dryRun: z.boolean().default(false).describe('Only tells what would change.'),
      }),
      handle: async ({ body, principal, note }) => {
        for (const document of body.documents) {
          mayApply(document, principal);
          if (document.kind === 'Tenant')
            await keepOperatorFields(document.spec, document.metadata.name, principal, platform);
        }
        await embed(body.documents, platform);
        lint(body.documents);
        const applied = await platform.resources.apply(body.documents, { dryRun: body.dryRun, by: principal.actor });
        if (body.dryRun) note({ details: { dryRun: true } });
        else {
          await platform.directory.refresh();
          for (const one of applied.filter(({ action }) => action !== 'unchanged')) {
            const { kind, tenant, name, action, changes } = one;
            const details = { action, paths: changes.map((change) => change.path) };
            note({ tenant, target: `${kind}/${name}`, details });
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
      handle: async ({ principal }) => {
        const own = tenantsOf(principal);
        const tenants = await platform.resources.list({ kind: 'Tenant' });
        return { tenants: own ? tenants.filter(({ name }) => own.includes(name)) : tenants };
      },
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
      action: 'resource.remove',
      summary: 'Removes a resource; a tenant takes all it configured with it, its events stay',
      params,
      handle: async ({ params: { kind, tenant, name }, principal, note }) => {
        if (!canSee(principal, tenant)) return notFound(`${kind} ${name}`);
        if (kind === 'Tenant') requirePlatform(principal);
        const removed = await platform.resources.remove(kind, tenant, name);
        if (!removed) return notFound(`${kind} ${name} of tenant ${tenant}`);
        await platform.directory.refresh();
        note({ tenant, target: `${kind}/${name}` });
        return { kind, tenant, name };
      },
    }),
  ];
}

/** Who configures a tenant cannot make or remove tenants, and cannot give a key more than they have. */
function mayApply(document: z.infer<typeof resourceSchema>, principal: Caller): void {
  const { kind, metadata } = document;
  const tenant = tenantOf(document);
  const tenants = tenantsOf(principal);
  if (tenants && !tenants.includes(tenant)) {
    throw new BadRequestError(`${principal.actor} may not apply ${kind} ${metadata.name}`, {
      code: 'forbidden',
      status: 403,
    });
  }
  if (document.kind === 'ApiKey') {
    requireCover(principal, { tenant, scopes: document.spec.scopes }, `apply ApiKey ${metadata.name}`);
  }
}

/**
 * What a tenant may use is not its own to set: its documents may say what holds already, or nothing.
 *
 * @throws BadRequestError `forbidden` (403) that names the field
 */
async function keepOperatorFields(
  spec: TenantSpec,
  tenant: string,
  principal: Caller,
  { resources }: { resources: Resources },
): Promise<void> {
  if (tenantsOf(principal) === null) return;
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

/**
 * Brings what flows refer to on the web into them: "spillway apply" has done so, and whoever posts a flow as it is gets
 * the same.
 *
 * @throws BadRequestError `resource-invalid`
 */
async function embed(documents: z.infer<typeof resourceSchema>[], platform: Platform): Promise<void> {
  const signal = AbortSignal.timeout(EMBED_MS);
  const errors: { path: string; message: string }[] = [];
  for (const [index, document] of documents.entries()) {
    if (document.kind !== 'Flow') continue;
    const { tenant, name } = document.metadata;
    const own = documents.find((one) => one.kind === 'Tenant' && one.metadata.name === tenant);
    const egressAllow =
      own?.kind === 'Tenant' ? (own.spec.egress?.allow ?? []) : (platform.directory.tenant(tenant)?.egressAllow ?? []);
    const { spec, problems } = await embedded(platform, { tenant, name, spec: document.spec, egressAllow, signal });
    document.spec = spec;
    for (const { path, message } of problems)
      errors.push({ path: `documents.${index}.${path}`, message: `Flow ${name}: ${message}` });
  }
  refuse(errors);
}

/** Of all documents of a request together. */
const EMBED_MS = 20_000;

/** @throws BadRequestError `resource-invalid` that names document and field */
function lint(documents: z.infer<typeof resourceSchema>[]): void {
  const errors = documents.flatMap((document, index) =>
    lintResource(document).map(({ path, message }) => ({
      path: `documents.${index}.${path}`,
      message: `${document.kind} ${document.metadata.name}: ${message}`,
    })),
  );
  refuse(errors);
}

function refuse(errors: { path: string; message: string }[]): void {
  if (errors.length === 0) return;
  throw new BadRequestError(errors[0]!.message, { code: 'resource-invalid', details: { errors } });
}
