import type { SpillwayEvent } from '@spillway/contracts';
import type { Pool } from 'pg';

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
  constructor(private readonly pool: Pool) {}

  /** Keeps an event that flows of its tenant may listen for, and puts it into the inbox of every run that may want it. */
  async hear(event: SpillwayEvent): Promise<Listener[]> {
    const { tenant, id, type } = event;
    await this.pool.query({
      name: 'listening-keep',
      text: 'insert into run_events (tenant, id, type, event) values ($1, $2, $3, $4) on conflict do nothing',
      values: [tenant, id, type, JSON.stringify(event)],
    });
    const { rows } = await this.pool.query<Listener>({
      name: 'listening-deliver',
      text: `with meant as (
          select distinct run_id from run_listens where tenant = $1 and (types is null or $3 = any(types))
        ), delivered as (
          insert into run_inbox (run_id, key, input) select run_id, 'e' || $2::text, $4::json from meant
          on conflict do nothing
        )
        select r.id as "runId", r.flow, r.priority, r.correlation_id as "correlationId", r.event_id as "eventId"
        from meant join runs r on r.id = meant.run_id`,
      values: [tenant, id, type, JSON.stringify({ kind: 'event', event: asHeard(event) })],
    });
    return rows;
  }

  /** Events that came before the run listened. @param heard ids that it has consumed @returns how many there are */
  async catchUp(
    run: { id: string; tenant: string },
    { types, since }: { types: string[] | null; since: Date },
    heard: readonly string[],
  ): Promise<number> {
    const { rows } = await this.pool.query<{ event: SpillwayEvent }>({
      name: 'listening-past',
      text: `select event from run_events
        where tenant = $1 and ($2::text[] is null or type = any($2::text[])) and at >= $3 order by at limit 1000`,
      values: [run.tenant, types, since],
    });
    const missed = rows.filter(({ event }) => !heard.includes(event.id));
    if (missed.length === 0) return 0;
    await this.pool.query({
      name: 'listening-catch-up',
      text: `insert into run_inbox (run_id, key, input) select $1, * from unnest($2::text[], $3::json[])
        on conflict do nothing`,
      values: [
        run.id,
        missed.map(({ event }) => `e${event.id}`),
        missed.map(({ event }) => JSON.stringify({ kind: 'event', event: asHeard(event) })),
      ],
    });
    return missed.length;
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
function asHeard({ originsource, ...event }: SpillwayEvent): object {
  return originsource === undefined ? event : { ...event, source: originsource };
}
