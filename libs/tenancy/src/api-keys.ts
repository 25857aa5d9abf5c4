import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { BadRequestError, newId, type Scope } from '@spillway/contracts';
import { type Schema, sendSignal } from '@spillway/persistence';
import { type Kysely, sql } from 'kysely';
import type { Pool } from 'pg';

export interface ApiKey {
  id: string;
  /** Null: a key of the platform, for every tenant. */
  tenant: string | null;
  name: string;
  scopes: Scope[];
}

/** What can be told of a key; its secret is shown once, when it is made. */
export interface ApiKeyInfo extends ApiKey {
  description: string | null;
  /** The first characters, to recognize it by. */
  hint: string;
  createdBy: string | null;
  createdAt: Date;
  expiresAt: Date | null;
  /** To within a minute. */
  lastUsedAt: Date | null;
  rotatedAt: Date | null;
  /** Until when the secret before this one works. */
  previousUntil: Date | null;
  /** When the secret before this one was last used: while it is, somebody has not changed it yet. */
  previousUsedAt: Date | null;
  revokedAt: Date | null;
}

export interface NewApiKey {
  tenant: string | null;
  name: string;
  scopes: readonly Scope[];
  expiresAt?: Date;
  description?: string;
  createdBy?: string;
}

export interface Rotation {
  /** How long the secret before still works, in milliseconds. */
  overlapMs: number;
  /** A new end; left out, it stays. */
  expiresAt?: Date;
  /** A secret brought along instead of a new one. */
  token?: string;
}

/** So that a key found in a log or a repository is recognized for what it is. */
const PREFIX = 'spw_';
const SHORTEST = 24;
/** A revoked key stops at once where the signal arrives, and everywhere within this time. */
const CACHE_MS = 10_000;
/** How exact `last used` is. */
const TOUCH_MS = 60_000;
const MOST_CACHED = 10_000;

/** API keys: 32 random bytes, of which only the SHA-256 is stored; shown once, when they are made. */
export class ApiKeys {
  private readonly cache = new Map<string, { key: ApiKey; until: number }>();

  constructor(
    private readonly db: Kysely<Schema>,
    private readonly pool: Pool,
  ) {}

  /**
   * @param token a key brought along instead of a new one
   * @returns the key itself: the only time it can be seen
   * @throws BadRequestError `key-too-short`, 409 `key-exists`
   */
  async create(key: NewApiKey, token = newToken()): Promise<{ id: string; token: string }> {
    checkLength(token);
    const id = newId();
    const values = {
      id,
      tenant: key.tenant,
      name: key.name,
      description: key.description ?? null,
      hash: digest(token),
      hint: token.slice(0, 8),
      scopes: [...key.scopes],
      expires_at: key.expiresAt ?? null,
      created_by: key.createdBy ?? null,
    };
    const { numInsertedOrUpdatedRows: made } = await this.db
      .insertInto('api_keys')
      .values(values)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (made === 1n) return { id, token };
    throw new BadRequestError(`there is a key "${key.name}" already, or one with this secret`, {
      code: 'key-exists',
      status: 409,
      remedy: 'Rotate it, revoke it first, or take another name.',
    });
  }

  /** The key a request carries, or undefined for one that is unknown, expired or revoked. */
  async find(token: string): Promise<ApiKey | undefined> {
    const now = Date.now();
    const hash = digest(token);
    const cacheKey = hash.toString('base64');
    let entry = this.cache.get(cacheKey);
    if (!entry || entry.until <= now) {
      entry = await this.load(hash, now);
      if (!entry) return void this.cache.delete(cacheKey);
      if (this.cache.size > MOST_CACHED) this.cache.clear();
      this.cache.set(cacheKey, entry);
    }
    return entry.key;
  }

  /** Oldest first. @param filter without `revoked`, only those that were not */
  async list(filter: { tenant?: string; revoked?: boolean; createdBy?: string } = {}): Promise<ApiKeyInfo[]> {
    let query = this.db.selectFrom('api_keys').selectAll().orderBy('created_at').orderBy('id');
    if (filter.tenant) query = query.where('tenant', '=', filter.tenant);
    if (filter.createdBy) query = query.where('created_by', '=', filter.createdBy);
    if (!filter.revoked) query = query.where('revoked_at', 'is', null);
    return (await query.execute()).map(toInfo);
  }

  async get(id: string): Promise<ApiKeyInfo | undefined> {
    const row = await this.db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toInfo(row);
  }

  /** The one of this name that is not revoked. */
  async named(tenant: string | null, name: string): Promise<ApiKeyInfo | undefined> {
    const row = await this.db
      .selectFrom('api_keys')
      .selectAll()
      .where('tenant', tenant === null ? 'is' : '=', tenant)
      .where('name', '=', name)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    return row && toInfo(row);
  }

