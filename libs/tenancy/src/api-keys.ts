import { createHash, randomBytes } from 'node:crypto';
import { newId, type Scope, SpillwayError } from '@spillway/contracts';
import type { Schema } from '@spillway/persistence';
import type { Kysely } from 'kysely';

export interface ApiKey {
  id: string;
  /** Null: a key of the platform, for every tenant. */
  tenant: string | null;
  name: string;
  scopes: Scope[];
}

/** So that a key found in a log or a repository is recognized for what it is. */
const PREFIX = 'spw_';
/** A revoked key stops within this time. */
const CACHE_MS = 10_000;
/** How exact `last used` is. */
const TOUCH_MS = 60_000;

/** API keys: 32 random bytes, of which only the SHA-256 is stored; shown once, when they are made. */
export class ApiKeys {
  private readonly cache = new Map<string, { key: ApiKey; expiresAt: number; until: number; touched: number }>();

  constructor(private readonly db: Kysely<Schema>) {}

  /** @param token a key brought along instead of a new one @returns the key itself: the only time it can be seen */
  async create(
    key: { tenant: string | null; name: string; scopes: readonly Scope[]; expiresAt?: Date },
    token = `${PREFIX}${randomBytes(32).toString('base64url')}`,
  ): Promise<{ id: string; token: string }> {
    if (token.length < 24) {
      throw new SpillwayError('an API key needs 24 characters at least', {
        code: 'key-too-short',
        class: 'permanent',
        status: 400,
        remedy: 'Leave "secret" out and Spillway makes a good one.',
      });
    }
    const id = newId();
    await this.db
      .insertInto('api_keys')
      .values({
        id,
        tenant: key.tenant,
        name: key.name,
        hash: digest(token),
        hint: token.slice(0, 8),
        scopes: [...key.scopes],
        expires_at: key.expiresAt ?? null,
      })
      .execute();
    return { id, token };
  }

  /** The key a request carries, or undefined for one that is unknown, expired or revoked. */
  async find(token: string): Promise<ApiKey | undefined> {
    const now = Date.now();
    const hash = digest(token);
    const cacheKey = hash.toString('base64');
    let entry = this.cache.get(cacheKey);
    if (!entry || entry.until < now) {
      entry = await this.load(hash, now);
      if (!entry) return void this.cache.delete(cacheKey);
      if (this.cache.size > 10_000) this.cache.clear();
      this.cache.set(cacheKey, entry);
    }
    return entry.expiresAt > now ? entry.key : undefined;
  }

  async list(tenant?: string) {
    let query = this.db
      .selectFrom('api_keys')
      .select(['id', 'tenant', 'name', 'hint', 'scopes', 'expires_at', 'created_at', 'last_used_at', 'revoked_at'])
      .orderBy('created_at');
    if (tenant) query = query.where('tenant', '=', tenant);
    return query.execute();
  }

  /** @returns whether there was one */
  async revoke(id: string): Promise<boolean> {
    this.cache.clear();
    const { numUpdatedRows } = await this.db
      .updateTable('api_keys')
      .set({ revoked_at: new Date() })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  private async load(hash: Buffer, now: number) {
    const row = await this.db
      .selectFrom('api_keys')
      .selectAll()
      .where('hash', '=', hash)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (!row) return undefined;
    if (!row.last_used_at || row.last_used_at.getTime() < now - TOUCH_MS) {
      await this.db
        .updateTable('api_keys')
        .set({ last_used_at: new Date(now) })
        .where('id', '=', row.id)
        .execute();
    }
    const key: ApiKey = { id: row.id, tenant: row.tenant, name: row.name, scopes: row.scopes as Scope[] };
    return { key, expiresAt: row.expires_at?.getTime() ?? Infinity, until: now + CACHE_MS, touched: now };
  }
}

/** Whether a key may do this to a tenant's things. */
export function allows(key: ApiKey, scope: Scope, tenant: string | undefined): boolean {
  const scoped = key.scopes.includes('*') || key.scopes.includes(scope);
  return scoped && (key.tenant === null || key.tenant === tenant);
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
