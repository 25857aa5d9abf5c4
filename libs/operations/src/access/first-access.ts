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
/** Processes are not all restarted in one moment. */
const OVERLAP_MS = 3_600_000;

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
  if (apiKey) await ensureKey(platform, apiKey);
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
  const known = await users.authenticate(ADMIN, password);
  if (!known && !(await users.add(ADMIN, password))) await users.setPassword(ADMIN, password);
  if (known?.roles.some(({ tenant, role }) => tenant === null && role === 'admin')) return;
  await users.setRole(ADMIN, null, 'admin');
  await tell(platform, 'user.set', `user/${ADMIN}`);
}

/** Another key in the environment than before is a rotation of this one. */
async function ensureKey({ apiKeys, ...platform }: Platform, token: string): Promise<void> {
  if (await apiKeys.find(token)) return;
  const known = await apiKeys.named(null, ADMIN);
  if (known) await apiKeys.rotate(known.id, { token, overlapMs: OVERLAP_MS });
  else {
    // Another process may be starting beside this one.
    await apiKeys
      .create({ tenant: null, name: ADMIN, scopes: ['*'], createdBy: 'system' }, token)
      .catch(async (error) => {
        if (!(await apiKeys.find(token))) throw error;
      });
  }
  await tell(platform, known ? 'key.rotate' : 'key.create', `key/${ADMIN}`);
}

function tell({ audit }: Pick<Platform, 'audit'>, action: string, target: string): Promise<void> {
  return audit.record({ actor: 'system', action, target, details: { from: 'the environment or a local file' } });
}
