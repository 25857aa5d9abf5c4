import { type Kysely, sql } from 'kysely';

/** What begins runs beside events, and what runs leave behind to be begun again in the middle, or replayed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Of the loop in whose list a task stands; and what the world answered, where "output.as" made another value of it.
  `alter table run_tasks add column iteration integer, add column answer json`,
  // $context by the first task that found it changed.
  `create table run_contexts (
    run_id text not null,
    node integer not null,
    context json not null,
    primary key (run_id, node)
  )`,
  // Runs that took another one's way from one of its tasks on.
  `create table run_restarts (
    run_id text primary key,
    origin_run text not null,
    path text not null,
    node integer not null,
    at timestamptz not null default now()
  )`,
  `create index run_restarts_by_origin on run_restarts (origin_run)`,
  // Events that runs consumed: each once in a run.
  `create table run_heard (
    run_id text not null,
    event_id uuid not null,
    primary key (run_id, event_id)
  )`,
  `create index runs_by_flow on runs (tenant, flow, started_at desc)`,
  // Events that begin a run together, until they do and for as long as one of them may come again.
  `create table flow_gathered (
    tenant text not null,
    flow text not null,
    event_id uuid not null,
    filter text not null,
    keys text not null,
    event json not null,
    run_id text,
    at timestamptz not null default clock_timestamp(),
    primary key (tenant, flow, event_id)
  )`,
  `create index flow_gathered_waiting on flow_gathered (tenant, flow, keys, filter, at) where run_id is null`,
  `create index flow_gathered_by_time on flow_gathered (at)`,
];
