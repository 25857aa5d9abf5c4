import { BadRequestError, nameSchema } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import { z } from 'zod';
import {
  type Caller,
  may,
  requireCover,
  requirePlatform,
  SCOPES_OF_ROLE,
  tenantsOf,
  USER_ROLES,
  type UserRole,
} from '../access/principal';
import type { Sessions } from '../access/sessions';
import { grantsOf, type UserInfo, type Users } from '../access/users';
import { endpoint, type Endpoint, notFound } from './endpoint';

const userName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\s/\p{C}]+$/u, 'must be one word');
const userParams = z.object({ name: userName });
/** `*` is every tenant. */
const tenantParam = z.union([z.literal('*'), nameSchema]);
const roleParams = userParams.extend({ tenant: tenantParam });
const roleSchema = z.enum(USER_ROLES);
const passwordField = z.string().max(1_000);

/** People who may log in, and what they may do. */
export function peopleEndpoints(platform: Platform, users: Users, sessions: Sessions): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/users',
      scope: 'users:read',
      summary: 'People who may log in, with their roles; of a tenant, those that have one in it',
      handle: async ({ principal }) => ({ users: (await users.list()).flatMap((user) => visible(user, principal)) }),
    }),
    endpoint({
      method: 'PUT',
      path: '/users/{name}',
      scope: 'users:write',
      action: 'user.set',
      summary: 'Makes a user, or changes role and password; a new password ends their sessions',
      params: userParams,
      body: z.strictObject({
        password: passwordField.optional().describe('Left out for who logs in with OpenID Connect.'),
        role: roleSchema.optional(),
        tenant: nameSchema.optional().describe('Where `role` holds; everywhere, if left out.'),
      }),
      handle: async ({ params: { name }, body, principal, note }) => {
        const tenant = body.tenant ?? null;
        const details = { role: body.role, password: body.password === undefined ? undefined : 'set' };
        note({ tenant, target: `user/${name}`, details });
        const known = await users.find(name);
        if (body.role) mayGive(principal, tenant, body.role, name, known);
        if (tenant !== null && !(await platform.resources.find('Tenant', tenant, tenant))) notFound(`tenant ${tenant}`);
        if (known && body.password !== undefined) mayManage(principal, known);
        if (!known && !body.role) requirePlatform(principal);
        if (!known && !(await users.add(name, body.password))) throw exists(name);
        if (known && body.password !== undefined) await users.setPassword(name, body.password);
        if (body.role) await users.setRole(name, tenant, body.role);
        return { name, roles: (await users.find(name))?.roles };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/users/{name}',
      scope: 'users:write',
      action: 'user.remove',
      summary: 'Removes a user with roles and sessions; tells which keys they made, which go on working',
      params: userParams,
      handle: async ({ params: { name }, principal, note }) => {
        note({ target: `user/${name}` });
        const user = (await users.find(name)) ?? notFound(`user ${name}`);
        mayManage(principal, user);
        await users.remove(name);
        const keys = await platform.apiKeys.list({ createdBy: `user:${name}` });
        return { name, keys: keys.map(({ id, tenant, name: key }) => ({ id, tenant, name: key })) };
      },
    }),
    endpoint({
      method: 'PUT',
      path: '/users/{name}/roles/{tenant}',
      scope: 'users:write',
      action: 'user.role',
      summary: 'Gives a user a role in a tenant; `*` is every tenant',
      params: roleParams,
      body: z.strictObject({ role: roleSchema }),
      handle: async ({ params, body, principal, note }) => {
        const { name } = params;
        const tenant = tenantOfParam(params.tenant);
        note({ tenant, target: `user/${name}`, details: { role: body.role, tenant: params.tenant } });
        const known = await users.find(name);
        mayGive(principal, tenant, body.role, name, known);
        if (!known) return notFound(`user ${name}`);
        if (tenant !== null && !(await platform.resources.find('Tenant', tenant, tenant))) notFound(`tenant ${tenant}`);
        await users.setRole(name, tenant, body.role);
        return { name, roles: (await users.find(name))?.roles };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/users/{name}/roles/{tenant}',
      scope: 'users:write',
      action: 'user.role',
      summary: 'Takes a role away',
      params: roleParams,
      handle: async ({ params, principal, note }) => {
        const { name } = params;
        const tenant = tenantOfParam(params.tenant);
        note({ tenant, target: `user/${name}`, details: { role: null, tenant: params.tenant } });
        const role = (await users.find(name))?.roles.find((one) => one.tenant === tenant)?.role;
        if (!role || !may(principal, 'users:write', tenant)) return notFound(`role of ${name} in ${params.tenant}`);
        mayGive(principal, tenant, role, name);
        await users.removeRole(name, tenant);
        return { name, roles: (await users.find(name))?.roles };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/users/{name}/sessions',
      scope: 'users:read',
      summary: 'Where a user is logged in',
      params: userParams,
      handle: async ({ params: { name }, principal }) => {
        requirePlatform(principal);
        return { sessions: await sessions.list(name) };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/users/{name}/sessions',
      scope: 'users:write',
      action: 'user.sessions',
      summary: 'Logs a user out everywhere',
      params: userParams,
      handle: async ({ params: { name }, principal, note }) => {
        note({ target: `user/${name}` });
        mayManage(principal, (await users.find(name)) ?? notFound(`user ${name}`));
        return { ended: await sessions.end(name) };
      },
    }),
  ];
}

/** A role is given, changed and taken away by who has all that it gives, in that tenant. */
function mayGive(principal: Caller, tenant: string | null, role: UserRole, name: string, known?: UserInfo): void {
  const before = known?.roles.find((one) => one.tenant === tenant)?.role;
  for (const one of before && before !== role ? [before, role] : [role]) {
    requireCover(principal, { tenant, scopes: ['users:write', ...SCOPES_OF_ROLE[one]] }, `make ${name} ${role}`);
  }
}

/** Whoever sets somebody's password can be them: only for who may do all that they may. */
function mayManage(principal: Caller, user: UserInfo): void {
  if (user.roles.length === 0) requirePlatform(principal);
  for (const grant of grantsOf(user)) {
    requireCover(principal, { ...grant, scopes: ['users:write', ...grant.scopes] }, `manage ${user.name}`);
  }
}

/** People of other tenants are nobody's business. */
function visible(user: UserInfo, principal: Caller): UserInfo[] {
  const tenants = tenantsOf(principal);
  if (tenants === null) return [user];
  const roles = user.roles.filter(({ tenant }) => tenant !== null && tenants.includes(tenant));
  return roles.length > 0 ? [{ ...user, roles }] : [];
}

function tenantOfParam(tenant: string): string | null {
  return tenant === '*' ? null : tenant;
}

function exists(name: string): BadRequestError {
  return new BadRequestError(`there is a user "${name}" already`, { code: 'user-exists', status: 409 });
}
