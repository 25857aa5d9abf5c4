import { newId } from '@spillway/contracts';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../schema';
import { OVERHEAD_BYTES } from '../vault/envelope';
import type { Vault } from '../vault/vault';

export interface QuarantinedRequest {
  id: string;
  tenant: string;
  source: string;
  state: 'held' | 'released';
  code: string;
  reason: string;
  method: string;
  url: string;
  headers: Record<string, string | string[]>;
  body: Buffer;
  receivedAt: Date;
  releasedAt: Date | null;
  eventIds: string[];
}

/** Requests that failed verification, kept as they came. */
export class Quarantine {
  constructor(
    private readonly db: Kysely<Schema>,
    private readonly vault: Vault,
  ) {}

  /** @returns the id under which the request is kept */
  async hold(request: Omit<QuarantinedRequest, 'id' | 'state' | 'releasedAt' | 'eventIds'>): Promise<string> {
    const id = newId();
    const { tenant, url } = request;
    await this.vault.ready([tenant]);
    const headers = JSON.stringify(request.headers).replaceAll('\\u0000', '');
    const body = this.vault.bytes(tenant, ['quarantine', id, 'body'], request.body);
    const around = { headers: JSON.parse(headers) as object, url };
    const kept = body
      ? {
          // What follows in it may be a secret.
          url: url.split('?', 1)[0]!,
          headers: this.vault.json(tenant, ['quarantine', id], around, { keyId: body.key }),
          body: body.sealed,
        }
      : { url, headers, body: request.body };
    await this.db
      .insertInto('quarantine')
      .values({
        id,
        tenant: request.tenant,
        source: request.source,
        state: 'held',
        code: request.code,
        reason: request.reason,
        method: request.method,
        ...kept,
        received_at: request.receivedAt,
        event_ids: [],
      })
      .execute();
    return id;
  }

  async list(filter: { tenant?: string; source?: string; state?: string; before?: string; limit?: number }) {
    let query = this.db
      .selectFrom('quarantine')
      .select(['id', 'tenant', 'source', 'state', 'code', 'reason', 'method', 'url', 'event_ids as eventIds'])
      .select(['received_at as receivedAt', 'released_at as releasedAt'])
      .select(
        sql<number>`octet_length(body) - case when headers ? 'keyId' then ${sql.lit(OVERHEAD_BYTES)} else 0 end`.as(
          'bytes',
        ),
      )
      .orderBy('id', 'desc')
      .limit(Math.min(filter.limit ?? 50, 500));
    if (filter.tenant) query = query.where('tenant', '=', filter.tenant);
    if (filter.source) query = query.where('source', '=', filter.source);
    if (filter.state) query = query.where('state', '=', filter.state);
    if (filter.before) query = query.where('id', '<', filter.before);
    return query.execute();
  }

  async countHeld(tenant: string, source: string): Promise<number> {
    const { count } = await this.db
      .selectFrom('quarantine')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where('tenant', '=', tenant)
      .where('source', '=', source)
      .where('state', '=', 'held')
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  async find(id: string): Promise<QuarantinedRequest | undefined> {
    const row = await this.db.selectFrom('quarantine').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) return undefined;
    const { received_at: receivedAt, released_at: releasedAt, event_ids: eventIds, ...rest } = row;
    const { keyId } = row.headers;
    // Names of headers are in lower case: this one is ours.
    if (typeof keyId === 'string') {
      const around = await this.vault.open<object>(['quarantine', id], row.headers);
      Object.assign(rest, around, { body: await this.vault.openBytes(['quarantine', id, 'body'], keyId, row.body) });
    }
    return { ...rest, receivedAt, releasedAt, eventIds } as QuarantinedRequest;
  }

  async markReleased(id: string, eventIds: string[]): Promise<void> {
    await this.db
      .updateTable('quarantine')
      .set({ state: 'released', released_at: new Date(), event_ids: eventIds })
      .where('id', '=', id)
      .execute();
  }

  async drop(id: string): Promise<boolean> {
    const { numDeletedRows } = await this.db.deleteFrom('quarantine').where('id', '=', id).executeTakeFirst();
    return numDeletedRows > 0n;
  }
}
