import type { SpillwayEvent } from '@spillway/contracts';
import type { Pool } from 'pg';
import type { Vault } from '../../vault/vault';
import { inboxJson } from './commit';

/** Events that are looked at together. */
const PAGE = 500;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** A run that may want an event. */
export interface Listener {
  runId: string;
  flow: string;
  priority: string;
  correlationId: string;
  eventId: string;
}

/**
 * Brings events to the runs that listen, whichever comes first: an event is kept before listeners are looked for, and a
 * listener is kept before events are looked for. The engine decides whether it was meant; the inbox takes each once.
 */
export class Listening {
  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {}

  /** Keeps an event that flows of its tenant may listen for. */
  async keep(event: SpillwayEvent): Promise<void> {
    const { tenant, id, type } = event;
    await this.vault.ready([tenant]);
    await this.pool.query({
      name: 'listening-keep',
      text: 'insert into run_events (tenant, id, type, event) values ($1, $2, $3, $4) on conflict do nothing',
      values: [tenant, id, type, this.vault.json(tenant, ['heard', id], event)],
    });
  }

  /** Puts an event that is kept into the inbox of every run that may want it. */
  async hear(event: SpillwayEvent): Promise<Listener[]> {
    const { tenant, id, type } = event;
    const { rows } = await this.pool.query<Listener>({
      name: 'listening-deliver',
      text: `with meant as (
          select distinct l.run_id from run_listens l join runs r on r.id = l.run_id
          where l.tenant = $1 and (l.types is null or $3 = any(l.types)) and r.event_id <> $2::uuid
            and not exists (select from run_heard h where h.run_id = l.run_id and h.event_id = $2::uuid)
        ), delivered as (
          insert into run_inbox (run_id, key, input) select run_id, 'e' || $2::uuid::text, $4::json from meant
          on conflict do nothing
        )
        select r.id as "runId", r.flow, r.priority, r.correlation_id as "correlationId", r.event_id as "eventId"
        from meant join runs r on r.id = meant.run_id`,
      values: [tenant, id, type, this.inboxJson(event)],
    });
    return rows;
  }

  /**
   * Puts the events that came before the run listened into its inbox; not the one that began it, nor what it consumed.
   *
   * @returns how many there are
   */
  async catchUp(
    run: { id: string; tenant: string; eventId: string },
    { types, since }: { types: string[] | null; since: Date },
  ): Promise<number> {
    let count = 0;
    let after: { at: string; id: string } | undefined;
    do {
      const { rows } = await this.pool.query<{ event: SpillwayEvent; at: string; id: string }>({
        name: 'listening-past',
        text: `select event, id, at::text from run_events
          where tenant = $1 and ($2::text[] is null or type = any($2::text[])) and (at, id) > ($3::timestamptz, $4::uuid)
            and id <> $5::uuid and not exists (select from run_heard h where h.run_id = $6 and h.event_id = run_events.id)
          order by at, id limit ${PAGE}`,
        values: [run.tenant, types, after?.at ?? since, after?.id ?? FIRST_ID, run.eventId, run.id],
      });
      const events = await this.vault.showAll(rows, ({ id, event }) => [[['heard', id], event]]);
      if (rows.length > 0) {
        await this.deliver(
          run,
          events.map(([event]) => event as SpillwayEvent),
        );
      }
      count += rows.length;
      after = rows.length === PAGE ? rows.at(-1) : undefined;
    } while (after);
    return count;
  }

  private async deliver(run: { id: string; tenant: string }, events: SpillwayEvent[]): Promise<void> {
    await this.vault.ready([run.tenant]);
    await this.pool.query({
      name: 'listening-catch-up',
      text: `insert into run_inbox (run_id, key, input) select $1, * from unnest($2::text[], $3::json[])
        on conflict do nothing`,
      values: [run.id, events.map(({ id }) => `e${id}`), events.map((event) => this.inboxJson(event))],
    });
  }

  private inboxJson(event: SpillwayEvent): string {
    const input = { kind: 'event', event: asHeard(event) };
    return inboxJson(this.vault, event.tenant, ['inbox', `e${event.id}`], input);
  }

  /** @returns how many were forgotten */
  async forgetBefore(time: Date, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      'delete from run_events where (tenant, id) in (select tenant, id from run_events where at < $1 limit $2)',
      [time, most],
    );
    return rowCount ?? 0;
  }
}

/** An event that a flow emitted has the source that the flow gave it. */
export function asHeard({ originsource, ...event }: SpillwayEvent): object {
  return originsource === undefined ? event : { ...event, source: originsource };
}
