import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Redis from 'ioredis';
import { eventually } from '../eventually';

/** What production wants: durable. */
export const DURABLE = {
  bind: '127.0.0.1',
  save: '""',
  appendonly: 'yes',
  appendfsync: 'everysec',
  'auto-aof-rewrite-percentage': '0',
};

export type Settings = Record<string, string | number>;

/** A redis-server that can be stopped, killed and started again, with what it had written. */
export class RedisProcess {
  private child?: ChildProcess;
  private readonly directory = mkdtempSync(join(tmpdir(), 'spillway-redis-'));

  constructor(
    readonly port: number,
    settings: Settings,
    private readonly mode: 'server' | 'sentinel' = 'server',
  ) {
    const lines = Object.entries({ port, dir: this.directory, ...settings }).map(([name, value]) => `${name} ${value}`);
    // A file that is the server's to write: sentinels keep in it what they know.
    writeFileSync(this.file, `${lines.join('\n')}\n`);
  }

  /** Does nothing while it runs. @throws Error that says how to get redis-server */
  async start(): Promise<void> {
    if (this.isRunning()) return;
    const child = spawn('redis-server', [this.file, ...(this.mode === 'sentinel' ? ['--sentinel'] : [])], {
      stdio: 'ignore',
    });
    this.child = child;
    const failed = new Promise<never>((_, reject) => {
      child.once('error', () => reject(new Error('redis-server is not on the PATH: apt-get install redis-server')));
      child.once('exit', (code) => reject(new Error(`redis-server ended at once, with ${code}`)));
    });
    failed.catch(() => undefined);
    await Promise.race([failed, eventually(() => this.answers(), { what: 'redis-server' })]);
  }

  /** @param signal SIGKILL is a crash */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = this;
    if (!child || !this.isRunning()) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** One command on a connection of its own. */
  async ask(password: string | undefined, command: string, ...args: (string | number)[]): Promise<unknown> {
    const redis = new Redis(this.port, '127.0.0.1', {
      password,
      lazyConnect: true,
      retryStrategy: null,
      enableReadyCheck: false,
    });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await redis.call(command, args);
    } finally {
      redis.disconnect();
    }
  }

  private isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  private get file(): string {
    return join(this.directory, 'redis.conf');
  }

  private async answers(): Promise<boolean> {
    const answer = await this.ask(undefined, 'PING').catch((error: Error) => error.message);
    return answer === 'PONG' || String(answer).startsWith('NOAUTH');
  }
}