  /**
   * Gives a key a new secret. The one before works on for a while; one that was still working from an earlier rotation
   * ends now. With the secret it has, nothing changes.
   *
   * @returns the secret, or undefined when there is no such key
   */
  async rotate(id: string, { overlapMs, expiresAt, token = newToken() }: Rotation): Promise<string | undefined> {
    checkLength(token);
    const hash = digest(token);
    const until = new Date(Date.now() + overlapMs);
    const { rows } = await sql<{ id: string }>`
      update api_keys set hash = ${hash}, hint = ${token.slice(0, 8)}, rotated_at = now(),
        previous_hash = ${overlapMs > 0 ? sql`hash` : null}, previous_until = ${overlapMs > 0 ? until : null},
        previous_used_at = ${overlapMs > 0 ? sql`last_used_at` : null}, last_used_at = null,
        expires_at = ${expiresAt ?? sql`expires_at`}
      where id = ${id} and revoked_at is null and hash <> ${hash} returning id`.execute(this.db);
    await this.changed();
    if (rows.length > 0) return token;
    const known = await this.get(id);
    return known && !known.revokedAt ? token : undefined;
  }

  /** Changes what a key may do; its secret stays. */
  async change(id: string, to: Pick<NewApiKey, 'scopes' | 'expiresAt' | 'description'>): Promise<void> {
    const { scopes, expiresAt, description } = to;
    await this.db
      .updateTable('api_keys')
      .set({ scopes: [...scopes], expires_at: expiresAt ?? null, description: description ?? null })
      .where('id', '=', id)
      .execute();
    await this.changed();
  }

  /** @returns whether there was one */
  async revoke(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable('api_keys')
      .set({ revoked_at: new Date() })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    await this.changed();
    return numUpdatedRows > 0n;
  }

  /** What another process changed is read anew. */
  forget(): void {
    this.cache.clear();
  }

  private async changed(): Promise<void> {
    this.forget();
    await sendSignal(this.pool, { kind: 'keys-changed' });
  }

  private async load(hash: Buffer, now: number): Promise<{ key: ApiKey; until: number } | undefined> {
    const row = await this.db
      .selectFrom('api_keys')
      .selectAll()
      .where('revoked_at', 'is', null)
      .where((eb) => eb.or([eb('hash', '=', hash), eb('previous_hash', '=', hash)]))
      .orderBy((eb) => eb('hash', '=', hash), 'desc')
      .executeTakeFirst();
    if (!row) return undefined;
    // The index compared digests, whose order tells nothing of the key; still, the last word is one that takes its time.
    const current = timingSafeEqual(row.hash, hash);
    const previous = row.previous_hash !== null && timingSafeEqual(row.previous_hash, hash);
    const end = Math.min(
      row.expires_at?.getTime() ?? Infinity,
      current ? Infinity : previous ? (row.previous_until?.getTime() ?? 0) : 0,
    );
    if (end <= now) return undefined;
    this.touch(row.id, current ? 'last_used_at' : 'previous_used_at', now);
    const key: ApiKey = { id: row.id, tenant: row.tenant, name: row.name, scopes: row.scopes as Scope[] };
    return { key, until: Math.min(end, now + CACHE_MS) };
  }

  /** At most once a minute, and nobody waits for it. */
  private touch(id: string, column: 'last_used_at' | 'previous_used_at', now: number): void {
    this.db
      .updateTable('api_keys')
      .set({ [column]: new Date(now) })
      .where('id', '=', id)
      .where((eb) => eb.or([eb(column, 'is', null), eb(column, '<', new Date(now - TOUCH_MS))]))
      .execute()
      .catch(() => undefined);
  }
}

/** Whether a key may do this to a tenant's things. */
export function allows(key: ApiKey, scope: Scope, tenant: string | undefined): boolean {
  const scoped = key.scopes.includes('*') || key.scopes.includes(scope);
  return scoped && (key.tenant === null || key.tenant === tenant);
}

function newToken(): string {
  return `${PREFIX}${randomBytes(32).toString('base64url')}`;
}

/** @throws BadRequestError `key-too-short` */
function checkLength(token: string): void {
  if (token.length >= SHORTEST) return;
  throw new BadRequestError(`an API key needs ${SHORTEST} characters at least`, {
    code: 'key-too-short',
    remedy: 'Leave "secret" out and Spillway makes a good one.',
  });
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function toInfo(row: {
  id: string;
  tenant: string | null;
  name: string;
  description: string | null;
  hint: string;
  scopes: string[];
  created_by: string | null;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  rotated_at: Date | null;
  previous_until: Date | null;
  previous_used_at: Date | null;
  revoked_at: Date | null;
}): ApiKeyInfo {
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name,
    description: row.description,
    hint: row.hint,
    scopes: row.scopes as Scope[],
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    rotatedAt: row.rotated_at,
    previousUntil: row.previous_until,
    previousUsedAt: row.previous_used_at,
    revokedAt: row.revoked_at,
  };
}
