import { createSecretKey, randomBytes } from 'node:crypto';
import { messageOf, PermanentError, SpillwayError, TransientError } from '@spillway/contracts';
import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import { sendSignal } from '../signals';
import { asPlatform } from '../tenant-scope/scope';
import { inTransaction } from '../transaction';
import type { DataKey } from './envelope';
import type { MasterKeys } from './master-key';

interface Row {
  tenant: string;
  id: string;
  wrapped: Buffer | null;
  master: string;
  current: boolean;
}

export interface KeyInfo {
  tenant: string;
  id: string;
  /** The master key that wraps it. */
  master: string;
  createdAt: Date;
  /** Since when new data is sealed with another one. */
  retiredAt: Date | null;
  shreddedAt: Date | null;
}

/** What is known of a key: the key, or that it was destroyed. */
type Known = DataKey | 'shredded';

/** Unwrapped keys that a process keeps in memory. */
const MOST_KEYS = 20_000;
/** How long a tenant's current key is used without asking; signals tell of most changes at once. */
const FRESH_MS = 300_000;
/** Sealed records, by when they came; all others belong to an event or a run, or are forgotten by time alone. */
const DATED = [
  ['events', 'accepted_at'],
  ['runs', 'started_at'],
  ['quarantine', 'received_at'],
  ['outbox', 'created_at'],
] as const;
/** How long a process may go on with a key that was retired, while PostgreSQL is away from it. */
const LATE = '1 day';
const COLUMNS = 'tenant, id, wrapped, master, retired_at is null and wrapped is not null as current';

/** The keys of tenants: made when first needed, wrapped by a master key in PostgreSQL, unwrapped in memory. */
export class DataKeys {
  private readonly byId: LRUCache<string, Known>;
  private readonly currents: LRUCache<string, { key: DataKey; until: number }>;
  private readonly loading = new Map<string, Promise<void>>();

  constructor(
    private readonly pool: Pool,
    private readonly master: MasterKeys,
    most = MOST_KEYS,
  ) {
    this.byId = new LRUCache({ max: most });
    this.currents = new LRUCache({ max: most });
  }

  /** What the tenant's new data is sealed with, if it is in memory. */
  current(tenant: string): DataKey | undefined {
    return this.currents.get(tenant)?.key;
  }

  /** @returns undefined when every tenant's key is in memory. @throws TransientError `keys-unavailable` */
  ready(tenants: Iterable<string>): Promise<void> | undefined {
    let stale: Set<string> | undefined;
    const now = Date.now();
    for (const tenant of tenants) {
      const known = this.currents.get(tenant);
      if (!known || known.until < now) (stale ??= new Set()).add(tenant);
    }
    return stale && this.load([...stale]);
  }

  /** A key by its id. @throws TransientError `keys-unavailable` */
  find(id: string): Known | undefined {
    return this.byId.get(id);
  }

  /** Keys by their ids, as far as they are not in memory. @throws TransientError `keys-unavailable` */
  async fetch(ids: string[]): Promise<void> {
    for (const row of await this.query(`select ${COLUMNS} from tenant_keys where id = any($1)`, [ids])) {
      await this.take(row);
    }
  }

  /** New data gets a new key; the old one goes on opening what it sealed. @returns the new key's id */
  async rotate(tenant: string): Promise<string> {
    const fresh = await this.fresh(tenant);
    await inTransaction(this.pool, async (client) => {
      await client.query(
        'update tenant_keys set retired_at = now() where tenant = $1 and retired_at is null and wrapped is not null',
        [tenant],
      );
      await client.query('insert into tenant_keys (tenant, id, wrapped, master) values ($1, $2, $3, $4)', fresh);
      await sendSignal(client, { kind: 'tenant-keys-changed', tenant });
    });
    this.forget(tenant);
    return fresh[1] as string;
  }

  /** Destroys all keys of a tenant: nobody can read again what they sealed. @returns how many there were */
  async shred(tenant: string): Promise<number> {
    const { rowCount } = await this.pool.query(
      `update tenant_keys set wrapped = null, retired_at = coalesce(retired_at, now()), shredded_at = now()
       where tenant = $1 and wrapped is not null`,
      [tenant],
    );
    await sendSignal(this.pool, { kind: 'tenant-keys-changed', tenant });
    this.forget(tenant);
    return rowCount ?? 0;
  }

  /** What there is, without the keys. */
  async list(): Promise<KeyInfo[]> {
    const { rows } = await this.pool.query<KeyInfo>(
      `select tenant, id, master, created_at as "createdAt", retired_at as "retiredAt", shredded_at as "shreddedAt"
       from tenant_keys order by tenant, created_at, id`,
    );
    return rows;
  }

