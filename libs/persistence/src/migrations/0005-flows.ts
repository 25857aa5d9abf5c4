import { type Kysely, sql } from 'kysely';

/** What runs leave behind so that they can be begun again in the middle, and replayed. */
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
];
