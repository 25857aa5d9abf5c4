import type { ApiKeySpec, Resource, ResourceKind, SecretRef } from '@spillway/contracts';
import { BadRequestError } from '@spillway/contracts';
import { asPlatform, type Schema, sendSignal } from '@spillway/persistence';
import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import { type ApiKeys } from './api-keys';
import { type Change, diff } from './diff';
import type { Sealer } from './sealer';

/** A resource as it is kept: secrets are fingerprints. */
export interface StoredResource {
  kind: ResourceKind;
  tenant: string;
  name: string;
  spec: Record<string, unknown>;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface AppliedResource {
  kind: ResourceKind;
  tenant: string;
  name: string;
  action: 'created' | 'updated' | 'unchanged';
  changes: Change[];
  /** The key itself, when an ApiKey was made: shown this once. */
  token?: string;
}

export interface ApplyOptions {
  /** Only tells what would change. */
  dryRun?: boolean;
  /** Who applies; kept with the keys that are made. */
  by?: string;
}

export interface ResourceFilter {
  kind?: ResourceKind;
  tenant?: string;
}

/** What tenants configured: the documents of `spillway apply`, their secrets sealed. */
export class Resources {
  constructor(
    private readonly db: Kysely<Schema>,
    private readonly pool: Pool,
    private readonly sealer: Sealer,
    private readonly keys: ApiKeys,
  ) {}

  async list(filter: ResourceFilter = {}): Promise<StoredResource[]> {
    let query = this.db.selectFrom('resources').selectAll().orderBy('tenant').orderBy('kind').orderBy('name');
    if (filter.kind) query = query.where('kind', '=', filter.kind);
    if (filter.tenant) query = query.where('tenant', '=', filter.tenant);
    return (await query.execute()).map(toStored);
  }

  async find(kind: ResourceKind, tenant: string, name: string): Promise<StoredResource | undefined> {
    return (await this.row(kind, tenant, name))?.stored;
  }

  /** The resources of these kinds with their secrets opened, for the processes that use them. */
  async listOpened(tenant?: string): Promise<{ stored: StoredResource; secrets: Record<string, string> }[]> {
    let query = this.db.selectFrom('resources').selectAll();
    if (tenant) query = query.where('tenant', '=', tenant);
    const rows = await query.execute();
    return rows.map((row) => ({ stored: toStored(row), secrets: this.open(row) }));
  }

  /**
   * Brings the platform to what the documents say. Applying the same twice changes nothing.
   *
   * @param resources secrets given as values: references are the reader's business
   * @throws BadRequestError `tenant-unknown`, `plan-unknown`
   */
  async apply(resources: Resource[], options: ApplyOptions = {}): Promise<AppliedResource[]> {
    const applied: AppliedResource[] = [];
    // Plans and tenants first: the others belong to one.
    const ordered = [...resources].sort((a, b) => rank(a) - rank(b));
    await this.mustBeKnown(ordered);
    for (const resource of ordered) {
      const tenant = tenantOf(resource);
      applied.push(
        resource.kind === 'ApiKey'
          ? await this.applyKey(resource.metadata, resource.spec, options)
          : await this.applyOne(resource, tenant, options.dryRun),
      );
    }
    if (!options.dryRun) await this.announce(applied);
    return applied;
  }

  /** @throws BadRequestError `tenant-unknown`, `plan-unknown` */
  private async mustBeKnown(resources: Resource[]): Promise<void> {
    const given = new Set(resources.map(({ kind, metadata: { name } }) => `${kind} ${name}`));
    for (const resource of resources) {
      const { kind, metadata, spec } = resource;
      const tenant = tenantOf(resource);
      const isOwn = kind === 'Plan' || given.has(`Tenant ${tenant}`);
      if (!isOwn && !(await this.find('Tenant', tenant, tenant))) {
        throw new BadRequestError(`${kind} ${metadata.name}: there is no tenant "${tenant}"`, {
          code: 'tenant-unknown',
          remedy: 'Apply a document of kind Tenant with that name first, or together with this one.',
        });
      }
      const plan = kind === 'Tenant' ? spec.plan : undefined;
      if (plan !== undefined && !given.has(`Plan ${plan}`) && !(await this.findPlan(plan))) {
        throw new BadRequestError(`Tenant ${tenant}: there is no plan "${plan}"`, {
          code: 'plan-unknown',
          remedy: 'Apply a document of kind Plan with that name first, or together with this one.',
        });
      }
    }
  }

