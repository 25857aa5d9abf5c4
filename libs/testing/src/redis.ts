import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually';
import { freePort } from './ports';

/** A real redis-server of its own, durable as production wants it, that can be stopped and started again. */
export class TestRedis {
  private process?: ChildProcess;

  private constructor(
    private readonly port: number,
    private readonly directory: string,
  ) {}

  /** @throws Error that says how to get redis-server */
  static async start(): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), mkdtempSync(join(tmpdir(), 'spillway-redis-')));
    await redis.resume();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again, with what it had written. */
  async resume(): Promise<void> {
    const settings = [
      '--port',
      this.port,
      '--bind',
      '127.0.0.1',
      '--dir',
      this.directory,
      '--save',
      '',
      '--appendonly',
      'yes',
    ];
    this.process = spawn(
      'redis-server',
      [...settings, '--appendfsync', 'everysec', '--auto-aof-rewrite-percentage', '0'].map(String),
      { stdio: 'ignore' },
    );
    const failed = new Promise<never>((_, reject) => {
      this.process!.once('error', () =>
        reject(new Error('redis-server is not on the PATH: apt-get install redis-server')),
      );
    });
    await Promise.race([failed, eventually(() => this.answers(), { what: 'redis-server' })]);
  }

  /** @param signal SIGKILL is a crash */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { process } = this;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const gone = new Promise((resolve) => process.once('exit', resolve));
    process.kill(signal);
    await gone;
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = createConnection(this.port, '127.0.0.1', () => socket.write('PING\r\n'));
      socket.once('data', (data) => resolve(data.toString().startsWith('+PONG')));
      socket.once('data', () => socket.destroy());
      socket.once('error', () => resolve(false));
    });
  }
}
