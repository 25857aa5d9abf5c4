import { randomBytes } from 'node:crypto';
import { BadRequestError } from '@spillway/contracts';
import type { Schema } from '@spillway/persistence';
import { hashPassword, isOutdated, passwordMatches } from '@spillway/tenancy';
import type { Kysely } from 'kysely';
import { type Grant, SCOPES_OF_ROLE, type UserRole } from './principal';

export interface RoleIn {
  /** Null: every tenant. */
  tenant: string | null;
  role: UserRole;
  /** Given by the OpenID provider at the last login, and taken away by it. */
  mapped: boolean;
}

export interface User {
  name: string;
  roles: RoleIn[];
}

export interface UserInfo extends User {
  /** How they can log in. */
  login: ('password' | 'oidc')[];
  createdAt: Date;
  lastLoginAt: Date | null;
}

/** Who somebody is to an OpenID provider. */
export interface Identity {
  issuer: string;
  subject: string;
}

const SHORTEST_PASSWORD = 12;
/** In the place of a tenant. */
const EVERY = '*';
/** Compared with when there is no such user, so that the time does not tell. */
let nobody: Promise<string> | undefined;

/** People who may log in to the admin, and what they may do in which tenant. */
export class Users {
  constructor(private readonly db: Kysely<Schema>) {}

  async list(): Promise<UserInfo[]> {
    return this.select();
  }

  async find(name: string): Promise<UserInfo | undefined> {
    return (await this.select(name))[0];
  }

  /** @returns whether there was none of that name */
  async add(name: string, password?: string): Promise<boolean> {
    const hash = password === undefined ? null : await hashPassword(checked(password));
    const { numInsertedOrUpdatedRows } = await this.db
      .insertInto('users')
      .values({ name, password: hash })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n;
  }

  /**
   * A new password ends what the old one opened.
   *
   * @param keep the id of a session that goes on: that of who changes their own
   * @throws BadRequestError `password-too-short`
   */
  async setPassword(name: string, password: string, keep?: string): Promise<void> {
    const hash = await hashPassword(checked(password));
    await this.db.transaction().execute(async (db) => {
      await db.updateTable('users').set({ password: hash }).where('name', '=', name).execute();
      let others = db.deleteFrom('sessions').where('user_name', '=', name);
      if (keep) others = others.where('id', '<>', keep);
      await others.execute();
    });
  }

  async setRole(name: string, tenant: string | null, role: UserRole): Promise<void> {
    const values = { role, mapped: false };
    await this.db
      .insertInto('user_roles')
      .values({ user_name: name, tenant: tenant ?? EVERY, ...values })
      .onConflict((conflict) => conflict.columns(['user_name', 'tenant']).doUpdateSet(values))
      .execute();
  }

