import type { Kysely } from 'kysely';
import type { Schema } from '../schema';

export interface UsageRow {
  tenant: string;
  /** `YYYY-MM-DD`, UTC. */
  day: string;
  /** A source, or for attempts a queue. */
  source: string;
  /** events, duplicates, attempts.ok, attempts.error */
  metric: string;
  count: number;
  bytes: number;
}

/** What tenants used, counted by the ledger. */
export class Usage {
  constructor(private readonly db: Kysely<Schema>) {}

  async list(filter: { tenant?: string; since?: string; until?: string }): Promise<UsageRow[]> {
    let query = this.db
      .selectFrom('usage')
      .selectAll()
      .orderBy('day')
      .orderBy('tenant')
      .orderBy('source')
      .orderBy('metric');
    if (filter.tenant) query = query.where('tenant', '=', filter.tenant);
    if (filter.since) query = query.where('day', '>=', filter.since);
    if (filter.until) query = query.where('day', '<=', filter.until);
    const rows = await query.limit(10_000).execute();
    return rows.map((row) => ({ ...row, count: Number(row.count), bytes: Number(row.bytes) }));
  }
}
