import type { IngressJob, SpillwayEvent } from '@spillway/contracts';
import type { Pool } from 'pg';
import { floats, texts, uuids } from '../arrays';
import { batched } from '../batcher';
import type { Vault } from '../vault/vault';
import { orderingOf } from './outbox';

/** Events in one statement. */
const MOST = 100;

interface NewEvent {
  job: IngressJob;
  dedupeId: string;
  source: string;
  windowMs: number;
}

/** An event that a queue has taken, and that the ledger does not know yet. */
export interface KeptEvent {
  /** Of its place among them. */
  id: string;
  eventId: string;
  tenant: string;
}

/**
 * Events that are in PostgreSQL as well as in a queue, until the ledger has them: rows of the outbox that need no relaying.
 * With them no accepted event depends on the one server that took it (docs/adr/0010-accepted-in-two-places.md).
 */
export class KeptEvents {
  private readonly keepOne = batched((events: NewEvent[]) => this.keepAll(events), { most: MOST, parallel: 2 });

  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {}

  /**
   * Keeps the event, unless the same one is known: here, or in the records, within its window.
   *
   * @param windowMs how long the same event counts as a duplicate
   * @returns the id of the event that stands for it: its own, or the first one's
   */
  keep(job: IngressJob, dedupeId: string, source: string, windowMs: number): Promise<string> {
    return this.keepOne({ job, dedupeId, source, windowMs });
  }

  /** The queue did not take it: it is to be relayed. @returns whether it is here */
  async relayLater(eventId: string): Promise<boolean> {
    const { rowCount } = await this.pool.query('update outbox set relayed_at = null where event_id = $1', [eventId]);
    return (rowCount ?? 0) > 0;
  }

  /** Its id was told to nobody. */
  async drop(eventId: string): Promise<void> {
    await this.pool.query('delete from outbox where event_id = $1 and relayed_at is not null', [eventId]);
  }

  /** Another one stands for it. */
  async standsFor(eventId: string, standing: string): Promise<void> {
    await this.pool.query('update outbox set duplicate_of = $2 where event_id = $1', [eventId, standing]);
  }

  /** Those that the ledger has need not be kept. @returns how many */
  async forgetConfirmed(most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      `delete from outbox where id in (
         select o.id from outbox o join events e on e.id = o.event_id
         where o.relayed_at is not null and o.duplicate_of is null limit $1)`,
      [most],
    );
    return rowCount ?? 0;
  }

  /** Those that the ledger does not have, oldest first. @param after the last one of the page before */
  async unconfirmed(before: Date, after: string, limit: number): Promise<KeptEvent[]> {
    const { rows } = await this.pool.query<KeptEvent>(
      `select o.id::text, o.event_id::text as "eventId", o.tenant from outbox o
       where o.relayed_at < $1 and o.duplicate_of is null and o.id > $2::bigint
         and not exists (select from events e where e.id = o.event_id)
       order by o.id limit $3`,
      [before, after || '0', limit],
    );
    return rows;
  }

  private async keepAll(events: NewEvent[]): Promise<string[]> {
    await this.vault.ready(new Set(events.map(({ job }) => job.event.tenant)));
    // One statement cannot meet the same row twice.
    const first = [...new Map([...events].reverse().map((one) => [one.dedupeId, one])).values()];
    // Without a name: a kept plan that was made while there were few events would read them all, until they are counted anew.
    const { rows } = await this.pool.query<{ dedupeId: string; id: string }>(KEEP, this.columns(first));
    const standing = new Map(rows.map((row) => [row.dedupeId, row.id]));
    return events.map(({ dedupeId }) => standing.get(dedupeId)!);
  }

  private columns(events: NewEvent[]): Buffer[] {
    return [
      texts(events.map(({ job }) => job.event.tenant)),
      uuids(events.map(({ job }) => job.event.id)),
      texts(events.map((one) => one.dedupeId)),
      texts(events.map((one) => one.source)),
      texts(events.map(({ job }) => job.event.idempotencykey)),
      floats(events.map((one) => one.windowMs)),
      texts(events.map(({ job }) => this.json(job))),
      texts(events.map(({ job }) => ordering(job.event))),
    ];
  }

  private json(job: IngressJob): string {
    const { tenant, id, type, source } = job.event;
    return this.vault.json(tenant, ['outbox', id], job, { event: { type, source } });
  }
}

function ordering({ tenant, source, orderingkey }: SpillwayEvent): string | undefined {
  return orderingkey === undefined ? undefined : orderingOf(tenant, source, orderingkey);
}

/** Whether a row has outlived the window in which it makes another event a duplicate. */
const OLD = `(outbox.relayed_at is not null and outbox.created_at <=
  now() - (select i.window_ms from input i where i.dedupe_id = excluded.dedupe_id) * interval '1 millisecond')`;

/** In the order of what they may meet in, so that two statements do not wait for each other. */
const KEEP = `
  with input as (
    select t.*, (
      select e.id from events e
      where e.tenant = t.tenant and e.source = t.source and e.dedupe_key = t.dedupe_key
        and e.accepted_at > now() - t.window_ms * interval '1 millisecond'
      order by e.accepted_at limit 1
    ) as known
    from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::text[], $8::text[])
      as t (tenant, event_id, dedupe_id, source, dedupe_key, window_ms, job, ordering)
  ), kept as (
    insert into outbox (tenant, event_id, dedupe_id, job, ordering, relayed_at)
    select tenant, event_id, dedupe_id, job::json, ordering, now() from input where known is null order by dedupe_id
    on conflict (dedupe_id) do update set
      event_id = case when ${OLD} then excluded.event_id else outbox.event_id end,
      job = case when ${OLD} then excluded.job else outbox.job end,
      duplicate_of = case when ${OLD} then null else outbox.duplicate_of end,
      relayed_at = case when ${OLD} then excluded.relayed_at else outbox.relayed_at end,
      created_at = case when ${OLD} then now() else outbox.created_at end
    returning dedupe_id, coalesce(duplicate_of, event_id) as event_id
  )
  select input.dedupe_id as "dedupeId", coalesce(input.known, kept.event_id)::text as id
  from input left join kept using (dedupe_id)`;
