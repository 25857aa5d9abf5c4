import { type Fact, TransientError } from '@spillway/contracts';
import type { Pool, PoolClient } from 'pg';
import { bools, ints, jsons, texts, times, uuids } from '../arrays';
import { inTransaction } from '../transaction';
import { fold, type Folded } from './fold';
import type { Vault } from '../vault/vault';
import { upsertJobs } from './ledger-jobs';
import { countUsage, usageOf } from './ledger-usage';
import { IS_OPEN_JOB } from './open-jobs';

/**
 * What happened, in PostgreSQL. Facts may come twice and in any order: each is recorded once, states move by the time of
 * the fact, and an event's state is worked out from its jobs.
 */
export class Ledger {
  constructor(
    private readonly pool: Pool,
    private readonly vault: Vault,
  ) {}

  /**
   * Records facts in one transaction.
   *
   * @throws TransientError `records-unavailable` when PostgreSQL is away or refuses.
   */
  async record(facts: Fact[]): Promise<void> {
    await this.recordJobs([{ facts }]);
  }

  /**
   * Records what jobs of facts carry, in one transaction; a job that was recorded before counts nothing twice.
   *
   * @throws TransientError `records-unavailable` when PostgreSQL is away or refuses.
   */
  async recordJobs(jobs: { id?: string; facts: Fact[] }[]): Promise<void> {
    if (jobs.every(({ facts }) => facts.length === 0)) return;
    await this.vault.ready(jobs.flatMap(({ facts }) => facts.map(({ tenant }) => tenant)));
    try {
      await inTransaction(this.pool, async (client) => this.write(client, await newFacts(client, jobs)));
    } catch (cause) {
      throw new TransientError(`the ledger could not be written: ${String(cause)}`, {
        code: 'records-unavailable',
        cause,
      });
    }
  }

  private async write(client: PoolClient, facts: Fact[]): Promise<void> {
    const folded = fold(facts);
    const { vault } = this;
    const fresh = await insertEvents(client, folded, vault);
    const moving = await lockEvents(client, folded, fresh);
    const open = await upsertJobs(client, folded, vault);
    await insertAttempts(client, folded, vault);
    await insertDuplicates(client, folded);
    // One that was moving, and has a job or a run that is open, moves on.
    const unsure = folded.eventIds.filter((id) => moving.has(id) && !open.has(id));
    for (const id of await withOpenRuns(client, unsure)) open.add(id);
    const unsettled = folded.eventIds.filter((id) => !(moving.has(id) && open.has(id)));
    await settleEvents(client, folded, unsettled, vault);
  }

  /** Jobs of facts that were recorded before `time` cannot come again. @returns how many were forgotten */
  async forgetBefore(time: Date, most: number): Promise<number> {
    const { rowCount } = await this.pool.query(
      'delete from ledger_jobs where id in (select id from ledger_jobs where at < $1 limit $2)',
      [time, most],
    );
    return rowCount ?? 0;
  }
}

/** What of these has not been recorded yet. Another process that records the same job at the same time is waited for. */
async function newFacts(client: PoolClient, jobs: { id?: string; facts: Fact[] }[]): Promise<Fact[]> {
  const ids = jobs.flatMap(({ id }) => id ?? []).sort();
  if (ids.length === 0) return jobs.flatMap(({ facts }) => facts);
  const { rows } = await client.query<{ id: string }>({
    name: 'ledger-new',
    text: 'insert into ledger_jobs (id) select unnest($1::text[]) on conflict do nothing returning id',
    values: [texts(ids)],
  });
  const fresh = new Set(rows.map((row) => row.id));
  return jobs.flatMap(({ id, facts }) => (id === undefined || fresh.has(id) ? facts : []));
}

/**
 * New events, and the usage that only a new event counts for. One that was routed, to jobs, in the same batch is moving
 * from the start.
 *
 * @returns the events that are new and moving
 */
