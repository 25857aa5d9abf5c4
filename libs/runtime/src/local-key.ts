import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '@spillway/config';
import { PermanentError } from '@spillway/contracts';

/**
 * The key that seals secrets: from the environment, or, beside an embedded PostgreSQL, made once and kept in a file.
 *
 * @throws PermanentError `key-missing` with a database of your own: a key kept on one machine would lock out the others
 */
export function sealingKey(config: Config): Buffer {
  if (config.key) return config.key;
  if (config.database.url) {
    throw new PermanentError('SPILLWAY_KEY is not set', {
      code: 'key-missing',
      remedy: 'Make one with `openssl rand -hex 32` and give it to every process of this installation.',
    });
  }
  const file = join(config.directory, 'key');
  if (!existsSync(file)) {
    mkdirSync(config.directory, { recursive: true });
    writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  }
  return Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
}
