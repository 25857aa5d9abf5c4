import type { Kysely } from 'kysely';
import type { Schema } from '../schema';

export interface UsageRow {
  tenant: string;
  /** `YYYY-MM-DD`, UTC. */
  day: string;
  /** A source; for attempts a queue, for messages a channel. */
  source: string;
  /** events, duplicates, attempts.ok, attempts.error, messages */
  metric: string;
  count: number;
  bytes: number;
  /** When it was last counted up. */
  changedAt: Date;
}

export interface UsageFilter {
  tenant?: string;
  /** Days, both included. */
  since?: string;
  until?: string;
  /** Only what was counted up after this time; for those who ask again and again. */
  changedAfter?: Date;
}

/** Rows in one answer. */
const MOST_ROWS = 10_000;

/** What tenants used, counted by the ledger. */
export class Usage {
  constructor(private readonly db: Kysely<Schema>) {}

  /** Oldest day first; with `changedAfter`, oldest change first. */
  async list({ tenant, since, until, changedAfter }: UsageFilter): Promise<UsageRow[]> {
    let query = this.db.selectFrom('usage').selectAll();
    if (changedAfter) query = query.where('changed_at', '>', changedAfter).orderBy('changed_at');
    if (tenant) query = query.where('tenant', '=', tenant);
    if (since) query = query.where('day', '>=', since);
    if (until) query = query.where('day', '<=', until);
    const rows = await query
      .orderBy('day')
      .orderBy('tenant')
      .orderBy('source')
      .orderBy('metric')
      .limit(MOST_ROWS)
      .execute();
    return rows.map(({ changed_at, count, bytes, ...row }) => ({
      ...row,
      count: Number(count),
      bytes: Number(bytes),
      changedAt: changed_at,
    }));
  }
}