  /** Wraps every key with the current master key. @returns how many were wrapped with another one */
  async rewrap(): Promise<number> {
    const rows = await this.query(`select ${COLUMNS} from tenant_keys where wrapped is not null and master <> $1`, [
      this.master.current,
    ]);
    for (const { tenant, id, wrapped, master } of rows) {
      const key = await this.master.unwrap(wrapped!, contextOf(tenant, id), master);
      const again = await this.master.wrap(key, contextOf(tenant, id));
      await this.pool.query(
        'update tenant_keys set wrapped = $3, master = $4 where tenant = $1 and id = $2 and master = $5',
        [tenant, id, again, this.master.current, master],
      );
    }
    return rows.length;
  }

  /** Forgets what is in memory of a tenant's keys: they may have changed. */
  forget(tenant: string): void {
    this.currents.delete(tenant);
    for (const [id, key] of this.byId) if (key !== 'shredded' && key.tenant === tenant) this.byId.delete(id);
  }

  forgetAll(): void {
    this.currents.clear();
    this.byId.clear();
  }

  /**
   * Retired keys that no record needs: of their tenant there is nothing left from before they were retired. What the queues
   * hold is for the caller to look at.
   *
   * @param before of those that were retired before; what is forgotten by time alone has to be gone by then
   * @returns their ids
   */
  async unneeded(before: Date): Promise<string[]> {
    const older = DATED.map(
      ([table, at]) =>
        `not exists (select from ${table} t where t.tenant = k.tenant and t.${at} < k.retired_at + interval '${LATE}')`,
    );
    const { rows } = await this.pool.query<{ id: string }>(
      `select id from tenant_keys k where retired_at < $1 and shredded_at is null and ${older.join(' and ')}`,
      [before],
    );
    return rows.map(({ id }) => id);
  }

  /** Removes retired keys for good: what they sealed can be read by nobody. @returns how many */
  async drop(ids: string[]): Promise<number> {
    const { rowCount } = await this.pool.query(
      'delete from tenant_keys where id = any($1) and retired_at is not null and shredded_at is null',
      [ids],
    );
    for (const id of ids) this.byId.delete(id);
    return rowCount ?? 0;
  }

  /** Those who need the same key at once ask once. */
  private load(tenants: string[]): Promise<void> {
    const key = tenants.sort().join('\n');
    const known = this.loading.get(key);
    if (known) return known;
    const loading = this.loadCurrents(tenants)
      .catch((error: unknown) => {
        // PostgreSQL is away: what is known goes on being used, as a tenant's configuration does.
        if (error instanceof TransientError && tenants.every((tenant) => this.currents.has(tenant))) return;
        throw error;
      })
      .finally(() => this.loading.delete(key));
    this.loading.set(key, loading);
    return loading;
  }

  private async loadCurrents(tenants: string[]): Promise<void> {
    const current = `select ${COLUMNS} from tenant_keys where tenant = any($1) and retired_at is null and wrapped is not null`;
    const found = new Map((await this.query(current, [tenants])).map((row) => [row.tenant, row]));
    const missing = tenants.filter((tenant) => !found.has(tenant));
    for (const tenant of missing) {
      await this.query(
        `insert into tenant_keys (tenant, id, wrapped, master) values ($1, $2, $3, $4) on conflict do nothing`,
        await this.fresh(tenant),
      );
    }
    if (missing.length > 0) for (const row of await this.query(current, [missing])) found.set(row.tenant, row);
    for (const row of found.values()) await this.take(row);
  }

  private async take(row: Row): Promise<void> {
    const { tenant, id } = row;
    if (!row.wrapped) {
      this.byId.set(id, 'shredded');
      return;
    }
    const known = this.byId.get(id);
    const secret =
      known && known !== 'shredded'
        ? known.secret
        : createSecretKey(await this.master.unwrap(row.wrapped, contextOf(tenant, id), row.master));
    const key = { id, tenant, secret };
    this.byId.set(id, key);
    if (row.current) this.currents.set(tenant, { key, until: Date.now() + FRESH_MS });
  }

  private async fresh(tenant: string): Promise<unknown[]> {
    const id = randomBytes(9).toString('base64url');
    const wrapped = await this.master.wrap(randomBytes(32), contextOf(tenant, id));
    return [tenant, id, wrapped, this.master.current];
  }

  private async query(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await asPlatform('tenant-keys', () => this.pool.query<Row>(text, values))).rows;
    } catch (cause) {
      if (cause instanceof SpillwayError) throw cause;
      throw new TransientError(`the keys of tenants cannot be read: ${messageOf(cause)}`, {
        code: 'keys-unavailable',
        status: 503,
        retryAfterMs: 2_000,
        cause,
      });
    }
  }
}

export function shredded(what: string): PermanentError {
  return new PermanentError(`the ${what} was shredded: the key of its tenant was destroyed`, {
    code: 'data-shredded',
    status: 410,
    remedy: 'It cannot be brought back.',
  });
}

function contextOf(tenant: string, id: string): string {
  return `${tenant}/${id}`;
}
