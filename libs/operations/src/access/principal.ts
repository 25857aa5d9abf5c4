import { BadRequestError, type Scope } from '@spillway/contracts';

export const USER_ROLES = ['viewer', 'operator', 'admin'] as const;
export type UserRole = (typeof USER_ROLES)[number];

/** What somebody may do, and where. */
export interface Grant {
  /** Null: every tenant. */
  tenant: string | null;
  scopes: readonly Scope[];
}

/** Who asks: an API key or a person. */
export interface Principal {
  kind: 'key' | 'user';
  /** For the audit log: `key:ci`, `user:ana`. */
  actor: string;
  /** The key's id; a person's name is theirs alone. */
  actorId?: string;
  grants: readonly Grant[];
  /** The session of a person, to tell it from their others. */
  session?: string;
}

/** Who asks, and by which right: what {@link tenantFor} and {@link canSee} go by. */
export interface Caller extends Principal {
  /** Null: being known is enough. */
  needs: Scope | null;
}

const READ: readonly Scope[] = [
  'events:read',
  'jobs:read',
  'dead-letters:read',
  'quarantine:read',
  'resources:read',
  'audit:read',
];

/** What a person may do. */
export const SCOPES_OF_ROLE: Record<UserRole, readonly Scope[]> = {
  viewer: READ,
  operator: [
    ...READ,
    'payloads:read',
    'jobs:write',
    'dead-letters:write',
    'quarantine:write',
    'queues:write',
    'sources:sign',
    'keys:read',
  ],
  admin: ['*'],
};

/** Whether somebody has a right in a tenant; null asks for every tenant. */
export function may({ grants }: Pick<Principal, 'grants'>, scope: Scope, tenant: string | null): boolean {
  return grants.some((grant) => (grant.tenant === null || grant.tenant === tenant) && allowsScope(grant, scope));
}

function allowsScope({ scopes }: Grant, scope: Scope): boolean {
  return scopes.includes('*') || scopes.includes(scope);
}

/** Whether somebody has all of these rights: nobody can give more than they have. */
export function covers(principal: Pick<Principal, 'grants'>, { tenant, scopes }: Grant): boolean {
  return scopes.every((scope) => may(principal, scope, tenant));
}

/** @throws BadRequestError `forbidden` (403) that names the scope */
export function requireScope(principal: Principal, scope: Scope): void {
  if (principal.grants.some((grant) => allowsScope(grant, scope))) return;
  throw lacking(principal, scope);
}

/** @throws BadRequestError `forbidden` (403) that names the scope */
export function requireRight(principal: Principal, scope: Scope, tenant: string | null): void {
  if (!may(principal, scope, tenant)) throw lacking(principal, scope);
}

/** @throws BadRequestError `forbidden` (403) */
export function requireCover(principal: Principal, grant: Grant, what: string): void {
  if (covers(principal, grant)) return;
  const lacks = grant.scopes.filter((scope) => !may(principal, scope, grant.tenant));
  const where = grant.tenant === null ? 'for all tenants' : `in ${grant.tenant}`;
  throw new BadRequestError(`${principal.actor} may not ${what}: it would give ${lacks.join(', ')} ${where}`, {
    code: 'forbidden',
    status: 403,
    remedy: 'Nobody can give more than they have; ask somebody who has it.',
  });
}

/**
 * The tenant a list is restricted to: the one asked for, or the only one that the caller may see; undefined is all.
 *
 * @throws BadRequestError `forbidden` (403) for a tenant of others, `tenant-missing` when there are several of one's own
 */
export function tenantFor(caller: Caller, asked?: string): string | undefined {
  const tenants = tenantsOf(caller);
  if (tenants === null) return asked;
  if (asked === undefined) {
    if (tenants.length === 1) return tenants[0];
    throw new BadRequestError(`${caller.actor} may do this in several tenants: name one`, {
      code: 'tenant-missing',
      remedy: `Add "tenant": ${tenants.join(' or ')}.`,
    });
  }
  if (tenants.includes(asked)) return asked;
  if (caller.grants.some(({ tenant }) => tenant === asked)) throw lacking(caller, caller.needs!);
  throw new BadRequestError(`${caller.actor} belongs to another tenant`, { code: 'forbidden', status: 403 });
}

/** Where the caller may do what it asks for; null is everywhere. */
export function tenantsOf({ grants, needs }: Caller): string[] | null {
  const fitting = needs === null ? grants : grants.filter((grant) => allowsScope(grant, needs));
  if (fitting.some(({ tenant }) => tenant === null)) return null;
  return [...new Set(fitting.map(({ tenant }) => tenant!))];
}

/**
 * The tenants whose rows PostgreSQL lets the caller's queries reach; null is all. By all rights and not by the one that is
 * needed now, so that who sees a tenant is told which right is missing.
 */
export function rowsOf({ grants }: Pick<Principal, 'grants'>): string[] | null {
  const tenants = grants.map(({ tenant }) => tenant);
  return tenants.includes(null) ? null : [...new Set(tenants as string[])];
}

/**
 * What a caller may not see is not there for it.
 *
 * @throws BadRequestError `forbidden` (403) for who may see the tenant, but not do this in it
 */
export function canSee(caller: Caller, tenant: string): boolean {
  const tenants = tenantsOf(caller);
  if (tenants === null || tenants.includes(tenant)) return true;
  if (caller.grants.some((grant) => grant.tenant === null || grant.tenant === tenant))
    throw lacking(caller, caller.needs!);
  return false;
}

/** @throws BadRequestError `forbidden` (403) for things that belong to no tenant */
export function requirePlatform(caller: Caller): void {
  if (tenantsOf(caller) === null) return;
  throw new BadRequestError('this concerns every tenant: use a key of the platform', {
    code: 'forbidden',
    status: 403,
    remedy: 'People need a role for all tenants.',
  });
}

function lacking(principal: Principal, scope: Scope): BadRequestError {
  return new BadRequestError(`${principal.actor} may not do this: it needs the scope ${scope}`, {
    code: 'forbidden',
    status: 403,
  });
}
