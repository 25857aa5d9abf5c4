import { BadRequestError, type Scope } from '@spillway/contracts';

export type UserRole = 'viewer' | 'operator' | 'admin';

/** Who asks: an API key or a person. */
export interface Principal {
  /** For the audit log: `key:ci`, `user:ana`. */
  actor: string;
  /** Null: may see every tenant. */
  tenant: string | null;
  scopes: readonly Scope[];
  role?: UserRole;
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
  operator: [...READ, 'jobs:write', 'dead-letters:write', 'quarantine:write', 'queues:write', 'sources:sign'],
  admin: ['*'],
};

/** @throws BadRequestError `forbidden` (403) that names the scope */
export function requireScope(principal: Principal, scope: Scope): void {
  if (principal.scopes.includes('*') || principal.scopes.includes(scope)) return;
  throw new BadRequestError(`${principal.actor} may not do this: it needs the scope ${scope}`, {
    code: 'forbidden',
    status: 403,
  });
}

/**
 * The tenant a list is restricted to: the principal's own, or the one asked for.
 *
 * @throws BadRequestError `forbidden` (403) when another tenant's things are asked for
 */
export function tenantFor(principal: Principal, asked?: string): string | undefined {
  if (principal.tenant === null) return asked;
  if (asked === undefined || asked === principal.tenant) return principal.tenant;
  throw new BadRequestError(`${principal.actor} belongs to another tenant`, { code: 'forbidden', status: 403 });
}

/** What a principal may not see is not there for it. */
export function canSee(principal: Principal, tenant: string): boolean {
  return principal.tenant === null || principal.tenant === tenant;
}

/** @throws BadRequestError `forbidden` (403) for things that belong to no tenant */
export function requirePlatform(principal: Principal): void {
  if (principal.tenant === null) return;
  throw new BadRequestError('this concerns every tenant: use a key of the platform', {
    code: 'forbidden',
    status: 403,
  });
}