  /** @returns whether they had one */
  async removeRole(name: string, tenant: string | null): Promise<boolean> {
    const { numDeletedRows } = await this.db
      .deleteFrom('user_roles')
      .where('user_name', '=', name)
      .where('tenant', '=', tenant ?? EVERY)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  /** With roles and sessions. @returns whether there was one */
  async remove(name: string): Promise<boolean> {
    const { numDeletedRows } = await this.db.deleteFrom('users').where('name', '=', name).executeTakeFirst();
    return numDeletedRows > 0n;
  }

  /** @returns the user, or undefined for a wrong name or password, in the same time */
  async authenticate(name: string, password: string): Promise<User | undefined> {
    const row = await this.db.selectFrom('users').select('password').where('name', '=', name).executeTakeFirst();
    const stored = row?.password ?? (await (nobody ??= hashPassword(randomBytes(16).toString('hex'))));
    if (!(await passwordMatches(password, stored)) || !row?.password) return undefined;
    if (isOutdated(stored)) {
      const hash = await hashPassword(password);
      await this.db
        .updateTable('users')
        .set({ password: hash })
        .where('name', '=', name)
        .where('password', '=', stored)
        .execute();
    }
    return this.find(name);
  }

  /**
   * The user an OpenID provider vouches for, with the roles it maps to now; those that were given here stay.
   *
   * @throws BadRequestError `user-exists` (403) when somebody else has the name, `login-refused` (403) without any role
   */
  async fromProvider(identity: Identity, name: string, given: Omit<RoleIn, 'mapped'>[]): Promise<User> {
    const roles = await this.inTenants(given);
    const user = await this.db.transaction().execute(async (db) => {
      const known = await db
        .selectFrom('users')
        .select('name')
        .where('issuer', '=', identity.issuer)
        .where('subject', '=', identity.subject)
        .executeTakeFirst();
      // Whoever has nothing to do here is not written down either.
      if (!known && roles.length === 0) throw withoutRole(name);
      if (!known) {
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('users')
          .values({ name, password: null, ...identity })
          .onConflict((conflict) => conflict.column('name').doNothing())
          .executeTakeFirst();
        if (numInsertedOrUpdatedRows !== 1n) {
          throw new BadRequestError(`there is a user "${name}" already who is not known to the OpenID provider`, {
            code: 'user-exists',
            status: 403,
            remedy: 'An admin can remove that user; the next login makes them anew.',
          });
        }
      }
      const user = known?.name ?? name;
      await db.deleteFrom('user_roles').where('user_name', '=', user).where('mapped', '=', true).execute();
      for (const { tenant, role } of roles) {
        await db
          .insertInto('user_roles')
          .values({ user_name: user, tenant: tenant ?? EVERY, role, mapped: true })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      return (await new Users(db).find(user))!;
    });
    // Only now: the roles that the provider no longer gives are gone.
    if (user.roles.length === 0) throw withoutRole(user.name);
    return user;
  }

  /** A tenant that is not there yet shall not be open to those who knew its name. */
  private async inTenants(roles: Omit<RoleIn, 'mapped'>[]): Promise<Omit<RoleIn, 'mapped'>[]> {
    const rows = await this.db.selectFrom('resources').select('name').where('kind', '=', 'Tenant').execute();
    const tenants = new Set(rows.map((row) => row.name));
    return roles.filter(({ tenant }) => tenant === null || tenants.has(tenant));
  }

  private async select(name?: string): Promise<UserInfo[]> {
    let users = this.db.selectFrom('users').selectAll().orderBy('name');
    let roles = this.db.selectFrom('user_roles').selectAll().orderBy('tenant');
    if (name !== undefined) {
      users = users.where('name', '=', name);
      roles = roles.where('user_name', '=', name);
    }
    const [rows, given] = await Promise.all([users.execute(), roles.execute()]);
    const byUser = Map.groupBy(given, (one) => one.user_name);
    return rows.map((row) => ({
      name: row.name,
      roles: (byUser.get(row.name) ?? []).map(toRole),
      login: [...(row.password ? ['password' as const] : []), ...(row.subject ? ['oidc' as const] : [])],
      createdAt: row.created_at,
      lastLoginAt: row.last_login_at,
    }));
  }
}

/** What a user's roles come to. */
export function grantsOf({ roles }: Pick<User, 'roles'>): Grant[] {
  return roles.map(({ tenant, role }) => ({ tenant, scopes: SCOPES_OF_ROLE[role] }));
}

export function toRole(row: { tenant: string; role: UserRole; mapped: boolean }): RoleIn {
  return { tenant: row.tenant === EVERY ? null : row.tenant, role: row.role, mapped: row.mapped };
}

function withoutRole(name: string): BadRequestError {
  return new BadRequestError(`${name} has no role here`, {
    code: 'login-refused',
    status: 403,
    remedy: 'Ask for one; OIDC_ROLES says what the provider’s claims give.',
  });
}

/** @throws BadRequestError `password-too-short` */
function checked(password: string): string {
  if (password.length >= SHORTEST_PASSWORD) return password;
  throw new BadRequestError(`a password needs ${SHORTEST_PASSWORD} characters at least`, {
    code: 'password-too-short',
  });
}
