import { type Kysely, sql } from 'kysely';

/** What tenants may use and have used. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Token buckets. Unlogged: after a crash of the server every bucket is full once.
  `create unlogged table quota_rates (
    tenant text not null,
    quota text not null,
    level double precision not null,
    -- To the one who asked last.
    granted double precision not null,
    at timestamptz not null default clock_timestamp(),
    primary key (tenant, quota)
  ) with (fillfactor = 50)`,
  // What was given out of the quotas of a day (UTC).
  `create table quota_days (
    tenant text not null,
    quota text not null,
    day date not null,
    used bigint not null,
    granted bigint not null,
    primary key (tenant, quota, day)
  ) with (fillfactor = 50)`,
  // Kept aside until an operator releases them.
  `alter table outbox add column parked_for text`,
  // Digest of the ordering key, so that none overtakes another.
  `alter table outbox add column ordering text`,
  `create index outbox_ordering on outbox (ordering) where relayed_at is null and ordering is not null`,
  `drop index outbox_open`,
  `create index outbox_open on outbox (id) where relayed_at is null and parked_for is null`,
  `create index outbox_parked on outbox (tenant, id) where parked_for is not null`,
  `create index runs_open on runs (tenant) where ended_at is null`,
  // A billing system asks for what changed since it last asked.
  `alter table usage add column changed_at timestamptz not null default now()`,
  `create index usage_by_change on usage (changed_at)`,
  // What the provider sent was dropped before its time, as the tenant asked.
  `alter table events add column payload_gone boolean not null default false`,
  // Jobs of facts that the ledger has taken: one that comes again counts nothing twice.
  `create table ledger_jobs (
    id text primary key,
    at timestamptz not null default now()
  )`,
  `create index ledger_jobs_by_time on ledger_jobs (at)`,
];
