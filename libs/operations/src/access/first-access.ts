import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '@spillway/config';
import type { Platform } from '@spillway/runtime';
import { Users } from './users';

/** How to get in. */
export interface Access {
  user: string;
  password: string;
  apiKey: string;
}

const ADMIN = 'admin';

/** Where the command line finds the key of an installation on this machine. */
export function credentialsFile(directory: string): string {
  return join(directory, 'credentials.json');
}

/**
 * The first user and key: from the environment, or, beside an embedded PostgreSQL, made once and kept in a file that only
 * its owner can read. There is no password that anybody could know beforehand.
 *
 * @returns what was made or given; undefined parts mean that nobody can get in that way yet
 */
export async function ensureFirstAccess(platform: Platform): Promise<Partial<Access>> {
  const { admin, database } = platform.config;
  const local = database.url ? undefined : localAccess(platform.config);
  const password = admin.password ?? local?.password;
  const apiKey = admin.apiKey ?? local?.apiKey;
  if (password) await ensureUser(platform, password);
  if (apiKey && !(await platform.apiKeys.find(apiKey))) {
    await platform.apiKeys.create({ tenant: null, name: ADMIN, scopes: ['*'] }, apiKey);
  }
  return { user: ADMIN, password, apiKey };
}

function localAccess(config: Config): Access {
  const file = credentialsFile(config.directory);
  if (!existsSync(file)) {
    mkdirSync(config.directory, { recursive: true });
    const access: Access = {
      user: ADMIN,
      password: randomBytes(12).toString('base64url'),
      apiKey: `spw_${randomBytes(32).toString('base64url')}`,
    };
    writeFileSync(file, `${JSON.stringify(access, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Access;
}

/** Hashing is dear, so a password that fits already is left alone. */
async function ensureUser(platform: Platform, password: string): Promise<void> {
  const users = new Users(platform.database.db);
  if (!(await users.authenticate(ADMIN, password))) await users.set(ADMIN, password, 'admin');
}