  private findPlan(name: string): Promise<StoredResource | undefined> {
    return asPlatform('plans', () => this.find('Plan', PLATFORM, name));
  }

  /**
   * @returns whether there was one
   * @throws BadRequestError 409 `plan-in-use`
   */
  async remove(kind: ResourceKind, tenant: string, name: string): Promise<boolean> {
    if (kind === 'Plan') await this.mustBeUnused(name);
    let query = this.db.deleteFrom('resources').where('tenant', '=', tenant);
    // A tenant takes all it configured with it; its events stay until their time is over.
    if (kind !== 'Tenant') query = query.where('kind', '=', kind).where('name', '=', name);
    const { numDeletedRows } = await query.executeTakeFirst();
    // Nor shall a later tenant of that name be open to the people of this one.
    if (kind === 'Tenant') await this.db.deleteFrom('user_roles').where('tenant', '=', tenant).execute();
    if (kind === 'Tenant' || kind === 'ApiKey') await this.revokeKeys(tenant, kind === 'ApiKey' ? name : undefined);
    await sendSignal(this.pool, { kind: 'resources-changed', tenant });
    return numDeletedRows > 0n;
  }

  private async mustBeUnused(plan: string): Promise<void> {
    const [user] = (await this.list({ kind: 'Tenant' })).filter(({ spec }) => spec['plan'] === plan);
    if (!user) return;
    throw new BadRequestError(`the plan "${plan}" is used, by the tenant "${user.name}" for one`, {
      code: 'plan-in-use',
      status: 409,
      remedy: 'Give its tenants another plan first.',
    });
  }

  private async applyOne(
    resource: Exclude<Resource, { kind: 'ApiKey' }>,
    tenant: string,
    dryRun?: boolean,
  ): Promise<AppliedResource> {
    const { kind, metadata } = resource;
    const known = await this.row(kind, tenant, metadata.name);
    const { spec, secrets } = this.withoutSecrets(resource);
    const changes = diff(known?.stored.spec ?? {}, spec);
    const base = { kind, tenant, name: metadata.name, changes };
    if (kind === 'Flow' && known && changes.length > 0) refuseSameVersion(metadata.name, known.stored.spec, spec);
    if (known && changes.length === 0) return { ...base, action: 'unchanged' };
    if (!dryRun) {
      const sealed = Object.fromEntries(
        Object.entries(secrets).map(([name, value]) => [
          name,
          this.sealer.seal(value, secretPlace(kind, tenant, metadata.name, name)),
        ]),
      );
      const values = { spec: JSON.stringify(spec), sealed: JSON.stringify(sealed) };
      await this.db
        .insertInto('resources')
        .values({ kind, tenant, name: metadata.name, version: 1, ...values })
        .onConflict((conflict) =>
          conflict.columns(['tenant', 'kind', 'name']).doUpdateSet((eb) => ({
            ...values,
            version: eb('resources.version', '+', 1),
            updated_at: new Date(),
          })),
        )
        .execute();
    }
    return { ...base, action: known ? 'updated' : 'created' };
  }

  /** A key is made once; a changed document changes what it may do, a changed secret rotates it. */
  private async applyKey(
    metadata: { name: string; tenant: string },
    spec: ApiKeySpec,
    { dryRun, by }: ApplyOptions,
  ): Promise<AppliedResource> {
    const { name, tenant } = metadata;
    const known = await this.row('ApiKey', tenant, name);
    const given = spec.secret && valueOf(spec.secret);
    const shown = { ...spec, ...(given && { secret: { fingerprint: this.sealer.fingerprint(given) } }) };
    const changes = diff(known?.stored.spec ?? {}, shown);
    const base = { kind: 'ApiKey' as const, tenant, name, changes };
    if (known && changes.length === 0) return { ...base, action: 'unchanged' };
    if (dryRun) return { ...base, action: known ? 'updated' : 'created' };
    const { scopes, description } = spec;
    const to = { scopes, description, expiresAt: spec.expiresAt ? new Date(spec.expiresAt) : undefined };
    const key = await this.keys.named(tenant, name);
    let token: string | undefined;
    if (!key) ({ token } = await this.keys.create({ tenant, name, ...to, createdBy: by }, given));
    else {
      await this.keys.change(key.id, to);
      if (given) await this.keys.rotate(key.id, { overlapMs: spec.overlap, token: given });
    }
    await this.db
      .insertInto('resources')
      .values({ kind: 'ApiKey', tenant, name, spec: JSON.stringify(shown), sealed: '{}', version: 1 })
      .onConflict((conflict) =>
        conflict.columns(['tenant', 'kind', 'name']).doUpdateSet((eb) => ({
          spec: JSON.stringify(shown),
          version: eb('resources.version', '+', 1),
          updated_at: new Date(),
        })),
      )
      .execute();
    return { ...base, action: known ? 'updated' : 'created', ...(token && !given && { token }) };
  }

