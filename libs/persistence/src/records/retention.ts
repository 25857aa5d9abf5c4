import type { Pool } from 'pg';
import { isUnreadable, type Vault } from '../vault/vault';
import { reviveShared } from './runs/shared-json';

/**
 * Forgets what has outlived its time, tenant by tenant and in batches, oldest first, so that no statement holds locks for
 * long. Nothing that is still moving is forgotten.
 */
export class RetentionRecords {
  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {}

  /** Every tenant that has events, also those that are gone. */
  async tenants(): Promise<string[]> {
    // One index look-up a tenant; "distinct" would read all rows.
    const { rows } = await this.pool.query<{ tenant: string }>(
      `with recursive t as (
         (select tenant from events order by tenant limit 1)
         union all
         select (select tenant from events where tenant > t.tenant order by tenant limit 1) from t where t.tenant is not null
       ) select tenant from t where tenant is not null`,
    );
    return rows.map((row) => row.tenant);
  }

  /** Ended events of a tenant, with all that belongs to them. @returns how many */
  async forgetEvents(tenant: string, before: Date, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      `with gone as (
        delete from events where id in (
          select id from events where tenant = $1 and accepted_at < $2 and state not in ('accepted', 'moving')
          order by accepted_at limit $3
        ) returning id
      ), j as (delete from jobs using gone where jobs.event_id = gone.id),
      a as (delete from attempts using gone where attempts.event_id = gone.id),
      r as (delete from runs using gone where runs.event_id = gone.id returning runs.id),
      k as (delete from run_callbacks using r where run_callbacks.run_id = r.id),
      t as (delete from run_tasks using r where run_tasks.run_id = r.id),
      x as (delete from run_contexts using r where run_contexts.run_id = r.id),
      h as (delete from run_heard using r where run_heard.run_id = r.id),
      o as (delete from run_restarts using r where run_restarts.run_id = r.id),
      i as (delete from run_inbox using r where run_inbox.run_id = r.id),
      c as (delete from collisions using gone where collisions.event_id = gone.id)
      select id from gone`,
      [tenant, before, most],
    );
    return rowCount ?? 0;
  }

  /**
   * What providers sent in ended events of a tenant, and what runs made of it; the ledger stays.
   *
   * @param from where a pass before this one came to
   * @returns how many, and where this one came to; undefined when it came to the end
   */
  async forgetPayloads(
    tenant: string,
    from: Date,
    before: Date,
    most: number,
  ): Promise<{ count: number; reached?: Date }> {
    await this.vault.ready([tenant]);
    const { rows } = await this.pool.query<{ id: string; event: unknown; accepted_at: Date }>(
      `select id, event, accepted_at from events
       where tenant = $1 and accepted_at >= $2 and accepted_at < $3 and not payload_gone
         and state not in ('accepted', 'moving')
       order by accepted_at limit $4`,
      [tenant, from, before, most],
    );
    if (rows.length > 0) {
      const ids = rows.map((row) => row.id);
      const events = await Promise.all(rows.map(({ id, event }) => this.withoutData(tenant, id, event)));
      const ended = await this.pool.query<{ id: string; state: unknown }>(
        'select id, state from runs where event_id = any($1::uuid[]) and ended_at is not null',
        [ids],
      );
      const states = await Promise.all(ended.rows.map(({ id, state }) => this.endOf(tenant, id, state)));
      await this.pool.query(
        `with e as (
          update events set event = t.event, payload_gone = true
          from unnest($1::uuid[], $2::json[]) as t (id, event) where events.id = t.id
        ), r as (
          update runs set state = t.state from unnest($3::text[], $4::json[]) as t (id, state)
          where runs.id = t.id and ended_at is not null returning runs.id
        ), c as (delete from run_contexts using r where run_contexts.run_id = r.id),
        g as (update flow_gathered set event = 'null' where event_id = any($1) and run_id is not null)
        update run_tasks set input = null, output = null, answer = null, error = null from r where run_tasks.run_id = r.id`,
        [ids, events, ended.rows.map(({ id }) => id), states],
      );
    }
    return { count: rows.length, ...(rows.length === most && { reached: rows.at(-1)!.accepted_at }) };
  }

  private async withoutData(tenant: string, id: string, stored: unknown): Promise<string> {
    const event = await this.vault.show<Record<string, unknown>>(['event', id], stored);
    // What nobody can read stays as it is.
    if (isUnreadable(event)) return JSON.stringify(stored);
    return this.vault.json(tenant, ['event', id], { ...event, data: null });
  }

  private async endOf(tenant: string, id: string, stored: unknown): Promise<string> {
    const kept = await this.vault.show(['run', id], stored);
    if (isUnreadable(kept)) return JSON.stringify(stored);
    const { status, startedAt, next } = reviveShared(kept) as Record<string, unknown>;
    const end = { status, input: null, context: null, startedAt, next, agenda: [], undo: [] };
    return this.vault.json(tenant, ['run', id], end);
  }

  /** Quarantined requests of a tenant. @returns how many */
  async forgetQuarantine(tenant: string, before: Date, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      `delete from quarantine where id in (
         select id from quarantine where tenant = $1 and received_at < $2 order by received_at limit $3)`,
      [tenant, before, most],
    );
    return rowCount ?? 0;
  }
}
