import { type IngressJob, sha256 } from '@spillway/contracts';
import type { Pool } from 'pg';
import { ADVISORY_LOCKS } from '../advisory-locks';
import { inTransaction } from '../transaction';
import { isUnreadable, type Vault } from '../vault/vault';

/** What is to be relayed; the rest has been, or is kept aside by a quota. */
const WAITS = 'relayed_at is null and parked_for is null';

export interface OutboxEntry {
  id: string;
  dedupeId: string;
  job: IngressJob;
}

export interface FoundInOutbox {
  job: IngressJob;
  dedupeId: string;
  duplicateOf: string | null;
  /** When a queue had it. */
  relayedAt: Date | null;
}

/** An event that was accepted and is kept aside. */
export interface ParkedEvent {
  /** Of its place in the line. */
  id: string;
  tenant: string;
  eventId: string;
  quota: string;
  parkedAt: Date;
  type: string;
  source: string;
}

/** Where accepted events wait while the queues are away (docs/architecture.md, "Accepting"). */
export class Outbox {
  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {}

  /**
   * Keeps the event, unless the same one is known: in the outbox, or in the records within its window.
   *
   * @param windowMs how long the same event counts as a duplicate
   * @param parkedFor the quota that keeps it aside until it is released
   * @returns the id of the event that stands for it: its own, or the first one's
   */
  async put(job: IngressJob, dedupeId: string, source: string, windowMs: number, parkedFor?: string): Promise<string> {
    const { event } = job;
    await this.vault.ready([event.tenant]);
    const kept = this.vault.json(event.tenant, ['outbox', event.id], job, {
      event: { type: event.type, source: event.source },
    });
    const { rows } = await this.pool.query<{ id: string }>(
      `with known as (
         select id::text from events
         where tenant = $1 and source = $2 and dedupe_key = $3 and accepted_at > now() - $4 * interval '1 millisecond'
         order by accepted_at limit 1
       ), kept as (
         insert into outbox (tenant, event_id, dedupe_id, job, parked_for, ordering)
         select $1, $5, $6, $7, $8, $9 where not exists (select from known)
         on conflict (dedupe_id) do update set dedupe_id = excluded.dedupe_id
         returning event_id::text as id
       )
       select id from known union all select id from kept`,
      [
        event.tenant,
        source,
        event.idempotencykey,
        windowMs,
        event.id,
        dedupeId,
        kept,
        parkedFor ?? null,
        event.orderingkey === undefined ? null : orderingOf(event.tenant, event.source, event.orderingkey),
      ],
    );
    return rows[0]!.id;
  }

  /** An event that came in through here. */
  async find(eventId: string): Promise<FoundInOutbox | undefined> {
    const { rows } = await this.pool.query<FoundInOutbox>(
      `select job, dedupe_id as "dedupeId", duplicate_of as "duplicateOf", relayed_at as "relayedAt"
       from outbox where event_id = $1`,
      [eventId],
    );
    if (!rows[0]) return undefined;
    return { ...rows[0], job: await this.vault.open(['outbox', eventId], rows[0].job) };
  }

  /** Events that wait to be relayed. */
  async depth(): Promise<number> {
    return (await this.waiting()).depth;
  }

  /** How many wait to be relayed, and since when the first of them; what a quota keeps aside waits for an operator. */
  async waiting(): Promise<{ depth: number; oldest?: Date }> {
    const { rows } = await this.pool.query<{ count: string; oldest: Date | null }>(
      `select count(*), min(created_at) as oldest from outbox where ${WAITS}`,
    );
    return { depth: Number(rows[0]!.count), oldest: rows[0]!.oldest ?? undefined };
  }

  /** Whether any event with an ordering key is here, waiting or kept aside. */
  async holdsOrdered(): Promise<boolean> {
    const { rows } = await this.pool.query<{ holds: boolean }>(
      'select exists (select from outbox where relayed_at is null and ordering is not null) as holds',
    );
    return rows[0]!.holds;
  }

