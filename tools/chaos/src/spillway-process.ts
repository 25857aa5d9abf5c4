import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually, freePort } from '@spillway/testing';
import { request } from 'undici';

const ROOT = join(__dirname, '../../..');
/** Starting takes two seconds of a processor; there may be much else to do. */
const READY_WITHIN_MS = 120_000;

export interface ProcessOptions {
  /** Runs what `npm run build` made, which starts in half the time. If left out: where `npm test` has made it just now. */
  built?: boolean;
  /** Told of all that it writes. */
  onOutput?(text: string): void;
}

/** A Spillway in a process of its own, with some of the roles, that can be killed. */
export class SpillwayProcess {
  private child?: ChildProcess;
  private log = '';

  private constructor(
    private readonly roles: string,
    private readonly environment: Record<string, string>,
    readonly ingressUrl: string,
    readonly adminUrl: string,
    private readonly options: ProcessOptions,
  ) {}

  static async start(
    roles: string,
    environment: Record<string, string>,
    options: ProcessOptions = {},
  ): Promise<SpillwayProcess> {
    const self = await SpillwayProcess.prepare(roles, environment, options);
    await self.resume();
    return self;
  }

  /** One that is started by {@link resume}. */
  static async prepare(
    roles: string,
    environment: Record<string, string>,
    options: ProcessOptions = {},
  ): Promise<SpillwayProcess> {
    const [ingress, admin] = [await freePort(), await freePort()];
    const ports = { INGRESS_PORT: String(ingress), ADMIN_PORT: String(admin) };
    return new SpillwayProcess(
      roles,
      { ...environment, ...ports },
      `http://127.0.0.1:${ingress}`,
      `http://127.0.0.1:${admin}`,
      options,
    );
  }

  /**
   * Starts it (again) and waits until it is ready.
   *
   * @throws Error when it ended, or was not ready in time; then there is no process left
   */
  async resume(): Promise<void> {
    this.log = '';
    const { built = process.env['SPILLWAY_BUILT'] === 'yes' } = this.options;
    const program = `${built ? 'dist/' : ''}apps/spillway/bin/spillway.js`;
    const child = spawn(process.execPath, [program, 'start', '--roles', this.roles], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => {
        const text = data.toString();
        this.log = (this.log + text).slice(-20_000);
        this.options.onOutput?.(text);
      });
    }
    const what = `a process with ${this.roles}`;
    const ready = eventually(async () => this.hasEnded() || (await this.ready()), { withinMs: READY_WITHIN_MS, what });
    await ready.catch(async (error: unknown) => {
      await this.kill();
      throw error;
    });
    // One that is killed by its first job may not get so far as to say that it is ready.
    if (child.exitCode !== null) throw new Error(`it ended: ${this.log}`);
  }

  private async ready(): Promise<boolean> {
    if (!this.log.includes('Spillway is ready')) return false;
    if (!this.roles.includes('ingress-api')) return true;
    const { statusCode } = await request(`${this.ingressUrl}/health/live`);
    return statusCode === 200;
  }

  get output(): string {
    return this.log;
  }

  hasEnded(): boolean {
    return !this.child || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** SIGSTOP freezes it as it stands, SIGCONT lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child?.kill(signal);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** @returns the exit code of a process that was asked to end */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    return gone;
  }
}
