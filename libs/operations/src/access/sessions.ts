import { createHash, randomBytes } from 'node:crypto';
import { newId } from '@spillway/contracts';
import type { Schema } from '@spillway/persistence';
import type { Kysely } from 'kysely';
import { toRole, type User } from './users';

export interface SessionInfo {
  id: string;
  createdAt: Date;
  /** To within a minute. */
  usedAt: Date;
  /** When it ends at the latest, whatever is done with it. */
  expiresAt: Date;
  address: string | null;
  userAgent: string | null;
  via: 'password' | 'oidc';
}

/** In milliseconds. */
export interface SessionLimits {
  /** Without a request. */
  idleMs: number;
  /** In all. */
  mostMs: number;
}

export interface SessionOrigin {
  address: string;
  userAgent?: string;
  via: SessionInfo['via'];
}

/** How exact `last used` is. */
const TOUCH_MS = 60_000;
const MOST_USER_AGENT = 300;

/** Who is logged in, and since when. Only digests of the tokens are kept. */
export class Sessions {
  constructor(
    private readonly db: Kysely<Schema>,
    private readonly limits: SessionLimits,
  ) {}

  /**
   * A login always gets a new token, and the one the browser had is worth nothing any more: nobody can be given a session
   * that somebody else knows.
   */
  async open(user: string, origin: SessionOrigin, before?: string): Promise<{ token: string; maxAgeSeconds: number }> {
    const token = randomBytes(32).toString('base64url');
    const now = Date.now();
    if (before) await this.close(before);
    await this.db
      .deleteFrom('sessions')
      .where((eb) => eb.or([eb('expires_at', '<', new Date()), eb('used_at', '<', this.idleSince())]))
      .execute();
    await this.db
      .insertInto('sessions')
      .values({
        hash: digest(token),
        id: newId(),
        user_name: user,
        created_at: new Date(now),
        used_at: new Date(now),
        expires_at: new Date(now + this.limits.mostMs),
        address: origin.address,
        user_agent: origin.userAgent?.slice(0, MOST_USER_AGENT).replaceAll('\u0000', '') ?? null,
        via: origin.via,
      })
      .execute();
    await this.db
      .updateTable('users')
      .set({ last_login_at: new Date(now) })
      .where('name', '=', user)
      .execute();
    return { token, maxAgeSeconds: Math.floor(this.limits.mostMs / 1_000) };
  }

  /** The user of a session that has not ended. */
  async find(token: string): Promise<{ user: User; id: string; via: SessionInfo['via'] } | undefined> {
    const rows = await this.db
      .selectFrom('sessions as s')
      .leftJoin('user_roles as r', 'r.user_name', 's.user_name')
      .select(['s.id', 's.user_name', 's.used_at', 's.via', 'r.tenant', 'r.role', 'r.mapped'])
      .where('s.hash', '=', digest(token))
      .where('s.expires_at', '>', new Date())
      .where('s.used_at', '>', this.idleSince())
      .execute();
    const first = rows[0];
    if (!first) return undefined;
    if (first.used_at.getTime() < Date.now() - Math.min(TOUCH_MS, this.limits.idleMs / 4)) {
      await this.db.updateTable('sessions').set({ used_at: new Date() }).where('id', '=', first.id).execute();
    }
    const roles = rows.flatMap(({ tenant, role, mapped }) =>
      tenant !== null && role !== null ? [toRole({ tenant, role, mapped: mapped ?? false })] : [],
    );
    return { user: { name: first.user_name, roles }, id: first.id, via: first.via as SessionInfo['via'] };
  }

  async list(user: string): Promise<SessionInfo[]> {
    return this.db
      .selectFrom('sessions')
      .select(['id', 'created_at as createdAt', 'used_at as usedAt', 'expires_at as expiresAt', 'address'])
      .select(['user_agent as userAgent', 'via'])
      .where('user_name', '=', user)
      .where('expires_at', '>', new Date())
      .where('used_at', '>', this.idleSince())
      .orderBy('created_at', 'desc')
      .execute() as Promise<SessionInfo[]>;
  }

  async close(token: string): Promise<void> {
    await this.db.deleteFrom('sessions').where('hash', '=', digest(token)).execute();
  }

  /** @param id left out, all of the user's @returns how many */
  async end(user: string, id?: string): Promise<number> {
    let query = this.db.deleteFrom('sessions').where('user_name', '=', user);
    if (id !== undefined) query = query.where('id', '=', id);
    return Number((await query.executeTakeFirst()).numDeletedRows);
  }

  private idleSince(): Date {
    return new Date(Date.now() - this.limits.idleMs);
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
