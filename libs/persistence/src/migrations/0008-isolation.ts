import { type Kysely, sql } from 'kysely';

/** Keys of tenants, wrapped by a master key. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table tenant_keys (
    tenant text not null,
    id text not null unique,
    -- Null once it was destroyed: what it sealed can be read by nobody.
    wrapped bytea,
    -- The master key that it is wrapped with.
    master text not null,
    created_at timestamptz not null default now(),
    -- New data is sealed with another one since.
    retired_at timestamptz,
    shredded_at timestamptz,
    primary key (tenant, id)
  )`,
  `create unique index tenant_keys_current on tenant_keys (tenant) where retired_at is null and wrapped is not null`,
];
