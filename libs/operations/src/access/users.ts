import { createHash, randomBytes } from 'node:crypto';
import { BadRequestError } from '@spillway/contracts';
import type { Schema } from '@spillway/persistence';
import { hashPassword, passwordMatches } from '@spillway/tenancy';
import type { Kysely } from 'kysely';
import type { UserRole } from './principal';

export interface User {
  name: string;
  role: UserRole;
}

const SESSION_MS = 12 * 3_600_000;
const SHORTEST_PASSWORD = 12;
/** Compared with when there is no such user, so that the time does not tell. */
const NOBODY = hashPassword(randomBytes(16).toString('hex'));

/** People who may log in to the admin, and their sessions. */
export class Users {
  constructor(private readonly db: Kysely<Schema>) {}

  /** @throws BadRequestError `password-too-short` */
  async set(name: string, password: string, role: UserRole): Promise<void> {
    if (password.length < SHORTEST_PASSWORD) {
      throw new BadRequestError(`a password needs ${SHORTEST_PASSWORD} characters at least`, {
        code: 'password-too-short',
      });
    }
    const values = { password: await hashPassword(password), role };
    await this.db
      .insertInto('users')
      .values({ name, ...values })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
      .execute();
    // A new password ends what the old one opened.
    await this.db.deleteFrom('sessions').where('user_name', '=', name).execute();
  }

  async list(): Promise<User[]> {
    return this.db.selectFrom('users').select(['name', 'role']).orderBy('name').execute();
  }

  async remove(name: string): Promise<boolean> {
    await this.db.deleteFrom('sessions').where('user_name', '=', name).execute();
    const { numDeletedRows } = await this.db.deleteFrom('users').where('name', '=', name).executeTakeFirst();
    return numDeletedRows > 0n;
  }

  /** @returns the user, or undefined for a wrong name or password, in the same time */
  async authenticate(name: string, password: string): Promise<User | undefined> {
    const row = await this.db.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst();
    const matches = await passwordMatches(password, row?.password ?? (await NOBODY));
    return row && matches ? { name: row.name, role: row.role } : undefined;
  }

  /** @returns the token of a new session; only its digest is kept */
  async openSession(user: User): Promise<{ token: string; maxAgeSeconds: number }> {
    const token = randomBytes(32).toString('base64url');
    await this.db.deleteFrom('sessions').where('expires_at', '<', new Date()).execute();
    await this.db
      .insertInto('sessions')
      .values({ hash: digest(token), user_name: user.name, expires_at: new Date(Date.now() + SESSION_MS) })
      .execute();
    return { token, maxAgeSeconds: SESSION_MS / 1_000 };
  }

  async ofSession(token: string): Promise<User | undefined> {
    const row = await this.db
      .selectFrom('sessions')
      .innerJoin('users', 'users.name', 'sessions.user_name')
      .select(['users.name', 'users.role'])
      .where('sessions.hash', '=', digest(token))
      .where('sessions.expires_at', '>', new Date())
      .executeTakeFirst();
    return row;
  }

  async closeSession(token: string): Promise<void> {
    await this.db.deleteFrom('sessions').where('hash', '=', digest(token)).execute();
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
