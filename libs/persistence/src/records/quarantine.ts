import { newId } from '@spillway/contracts';
import type { Kysely } from 'kysely';
import type { Schema } from '../schema';

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
  constructor(private readonly db: Kysely<Schema>) {}

  /** @returns the id under which the request is kept */
  async hold(request: Omit<QuarantinedRequest, 'id' | 'state' | 'releasedAt' | 'eventIds'>): Promise<string> {
    const id = newId();
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
        url: request.url,
        headers: JSON.stringify(request.headers).replaceAll('\\u0000', ''),
        body: request.body,
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
      .select((eb) => eb.fn<number>('octet_length', ['body']).as('bytes'))
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
