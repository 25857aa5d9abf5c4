import { type Kysely, sql } from 'kysely';

/** Tenants and what they configured, keys and people, and the ledger. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table resources (
    kind text not null,
    tenant text not null,
    name text not null,
    spec json not null,
    sealed json not null default '{}',
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant, kind, name)
  )`,
  `create table api_keys (
    id text primary key,
    tenant text,
    name text not null,
    hash bytea not null unique,
    hint text not null,
    scopes text[] not null,
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
  )`,
  `create table users (
    name text primary key,
    password text not null,
    role text not null check (role in ('viewer', 'operator', 'admin')),
    created_at timestamptz not null default now()
  )`,
  `create table sessions (
    hash bytea primary key,
    user_name text not null references users (name) on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
  )`,
  `create table events (
    id uuid primary key,
    tenant text not null,
    source text not null,
    provider text not null,
    type text not null,
    subject text,
    provider_id text,
    dedupe_key text not null,
    body_sha256 text not null,
    bytes integer not null,
    correlation_id text not null,
    via text not null,
    state text not null default 'accepted',
    event json not null,
    accepted_at timestamptz not null,
    routed_at timestamptz,
    ended_at timestamptz,
    error json
  ) with (fillfactor = 85)`,
  `create index events_by_time on events (tenant, accepted_at desc, id desc)`,
  `create index events_by_dedupe on events (tenant, source, dedupe_key, accepted_at desc)`,
  `create index events_open on events (accepted_at) where state in ('accepted', 'moving')`,
  `create table jobs (
    id text primary key,
    queue text not null,
    tenant text not null,
    event_id uuid not null,
    route text not null,
    task text not null,
    target integer not null,
    run_id text,
    state text not null,
    attempts integer not null default 0,
    created_at timestamptz not null,
    state_at timestamptz not null,
    error json,
    -- The attempt that did it, when that was the first: most jobs need no row in "attempts".
    first_id uuid,
    first_at timestamptz,
    first_ms integer,
    first_worker text,
    first_status integer
  ) with (fillfactor = 85)`,
  `create index jobs_by_event on jobs (event_id)`,
  `create index jobs_open on jobs (created_at) where state = 'queued'`,
  `create table attempts (
    id uuid primary key,
    job_id text not null,
    event_id uuid not null,
    tenant text not null,
    queue text not null,
    attempt integer not null,
    outcome text not null,
    duration_ms integer not null,
    error json,
    repeat boolean not null default false,
    recorded boolean not null default false,
    status integer,
    worker text not null,
    at timestamptz not null
  )`,
  `create index attempts_by_event on attempts (event_id, at)`,
  `create table effects (
    key text primary key,
    tenant text not null,
    job_id text not null,
    result json,
    created_at timestamptz not null default now()
  )`,
  `create index effects_by_time on effects (created_at)`,
  `create table outbox (
    id bigint generated always as identity primary key,
    tenant text not null,
    event_id uuid not null,
    dedupe_id text not null unique,
    job json not null,
    created_at timestamptz not null default now(),
    relayed_at timestamptz,
    duplicate_of uuid
  )`,
  `create index outbox_by_event on outbox (event_id)`,
  `create index outbox_open on outbox (id) where relayed_at is null`,
  `create table quarantine (
    id uuid primary key,
    tenant text not null,
    source text not null,
    state text not null default 'held',
    code text not null,
    reason text not null,
    method text not null,
    url text not null,
    headers jsonb not null,
    body bytea not null,
    received_at timestamptz not null,
    released_at timestamptz,
    event_ids text[] not null default '{}'
  )`,
  `create index quarantine_by_time on quarantine (tenant, received_at desc)`,
  `create table used_tokens (
    tenant text not null,
    source text not null,
    token text not null,
    body_sha256 text not null,
    used_at timestamptz not null default now(),
    primary key (tenant, source, token)
  )`,
  `create index used_tokens_by_time on used_tokens (used_at)`,
  `create table collisions (
    id uuid primary key,
    event_id uuid not null,
    tenant text not null,
    source text not null,
    body_sha256 text not null,
    at timestamptz not null
  )`,
  `create index collisions_by_event on collisions (event_id)`,
  `create table usage (
    tenant text not null,
    day date not null,
    source text not null,
    metric text not null,
    count bigint not null default 0,
    bytes bigint not null default 0,
    primary key (tenant, day, source, metric)
  )`,
  `create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    tenant text,
    target text not null,
    details json not null,
    address text
  )`,
  `create index audit_by_time on audit (tenant, at desc)`,
];
