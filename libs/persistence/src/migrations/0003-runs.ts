import { type Kysely, sql } from 'kysely';

/** Runs of flows: their state, what they wait for, and what came in for them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A run stays on the definition it began with, also when the flow has a newer one or is gone.
  `create table flow_versions (
    tenant text not null,
    flow text not null,
    hash text not null,
    version text not null,
    definition json not null,
    created_at timestamptz not null default now(),
    primary key (tenant, hash)
  )`,
  `create index flow_versions_by_flow on flow_versions (tenant, flow, version)`,
  `create table runs (
    id text primary key,
    tenant text not null,
    flow text not null,
    hash text not null,
    version text not null,
    route text not null,
    event_id uuid not null,
    parent_run text,
    parent_node integer,
    -- Moves on with each advance; an advance from an older state is refused.
    seq integer not null,
    status text not null,
    state json not null,
    -- Jobs that were made for it.
    jobs integer not null default 0,
    -- When it must be looked at though nothing comes.
    wake_at timestamptz,
    priority text not null,
    correlation_id text not null,
    started_at timestamptz not null,
    ended_at timestamptz
  ) with (fillfactor = 70)`,
  `create index runs_by_event on runs (event_id)`,
  `create index runs_by_time on runs (tenant, started_at desc, id desc)`,
  `create index runs_by_parent on runs (parent_run) where parent_run is not null`,
  `create index runs_due on runs (wake_at) where wake_at is not null`,
  `create index runs_ended on runs (ended_at) where ended_at is not null`,
  // Answers, failures, events and orders, until an advance takes them.
  `create table run_inbox (
    run_id text not null,
    key text not null,
    input json not null,
    at timestamptz not null default now(),
    primary key (run_id, key)
  )`,
  `create index run_inbox_by_time on run_inbox (at)`,
  // What a run asked for and has no answer to yet; the jobs are made from these, and made again when they were lost.
  `create table run_commands (
    run_id text not null,
    node integer not null,
    command json not null,
    at timestamptz not null default now(),
    primary key (run_id, node)
  )`,
  `create index run_commands_by_time on run_commands (at)`,
  `create table run_tasks (
    run_id text not null,
    node integer not null,
    path text not null,
    name text not null,
    kind text not null,
    attempt integer,
    status text not null,
    input json,
    output json,
    error json,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    primary key (run_id, node)
  )`,
  `create table run_listens (
    run_id text not null,
    node integer not null,
    tenant text not null,
    -- Event types that may be meant; null where only an expression says.
    types text[],
    since timestamptz not null,
    primary key (run_id, node)
  )`,
  `create index run_listens_by_tenant on run_listens (tenant)`,
  `create table run_callbacks (
    run_id text not null,
    node integer not null,
    tenant text not null,
    kind text not null check (kind in ('callback', 'approval')),
    title text not null,
    details json not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    answered_at timestamptz,
    answered_by text,
    answer json,
    primary key (run_id, node)
  )`,
  `create index run_callbacks_open on run_callbacks (tenant, created_at) where answered_at is null`,
  // Events that a flow of the tenant may listen for, so that one that comes before its listener is not lost.
  `create table run_events (
    tenant text not null,
    id uuid not null,
    type text not null,
    event json not null,
    at timestamptz not null default now(),
    primary key (tenant, id)
  )`,
  `create index run_events_by_type on run_events (tenant, type, at)`,
];