  private async revokeKeys(tenant: string, name?: string): Promise<void> {
    for (const key of await this.keys.list({ tenant })) {
      if (name === undefined || key.name === name) await this.keys.revoke(key.id);
    }
  }

  private async announce(applied: AppliedResource[]): Promise<void> {
    const changed = new Set(applied.filter((one) => one.action !== 'unchanged').map((one) => one.tenant));
    for (const tenant of changed) await sendSignal(this.pool, { kind: 'resources-changed', tenant });
  }

  private withoutSecrets(resource: Exclude<Resource, { kind: 'ApiKey' }>) {
    const secrets: Record<string, string> = {};
    const keep = (name: string, ref: SecretRef) => {
      secrets[name] = valueOf(ref);
      return { fingerprint: this.sealer.fingerprint(secrets[name]) };
    };
    let spec: Record<string, unknown> = { ...resource.spec };
    if (resource.kind === 'Source') {
      spec = { ...spec, secrets: resource.spec.secrets.map((ref, index) => keep(String(index), ref)) };
    } else if (resource.kind === 'Tenant') {
      const given = Object.entries(resource.spec.secrets);
      spec = { ...spec, secrets: Object.fromEntries(given.map(([name, ref]) => [name, keep(name, ref)])) };
    }
    return { spec, secrets };
  }

  private async row(kind: ResourceKind, tenant: string, name: string) {
    const row = await this.db
      .selectFrom('resources')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('kind', '=', kind)
      .where('name', '=', name)
      .executeTakeFirst();
    return row && { row, stored: toStored(row) };
  }

  private open(row: Row): Record<string, string> {
    return Object.fromEntries(
      Object.entries(row.sealed).map(([name, sealed]) => [
        name,
        this.sealer.open(sealed, secretPlace(row.kind, row.tenant, row.name, name)),
      ]),
    );
  }
}

interface Row {
  kind: string;
  tenant: string;
  name: string;
  spec: unknown;
  sealed: Record<string, string>;
  version: number;
  created_at: Date;
  updated_at: Date;
}

/**
 * A version that is published stays what it is. A flow without a version of its own has none to keep.
 *
 * @throws BadRequestError 409 `flow-published`
 */
function refuseSameVersion(name: string, before: Record<string, unknown>, after: Record<string, unknown>): void {
  const versionOf = (spec: Record<string, unknown>) => (spec['document'] as { version?: string } | undefined)?.version;
  const version = versionOf(after);
  if (version === undefined || version !== versionOf(before)) return;
  throw new BadRequestError(`version ${version} of the flow "${name}" is published and cannot change`, {
    code: 'flow-published',
    status: 409,
    remedy: 'Give it a higher document.version; runs that began stay on the one they have.',
  });
}

function toStored(row: Row | (Omit<Row, 'sealed'> & { sealed: unknown })): StoredResource {
  return {
    kind: row.kind as ResourceKind,
    tenant: row.tenant,
    name: row.name,
    spec: row.spec as Record<string, unknown>,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Stands for the tenant of what belongs to the platform. No tenant can have this name. */
export const PLATFORM = '*';

function rank({ kind }: Resource): number {
  return kind === 'Plan' ? 0 : kind === 'Tenant' ? 1 : 2;
}

/** A tenant's own name, or the tenant a resource belongs to. */
export function tenantOf(resource: Resource): string {
  if (resource.kind === 'Plan') return PLATFORM;
  return resource.kind === 'Tenant' ? resource.metadata.name : resource.metadata.tenant;
}

export function secretPlace(kind: string, tenant: string, name: string, secret: string): string {
  return `${kind}/${tenant}/${name}/${secret}`;
}

/** References are resolved where the document is read; what arrives otherwise is a mistake of the sender. */
function valueOf(ref: SecretRef): string {
  if ('value' in ref) return ref.value;
  throw new BadRequestError('a secret arrived as a reference to an environment variable or a file', {
    code: 'secret-unresolved',
    remedy: 'Send {"value": …}; `spillway apply` does that for you.',
  });
}
