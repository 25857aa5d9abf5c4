export interface AuditFilter {
  tenant?: string;
  actor?: string;
  /** `*` stands for any characters. */
  action?: string;
  target?: string;
  outcome?: string;
  since?: Date;
  until?: Date;
  /** Only entries before this number. */
  before?: number;
}

/** An entry as it was written, to the letter: its hash is made of these. */
export const COLUMNS = `seq, id, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, actor,
  actor_id as "actorId", action, tenant, target, details::text as details, address, user_agent as "userAgent", outcome,
  prev, hash, mac`;

/** A filter as a condition. */
export function whereOf(filter: AuditFilter): { text: string; values: unknown[] } {
  const conditions: string[] = ['true'];
  const values: unknown[] = [];
  const add = (condition: string, value: unknown) => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(`${condition} $${values.length}`);
  };
  add('tenant =', filter.tenant);
  add('actor =', filter.actor);
  add('action like', filter.action?.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%'));
  add('target =', filter.target);
  add('outcome =', filter.outcome);
  add('at >=', filter.since);
  add('at <', filter.until);
  add('seq <', filter.before);
  return { text: conditions.join(' and '), values };
}
