import type { Kysely } from 'kysely';
import type { Schema } from '../schema';

export interface AuditEntry {
  /** `key:…`, `user:…` or `cli`. */
  actor: string;
  /** `resource.apply`, `dead-letter.redrive`, … */
  action: string;
  tenant?: string;
  target: string;
  details?: Record<string, unknown>;
  address?: string;
}

/** Who did what to the platform. */
export class AuditLog {
  constructor(private readonly db: Kysely<Schema>) {}

  async record(entry: AuditEntry): Promise<void> {
    await this.db
      .insertInto('audit')
      .values({
        actor: entry.actor,
        action: entry.action,
        tenant: entry.tenant ?? null,
        target: entry.target,
        details: JSON.stringify(entry.details ?? {}),
        address: entry.address ?? null,
      })
      .execute();
  }

  async list(filter: { tenant?: string; before?: string; limit?: number }) {
    let query = this.db
      .selectFrom('audit')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(Math.min(filter.limit ?? 50, 500));
    if (filter.tenant) query = query.where('tenant', '=', filter.tenant);
    if (filter.before) query = query.where('id', '<', filter.before);
    return query.execute();
  }
}
