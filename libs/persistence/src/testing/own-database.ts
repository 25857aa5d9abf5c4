import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, EmbeddedPostgres, migrate, openDatabase } from '../index';

/** A migrated database of its own, for this library's tests: libs/testing, which has more, stands on this library. */
export async function ownDatabase(): Promise<{ database: Database; close(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-postgres-'));
  const server = await EmbeddedPostgres.start({ directory: join(directory, 'data') });
  const database = openDatabase(server.url());
  await migrate(database);
  return {
    database,
    async close() {
      await database.close();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
