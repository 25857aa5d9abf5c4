import { messageOf, TransientError } from '@spillway/contracts';
import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { type Pool, types } from 'pg';
import { migrations } from './migrations';
import type { Schema } from './schema';
import type { Exit } from './tenant-scope/exits';
import { RecordsPool } from './tenant-scope/records-pool';
import { asPlatform } from './tenant-scope/scope';
import { mustSeeAllRows } from './tenant-scope/tenant-role';

// A `date` is a day, not a moment in some time zone.
types.setTypeParser(types.builtins.DATE, (value) => value);

/** The connection to the records. */
export interface Database {
  db: Kysely<Schema>;
  pool: Pool;
  url: string;
  /** The same, for work that is done outside the scope of tenants also where there is one. */
  outside(exit: Exit): Kysely<Schema>;
  close(): Promise<void>;
}

/**
 * @param size connections at most
 * @param tenantRole what the scope of tenants is kept with, in half as many connections beside those; left out, by nothing
 */
export function openDatabase(url: string, size = 10, tenantRole?: string): Database {
  const config = { connectionString: url, max: size, connectionTimeoutMillis: 5_000, keepAlive: true };
  const pool = new RecordsPool(config, tenantRole);
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  const outside = (exit: Exit) => {
    const connect = () => asPlatform(exit, () => pool.connect());
    const connections = { connect, end: async () => undefined, options: pool.options };
    return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: connections }) });
  };
  return { db, pool, url, outside, close: () => db.destroy() };
}

/**
 * Brings the records to the newest schema; several processes may call it at once, one does the work. A schema that is
 * newer than this code is left alone: while a deployment is rolled out, or rolled back, processes of the older version
 * start too, and migrations only add what older code does not mind.
 *
 * @returns the names of the migrations it made
 * @throws TransientError `migration-failed`; PermanentError `database-user-restricted`
 */
export async function migrate(database: Database): Promise<string[]> {
  const made = await migrateTables(database);
  await mustSeeAllRows(database.pool);
  return made;
}

async function migrateTables(database: Database): Promise<string[]> {
  const migrator = new Migrator({ db: database.db, provider: { getMigrations: async () => migrations } });
  const known = await migrator.getMigrations().catch((cause: unknown) => {
    throw migrationFailed(cause);
  });
  // Kysely takes a migration that it does not know for a mistake, so it is asked only when there is something to do.
  if (known.every(({ executedAt }) => executedAt)) return [];
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error) throw migrationFailed(error, results.find(({ status }) => status === 'Error')?.migrationName);
  return results.map(({ migrationName }) => migrationName);
}

function migrationFailed(cause: unknown, name?: string): TransientError {
  return new TransientError(`the database could not be migrated${name ? ` (${name})` : ''}: ${messageOf(cause)}`, {
    code: 'migration-failed',
    remedy: 'Check that DATABASE_URL reaches a PostgreSQL 14 or newer whose user may create tables.',
    cause,
  });
}