  /**
   * What an event of this ordering key would overtake.
   *
   * @param source path of the event's source
   * @returns nothing when no older one is here; with a quota when one of them is kept aside for it
   */
  async ahead(tenant: string, source: string, orderingKey: string): Promise<{ parkedFor?: string } | undefined> {
    const { rows } = await this.pool.query<{ quota: string | null }>(
      `select parked_for as quota from outbox where relayed_at is null and ordering = $1
       order by parked_for is null, id desc limit 1`,
      [orderingOf(tenant, source, orderingKey)],
    );
    return rows[0] && { parkedFor: rows[0].quota ?? undefined };
  }

  /**
   * Hands waiting events to `relay`, oldest first, and marks those it took; a relay that throws leaves all waiting. One
   * process at a time, so that their order is kept; another one finds nothing.
   *
   * @param relay gives back, for each entry, the id of the event that stands for it in the queue, or nothing if it has to wait
   * @returns how many were relayed
   */
  async relay(most: number, relay: (entries: OutboxEntry[]) => Promise<(string | undefined)[]>): Promise<number> {
    return inTransaction(this.pool, async (client) => {
      const { rows: lock } = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [
        ADVISORY_LOCKS.outbox,
      ]);
      const { rows } = lock[0]!.mine
        ? await client.query<{ id: string; dedupe_id: string; event_id: string; job: unknown }>(
            `select id, dedupe_id, event_id, job from outbox where ${WAITS}
             order by id limit $1 for update`,
            [most],
          )
        : { rows: [] };
      if (rows.length === 0) return 0;
      const opened = await this.vault.showAll(rows, (row) => [[['outbox', row.event_id], row.job]]);
      const entries = rows
        .map((row, at) => ({ id: row.id, dedupeId: row.dedupe_id, job: opened[at]![0] as IngressJob }))
        .filter(({ job }) => !isUnreadable(job));
      const standing = await relay(entries);
      await client.query(
        `update outbox set relayed_at = now(), duplicate_of = nullif(t.standing, outbox.event_id)
         from unnest($1::bigint[], $2::uuid[]) as t (id, standing) where outbox.id = t.id and t.standing is not null`,
        [entries.map((entry) => entry.id), standing.map((id) => id ?? null)],
      );
      return standing.filter((id) => id !== undefined).length;
    });
  }

  /** Events that a quota keeps aside, oldest first. */
  async parked(tenant: string | undefined, after: string, limit: number): Promise<ParkedEvent[]> {
    const { rows } = await this.pool.query<ParkedEvent>(
      `select id::text, tenant, event_id as "eventId", parked_for as quota, created_at as "parkedAt",
         job -> 'event' ->> 'type' as type, job -> 'event' ->> 'source' as source
       from outbox where parked_for is not null and ($1::text is null or tenant = $1) and id > $2::bigint
       order by id limit $3`,
      [tenant ?? null, after || '0', limit],
    );
    return rows;
  }

  /** Lets the oldest parked events of a tenant go their way. @returns how many */
  async release(tenant: string, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      `update outbox set parked_for = null where id in (
         select id from outbox where parked_for is not null and tenant = $1 order by id limit $2 for update skip locked)`,
      [tenant, most],
    );
    return rowCount ?? 0;
  }

  /** Forgets the oldest parked events of a tenant for good. @returns how many */
  async dropParked(tenant: string, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      `delete from outbox where id in (
         select id from outbox where parked_for is not null and tenant = $1 order by id limit $2 for update skip locked)`,
      [tenant, most],
    );
    return rowCount ?? 0;
  }

  /** Relayed rows keep deduplicating for a while, then go. */
  async forgetBefore(time: Date, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      'delete from outbox where id in (select id from outbox where relayed_at < $1 limit $2)',
      [time, most],
    );
    return rowCount ?? 0;
  }
}

/** Tells ordering keys apart, also where what is kept is sealed. */
export function orderingOf(tenant: string, source: string, key: string): string {
  return sha256(`${tenant}\0${source}\0${key}`);
}
