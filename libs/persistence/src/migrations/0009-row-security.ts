import { type Kysely, sql } from 'kysely';

/**
 * Whose rows a role may see that does not own the tables: those of the tenants in `spillway.tenants`, and none where that
 * is not set. The owner, who ingress and workers are, is not subject to it. The role is no business of a migration: it
 * belongs to the server and not to the database, and is made where it is missing (tenant-scope/tenant-role.ts).
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/**
 * In words that no index fits: what a query says of its tenant is to be looked up in an index that also gives its order. A
 * list of tenants in its place would take the order away, and a page of a large tenant's runs would sort them all.
 */
const TENANTS = `(select unnest(string_to_array(current_setting('spillway.tenants', true), ',')))`;

const OF_A_TENANT = [
  'resources',
  'api_keys',
  'user_roles',
  'tenant_keys',
  'events',
  'jobs',
  'attempts',
  'effects',
  'outbox',
  'quarantine',
  'used_tokens',
  'collisions',
  'usage',
  'audit',
  'quota_rates',
  'quota_days',
  'flow_versions',
  'flow_gathered',
  'runs',
  'run_listens',
  'run_callbacks',
  'run_events',
];

/** Theirs is the tenant of their run. */
const OF_A_RUN = ['run_inbox', 'run_commands', 'run_tasks', 'run_contexts', 'run_restarts', 'run_heard'];

/** Their keys begin with `TENANT/`. */
const OF_AN_ADAPTER = ['adapter_limits', 'adapter_gates'];

const STATEMENTS = [
  ...OF_A_TENANT.flatMap((table) => secured(table, `tenant in ${TENANTS}`)),
  // Of the runs that the role sees.
  ...OF_A_RUN.flatMap((table) => secured(table, `exists (select from runs r where r.id = ${table}.run_id)`)),
  ...OF_AN_ADAPTER.flatMap((table) => secured(table, `split_part(key, '/', 1) in ${TENANTS}`)),
];

function secured(table: string, condition: string): string[] {
  return [
    `alter table ${table} enable row level security`,
    // For what is read and for what is written.
    `create policy of_tenants on ${table} using (${condition})`,
  ];
}
