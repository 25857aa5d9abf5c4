import type { SpillwayEvent } from '@spillway/contracts';
import type { Pool } from 'pg';
import { jsons, texts } from '../../arrays';
import { isUnreadable, type Vault } from '../../vault/vault';
import { inboxJson } from './commit';
import { findable, type Indexed } from './lookups';

/** Events that are looked at together. */
const PAGE = 500;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** For so many types of events is known which recipes listeners have. */
const MOST_TYPES = 10_000;

/** How listeners of a type are looked up. */
type Recipe = Pick<Indexed, 'type' | 'recipe'>;

/** The different recipes of a type `t.type`, each found by a step in the index, however many listeners have it. */
const RECIPES = `with recursive next as (
    (select min(recipe) as recipe from run_listens where tenant = $1 and type = t.type)
    union all
    select (select min(l.recipe) from run_listens l where l.tenant = $1 and l.type = t.type and l.recipe > next.recipe)
    from next where next.recipe is not null
  )
  select recipe from next where recipe is not null`;

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
  private readonly recipes = new Map<string, Recipe[]>();

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

  /**
   * Puts an event that is kept into the inbox of every run that may want it. Listeners are found by digests of what they
   * want, one for each recipe that listeners of its type have; which recipes there are is known from the event before.
   * The same statement that looks the listeners up tells the recipes there are, so that none is passed over: where one is
   * new, it is done again.
   *
   * @param keyOf makes a key of the event as runs get it
   */
  async hear(event: SpillwayEvent, keyOf: (recipe: string, event: object) => string | undefined): Promise<Listener[]> {
    const { tenant, id, type } = event;
    const heard = asHeard(event);
    const input = this.inboxJson(event);
    const keys = new Map<string, string | undefined>();
    const once = (recipe: string) => {
      if (!keys.has(recipe)) keys.set(recipe, keyOf(recipe, heard));
      return keys.get(recipe);
    };
    const named = JSON.stringify([tenant, type]);
    let recipes = this.recipes.get(named) ?? [];
    for (;;) {
      const found = await findable(this.vault, tenant, recipes, once);
      const { listeners, current } = await this.lookUp({ tenant, id, type, input }, found);
      const isKnown = (one: Recipe) => recipes.some(({ type, recipe }) => type === one.type && recipe === one.recipe);
      const isWhole = current.every(isKnown);
      recipes = current;
      if (this.recipes.size >= MOST_TYPES) this.recipes.clear();
      this.recipes.set(named, current);
      if (isWhole) return listeners;
    }
  }

  private async lookUp(
    { tenant, id, type, input }: { tenant: string; id: string; type: string; input: string },
    found: Indexed[],
  ): Promise<{ listeners: Listener[]; current: Recipe[] }> {
    const wanted = [{ type: '', recipe: '', digest: '' }, { type, recipe: '', digest: '' }, ...found];
    const { rows } = await this.pool.query<Listener & Recipe>({
      name: 'listening-deliver',
      text: `with meant as (
          select distinct l.run_id
          from unnest($5::text[], $6::text[], $7::text[]) as t (type, recipe, digest)
          join run_listens l on l.tenant = $1 and l.type = t.type and l.recipe = t.recipe and l.digest = t.digest
          join runs r on r.id = l.run_id
          where r.event_id <> $2::uuid and not exists (select from run_heard h where h.run_id = l.run_id and h.event_id = $2::uuid)
        ), delivered as (
          insert into run_inbox (run_id, key, input) select run_id, 'e' || $2::uuid::text, $4::json from meant
          on conflict do nothing
        )
        select r.id as "runId", r.flow, r.priority, r.correlation_id as "correlationId", r.event_id as "eventId",
          null as type, null as recipe
        from meant join runs r on r.id = meant.run_id
        union all
        select null, null, null, null, null, t.type, s.recipe
        from unnest(array['', $3::text]) as t (type) cross join lateral (${RECIPES}) s where s.recipe > ''`,
      values: [
        tenant,
        id,
        type,
        input,
        texts(wanted.map((one) => one.type)),
        texts(wanted.map((one) => one.recipe)),
        texts(wanted.map((one) => one.digest)),
      ],
    });
    return {
      listeners: rows.filter(({ runId }) => runId !== null),
      current: rows.filter(({ recipe }) => recipe !== null),
    };
  }

  /**
   * Puts the events that came before the run listened into its inbox; not the one that began it, nor what it consumed.
   *
   * @param isMeant whether an event, as runs get it, may be wanted
   * @returns how many there are
   */
  async catchUp(
    run: { id: string; tenant: string; eventId: string },
    { types, since, isMeant }: { types: string[] | null; since: Date; isMeant: (event: object) => boolean },
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
      const meant = events
        .map(([event]) => event as SpillwayEvent)
        .filter((event) => !isUnreadable(event) && isMeant(asHeard(event)));
      if (meant.length > 0) await this.deliver(run, meant);
      count += meant.length;
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
      values: [run.id, texts(events.map(({ id }) => `e${id}`)), jsons(events.map((event) => this.inboxJson(event)))],
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
