import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../../transaction';
import { isUnreadable, type Vault } from '../../vault/vault';
import { insertRuns } from './commit';
import type { RunRow } from './run-rows';

/** An event that may begin a run together with others. */
export interface Gathered {
  tenant: string;
  flow: string;
  event: { id: string };
  /** Where it belongs; it counts for one of these. */
  places: { filter: string; keys: string }[];
  /** All that a run needs one event for, in the order of its input. */
  filters: string[];
}

/** Runs of a flow are looked at as far back as this, to find the one that ended last. */
const MOST_RUNS = 20;

/** What begins runs beside the routes: events that come together, and the end of the run before. */
export class Starts {
  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {}

  /**
   * Keeps an event, and begins a run when there is one for each filter with the same keys, the oldest first: all in one
   * transaction, so that a crash neither loses an event nor counts it twice. The same event again is nothing new.
   *
   * @param begin makes the run from its events, in the order of the filters
   * @returns the run that this event completed, also if it was begun before a crash
   */
  async gather(gathered: Gathered, begin: (events: unknown[]) => RunRow): Promise<{ id: string } | undefined> {
    await this.vault.ready([gathered.tenant]);
    return inTransaction(this.pool, (client) => this.take(client, gathered, begin));
  }

  /** When the runs of flows ended last; without `id` there has been none, and `open` says that one is under way. */
  async lastEnds(flows: { tenant: string; flow: string }[]) {
    const { rows } = await this.pool.query<{
      tenant: string;
      flow: string;
      open: boolean;
      id: string | null;
      endedAt: Date | null;
    }>(
      `select t.tenant, t.flow, l.* from unnest($1::text[], $2::text[]) as t (tenant, flow)
       cross join lateral (
         select coalesce(bool_or(ended_at is null), false) as open, (array_agg(id order by ended_at desc))[1] as id,
           max(ended_at) as "endedAt"
         from (
           select id, ended_at from runs
           where runs.tenant = t.tenant and runs.flow = t.flow and parent_run is null
           order by started_at desc limit ${MOST_RUNS}
         ) newest
       ) l`,
      [flows.map((one) => one.tenant), flows.map((one) => one.flow)],
    );
    return rows;
  }

  /** @returns how many were forgotten */
  async forgetBefore(time: Date, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      `delete from flow_gathered where (tenant, flow, event_id) in (
         select tenant, flow, event_id from flow_gathered where at < $1 limit $2
       )`,
      [time, most],
    );
    return rowCount ?? 0;
  }

  private async take(
    client: PoolClient,
    { tenant, flow, event, places, filters }: Gathered,
    begin: (events: unknown[]) => RunRow,
  ): Promise<{ id: string } | undefined> {
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`gather ${tenant} ${flow}`]);
    const known = await client.query<{ runId: string | null }>(
      `select run_id as "runId" from flow_gathered where tenant = $1 and flow = $2 and event_id = $3`,
      [tenant, flow, event.id],
    );
    if (known.rows[0]) {
      const { runId } = known.rows[0];
      return runId?.startsWith(`${event.id}.`) ? { id: runId } : undefined;
    }
    const { rows } = await client.query<{ filter: string; keys: string; eventId: string; event: unknown }>(
      `select distinct on (keys, filter) filter, keys, event_id as "eventId", event from flow_gathered
       where tenant = $1 and flow = $2 and run_id is null and keys = any($3::text[]) order by keys, filter, at, event_id`,
      [tenant, flow, places.map(({ keys }) => keys)],
    );
    const opened = await this.vault.showAll(rows, (row) => [[['gathered', flow, row.eventId], row.event]]);
    const waiting = rows
      .map((row, at) => ({ ...row, event: opened[at]![0] }))
      .filter((row) => !isUnreadable(row.event));
    const isThere = ({ filter, keys }: Gathered['places'][number]) =>
      waiting.some((one) => one.filter === filter && one.keys === keys);
    const place = places.find((one) => !isThere(one)) ?? places[0]!;
    const events = filters.map((filter) => {
      if (filter === place.filter && !isThere(place)) return { eventId: event.id, event };
      return waiting.find((one) => one.filter === filter && one.keys === place.keys);
    });
    const isWhole = events.every((one) => one !== undefined);
    const run = isWhole ? begin(events.map((one) => one.event)) : undefined;
    await client.query(
      `insert into flow_gathered (tenant, flow, event_id, filter, keys, event, run_id) values ($1, $2, $3, $4, $5, $6, $7)`,
      [
        tenant,
        flow,
        event.id,
        place.filter,
        place.keys,
        this.vault.json(tenant, ['gathered', flow, event.id], event),
        run?.id ?? null,
      ],
    );
    if (!run) return undefined;
    await client.query(
      `update flow_gathered set run_id = $3 where tenant = $1 and flow = $2 and event_id = any($4::uuid[])`,
      [tenant, flow, run.id, events.map((one) => one!.eventId)],
    );
    await insertRuns(client, [run], this.vault);
    return { id: run.id };
  }
}
