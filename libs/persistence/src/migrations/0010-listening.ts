import { type Kysely, sql } from 'kysely';

/** Listeners are found by what their filters are known to want, not by the type of the event alone. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A row for each way in which a listener is found.
  `alter table run_listens
    add column filter integer not null default 0,
    -- Of the event; empty: any.
    add column type text collate "C" not null default '',
    -- How a key is made of an event; empty: every event of the type is meant.
    add column recipe text collate "C" not null default '',
    -- Of that key, as the listener wants it.
    add column digest text collate "C" not null default '',
    drop constraint run_listens_pkey,
    add primary key (run_id, node, filter)`,
  `insert into run_listens (run_id, node, filter, tenant, since, type)
    select run_id, node, n, tenant, since, one from run_listens, unnest(types) with ordinality as of_types (one, n)`,
  `delete from run_listens where types is not null and filter = 0`,
  `alter table run_listens drop column types`,
  `drop index run_listens_by_tenant`,
  `create index run_listens_by_event on run_listens (tenant, type, recipe, digest)`,
];