async function insertEvents(client: PoolClient, { accepted, routed }: Folded, vault: Vault): Promise<Set<string>> {
  if (accepted.length === 0) return new Set();
  const routes = new Map(routed.filter((fact) => fact.jobs.length > 0).map((fact) => [fact.eventId, fact]));
  const { rows } = await client.query<{ id: string }>({
    name: 'ledger-events',
    text: `with fresh as (
        insert into events (id, tenant, source, provider, type, subject, provider_id, dedupe_key, body_sha256, bytes,
          correlation_id, via, event, accepted_at, routed_at, state)
        select *, case when routed_at is null then 'accepted' else 'moving' end
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
          $8::text[], $9::text[], $10::int[], $11::text[], $12::text[], $13::json[], $14::timestamptz[],
          $15::timestamptz[]) as t (id, tenant, source, provider, type, subject, provider_id, dedupe_key, body_sha256,
          bytes, correlation_id, via, event, accepted_at, routed_at)
        on conflict (id) do nothing
        returning id, tenant, source, bytes, accepted_at, state
      ), counted as (
        insert into usage (tenant, day, source, metric, count, bytes)
        select tenant, (accepted_at at time zone 'UTC')::date, source, 'events', count(*), sum(bytes)
        from fresh group by 1, 2, 3 order by 1, 2, 3
        on conflict (tenant, day, source, metric)
        do update set count = usage.count + excluded.count, bytes = usage.bytes + excluded.bytes, changed_at = now()
      )
      select id from fresh where state = 'moving'`,
    values: [
      uuids(accepted.map((fact) => fact.eventId)),
      texts(accepted.map((fact) => fact.tenant)),
      texts(accepted.map((fact) => sourceName(fact.event.source))),
      texts(accepted.map((fact) => fact.event.provider)),
      texts(accepted.map((fact) => text(fact.event.type))),
      texts(accepted.map((fact) => text(fact.event.subject))),
      texts(accepted.map((fact) => text(fact.event.providerid))),
      texts(accepted.map((fact) => text(fact.event.idempotencykey))),
      texts(accepted.map((fact) => fact.body.sha256)),
      ints(accepted.map((fact) => fact.body.bytes)),
      texts(accepted.map((fact) => text(fact.event.correlationid))),
      texts(accepted.map((fact) => fact.via)),
      jsons(accepted.map(({ tenant, eventId, event }) => vault.json(tenant, ['event', eventId], event))),
      times(accepted.map((fact) => fact.at)),
      times(accepted.map((fact) => routes.get(fact.eventId)?.at)),
    ],
  });
  return new Set(rows.map((row) => row.id));
}

/**
 * Batches that touch the same event take turns, so that each sees what the other wrote. What was inserted in this
 * transaction is locked already.
 *
 * @returns the events that are moving
 */
async function lockEvents(client: PoolClient, { eventIds }: Folded, fresh: Set<string>): Promise<Set<string>> {
  const others = eventIds.filter((id) => !fresh.has(id));
  if (others.length === 0) return fresh;
  const { rows } = await client.query<{ id: string; state: string }>({
    name: 'ledger-lock',
    text: 'select id, state from events where id = any($1::uuid[]) order by id for update',
    values: [uuids(others)],
  });
  return new Set([...fresh, ...rows.filter((row) => row.state === 'moving').map((row) => row.id)]);
}

/** Which of these events have a run that goes on: its end is told later. */
async function withOpenRuns(client: PoolClient, eventIds: string[]): Promise<string[]> {
  if (eventIds.length === 0) return [];
  const { rows } = await client.query<{ id: string }>({
    name: 'ledger-open-runs',
    text: 'select event_id as id from runs where event_id = any($1::uuid[]) and ended_at is null',
    values: [uuids(eventIds)],
  });
  return rows.map(({ id }) => id);
}

/** Attempts, the count on their jobs, and the usage that only a new attempt counts for. */
async function insertAttempts(client: PoolClient, { attempts }: Folded, vault: Vault): Promise<void> {
  if (attempts.length === 0) return;
  const { rows } = await client.query<{ id: string }>({
    name: 'ledger-attempts',
    text: `with fresh as (
        insert into attempts (id, job_id, event_id, tenant, queue, attempt, outcome, duration_ms, error, repeat, recorded,
          status, worker, at)
        select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::text[], $8::int[],
          $9::json[], $10::bool[], $11::bool[], $12::int[], $13::text[], $14::timestamptz[])
        on conflict (id) do nothing
        returning id, job_id
      ), counted as (
        update jobs set attempts = jobs.attempts + c.n
        from (select job_id, count(*) as n from fresh group by 1) c where jobs.id = c.job_id
      )
      select id from fresh`,
    values: [
      uuids(attempts.map((fact) => fact.id)),
      texts(attempts.map((fact) => fact.jobId)),
      uuids(attempts.map((fact) => fact.eventId)),
      texts(attempts.map((fact) => fact.tenant)),
      texts(attempts.map((fact) => fact.queue)),
      ints(attempts.map((fact) => fact.attempt)),
      texts(attempts.map((fact) => fact.outcome)),
      ints(attempts.map((fact) => fact.durationMs)),
      jsons(attempts.map(({ tenant, id, error }) => (error ? vault.json(tenant, ['attempt-error', id], error) : null))),
      bools(attempts.map((fact) => fact.repeat ?? false)),
      bools(attempts.map((fact) => fact.recorded ?? false)),
      ints(attempts.map((fact) => fact.response?.status)),
      texts(attempts.map((fact) => fact.worker)),
      times(attempts.map((fact) => fact.at)),
    ],
  });
  const fresh = new Set(rows.map((row) => row.id));
  await countUsage(client, attempts.filter(({ id }) => fresh.has(id)).flatMap(usageOf));
}

