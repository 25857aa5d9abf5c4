import { messageOf, TransientError } from '@spillway/contracts';
import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { Pool, types } from 'pg';
import { migrations } from './migrations';
import type { Schema } from './schema';

// A `date` is a day, not a moment in some time zone.
types.setTypeParser(types.builtins.DATE, (value) => value);

/** The connection to the records. */
export interface Database {
  db: Kysely<Schema>;
  pool: Pool;
  url: string;
  close(): Promise<void>;
}

/** @param size connections at most */
export function openDatabase(url: string, size = 10): Database {
  const pool = new Pool({ connectionString: url, max: size, connectionTimeoutMillis: 5_000, keepAlive: true });
  // An idle connection that drops must not end the process; the next query opens a new one.
  pool.on('error', () => undefined);
  // Nor one in the middle of a transaction, which the pool does not look after: its next query fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return { db, pool, url, close: () => db.destroy() };
}

/**
 * Brings the records to the newest schema; several processes may call it at once, one does the work. A schema that is
 * newer than this code is left alone: while a deployment is rolled out, or rolled back, processes of the older version
 * start too, and migrations only add what older code does not mind.
 *
 * @returns the names of the migrations it made
 * @throws TransientError `migration-failed`
 */
export async function migrate(database: Database): Promise<string[]> {
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
