import type { OidcConfig, RoleRule } from '@spillway/config';
import { BadRequestError, nameSchema } from '@spillway/contracts';
import type { UserRole } from './principal';
import type { RoleIn } from './users';

export type Claims = Record<string, unknown>;

const STRENGTH: Record<UserRole, number> = { viewer: 1, operator: 2, admin: 3 };

/**
 * What an OpenID provider's claims come to here.
 *
 * @throws BadRequestError `login-refused` (403) for another domain, and for nobody's name
 */
export function admit(config: OidcConfig, claims: Claims): { name: string; roles: Omit<RoleIn, 'mapped'>[] } {
  if (config.domains.length > 0 && !config.domains.includes(domainOf(claims))) {
    throw refused('your address is not of a domain that may log in here, or the provider has not verified it');
  }
  const name = nameOf(config, claims);
  const roles = rolesOf(config.roles, claims);
  return { name, roles };
}

/** For each tenant the strongest role that a rule gives. */
export function rolesOf(rules: RoleRule[], claims: Claims): Omit<RoleIn, 'mapped'>[] {
  const found = new Map<string | null, UserRole>();
  for (const { claim, has, role, tenant } of rules) {
    for (const value of valuesOf(claims, claim)) {
      const rest = match(has, value);
      if (rest === undefined) continue;
      const where = tenant === undefined ? null : tenant.replace('*', rest);
      if (where !== null && !nameSchema.safeParse(where).success) continue;
      const known = found.get(where);
      if (!known || STRENGTH[known] < STRENGTH[role]) found.set(where, role);
    }
  }
  return [...found].map(([tenant, role]) => ({ tenant, role }));
}

/** @returns what `*` stood for, which is '' without one; undefined when it does not match */
export function match(pattern: string, value: string): string | undefined {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === value ? '' : undefined;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  const fits = value.length >= head.length + tail.length && value.startsWith(head) && value.endsWith(tail);
  return fits ? value.slice(head.length, value.length - tail.length) : undefined;
}

/** An address that the provider has not verified is what somebody typed in: nothing is given for it. */
function valuesOf(claims: Claims, claim: string): string[] {
  if (claim === 'email' && claims['email_verified'] !== true) return [];
  const value = claims[claim];
  return (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string');
}

function domainOf(claims: Claims): string {
  const [email = ''] = valuesOf(claims, 'email');
  return email.slice(email.lastIndexOf('@') + 1).toLowerCase();
}

/** An unverified address cannot be a name either: it would be somebody else's in the audit log. */
function nameOf({ userClaim }: OidcConfig, claims: Claims): string {
  const [given] = valuesOf(claims, userClaim);
  const [subject = ''] = valuesOf(claims, 'sub');
  const name = (given ?? subject).normalize('NFKC').toLowerCase();
  if (/^[^\s/\p{C}]{1,100}$/u.test(name)) return name;
  throw refused(`the claim "${userClaim}" is no name of a user`);
}

function refused(message: string): BadRequestError {
  return new BadRequestError(message, { code: 'login-refused', status: 403 });
}