/** Deliveries that were duplicates, and what of them had other content. */
async function insertDuplicates(client: PoolClient, { duplicates }: Folded): Promise<void> {
  if (duplicates.length === 0) return;
  const collisions = duplicates.filter((fact) => fact.collision);
  await client.query(
    `insert into collisions (id, event_id, tenant, source, body_sha256, at)
     select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
     on conflict (id) do nothing`,
    [
      uuids(collisions.map((fact) => fact.id)),
      uuids(collisions.map((fact) => fact.eventId)),
      texts(collisions.map((fact) => fact.tenant)),
      texts(collisions.map((fact) => fact.source)),
      texts(collisions.map((fact) => fact.collision!.sha256)),
      times(collisions.map((fact) => fact.at)),
    ],
  );
  const counts = duplicates.map(({ tenant, at, source }) => ({ tenant, at, source, metric: 'duplicates' }));
  await countUsage(client, counts);
}

/** Works out the state of events from their jobs and runs. */
async function settleEvents(
  client: PoolClient,
  { routed, failed }: Folded,
  eventIds: string[],
  vault: Vault,
): Promise<void> {
  if (eventIds.length === 0) return;
  if (failed.length > 0) {
    await client.query(
      `update events set error = t.error from unnest($1::uuid[], $2::json[]) as t (id, error) where events.id = t.id`,
      [
        uuids(failed.map((fact) => fact.eventId)),
        jsons(failed.map(({ tenant, eventId, error }) => vault.json(tenant, ['event-error', eventId], error))),
      ],
    );
  }
  await client.query({
    name: 'ledger-settle',
    text: `update events e set
        routed_at = s.routed_at,
        error = case when s.routed_at is null then e.error end,
        state = s.state,
        ended_at = case when s.state in ('accepted', 'moving') then null else coalesce(e.ended_at, now()) end
      from (
        select e.id, coalesce(e.routed_at, r.at) as routed_at, case
            when coalesce(e.routed_at, r.at) is null then case when e.error is null then 'accepted' else 'dead-letter' end
            when j.open or u.open then 'moving'
            when j.dead then 'dead-letter'
            when u.failed then 'failed'
            when j.cancelled or u.cancelled then 'cancelled'
            when j.jobs = 0 then 'unrouted'
            else 'done' end as state
        from events e
        left join unnest($2::uuid[], $3::timestamptz[]) as r (id, at) on r.id = e.id
        cross join lateral (
          select count(*) as jobs, coalesce(bool_or(${IS_OPEN_JOB}), false) as open,
            coalesce(bool_or(state = 'dead-letter'), false) as dead, coalesce(bool_or(state = 'cancelled'), false) as cancelled
          from jobs where event_id = e.id
        ) j
        cross join lateral (
          select coalesce(bool_or(ended_at is null), false) as open,
            coalesce(bool_or(status = 'faulted' and not restarted), false) as failed,
            coalesce(bool_or(status = 'cancelled' and not restarted), false) as cancelled
          from (
            select ended_at, status, status in ('faulted', 'cancelled')
              and exists (select from run_restarts where origin_run = runs.id) as restarted
            from runs where event_id = e.id
          ) r
        ) u
        where e.id = any($1::uuid[])
      ) s
      where s.id = e.id and (e.state, e.routed_at) is distinct from (s.state, s.routed_at)`,
    values: [uuids(eventIds), uuids(routed.map((fact) => fact.eventId)), times(routed.map((fact) => fact.at))],
  });
}

/** `/tenants/{tenant}/sources/{source}` → the source's name. */
function sourceName(source: string): string {
  return source.slice(source.lastIndexOf('/') + 1);
}

/** PostgreSQL's text cannot hold a NUL; the whole event, beside it, can. */
function text(value: string | undefined): string | null {
  return value === undefined ? null : value.replaceAll('\u0000', '\ufffd');
}
