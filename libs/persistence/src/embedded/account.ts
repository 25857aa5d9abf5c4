import { execFileSync, spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { PermanentError } from '@spillway/contracts';

/** Who runs the server: PostgreSQL refuses to run as root. */
export interface Account {
  uid?: number;
  gid?: number;
  /** The path to the data is closed to that account (a clone under /root): it needs a capability to get there. */
  walled?: boolean;
}

/** The account for a data directory: ourselves, or, for root, a system user that is made when it is missing. */
export function postgresAccount(directory: string): Account {
  if (process.getuid?.() !== 0) return {};
  const ids = idsOf('postgres') ?? createUser('postgres');
  return { ...ids, walled: isWalled(directory) || isWalled(__dirname) };
}

function idsOf(user: string): { uid: number; gid: number } | undefined {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

function createUser(user: string): { uid: number; gid: number } {
  try {
    execFileSync('useradd', ['--system', '--user-group', '--shell', '/usr/sbin/nologin', user], { stdio: 'ignore' });
    return idsOf(user)!;
  } catch (cause) {
    throw new PermanentError('PostgreSQL does not run as root, and no user could be made for it', {
      code: 'embedded-postgres-account',
      remedy: 'Run Spillway as another user, create a user "postgres", or set DATABASE_URL.',
      cause,
    });
  }
}

/** Whether a folder above is closed to other users. */
function isWalled(directory: string): boolean {
  for (let path = dirname(resolve(directory)); path !== dirname(path); path = dirname(path)) {
    if (existsSync(path) && (statSync(path).mode & 0o001) === 0) return true;
  }
  return false;
}

/** Runs a program as the account and gives back what it printed. Its children may outlive it. */
export function runAs(account: Account, program: string, args: string[]): Promise<{ code: number; output: string }> {
  const [command, all] = account.walled ? ['setpriv', [...capabilities(account), program, ...args]] : [program, args];
  const identity = account.uid !== undefined && !account.walled ? { uid: account.uid, gid: account.gid } : {};
  return new Promise((done) => {
    // pg_ctl hands its standard output to the server, so its end would never come: wait for the exit, not the close.
    const child = spawn(command, all, { ...identity, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => done({ code: 127, output: error.message }));
    child.once('exit', (code) => {
      child.stdout.destroy();
      child.stderr.destroy();
      done({ code: code ?? 1, output });
    });
  });
}

/** Debian's `setpriv` (util-linux) drops root but keeps the right to pass through closed folders. */
function capabilities(account: Account): string[] {
  const keep = '+dac_override,+dac_read_search';
  return [
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    '--clear-groups',
    `--inh-caps=${keep}`,
    `--ambient-caps=${keep}`,
  ];
}
