import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@spillway/testing';
import type { Image } from './build';

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Whether this machine lets us make namespaces; else the process runs as we are, and its folder is only made read-only. */
export function canConfine(): boolean {
  return (
    process.getuid?.() === 0 &&
    spawnSync('unshare', ['--mount', '--pid', '--fork', 'true'], { stdio: 'ignore' }).status === 0
  );
}

const CONFINED = [
  'mount --make-rprivate /',
  'mount -o remount,bind,ro /',
  'mount -t tmpfs -o size=64m tmpfs /tmp',
  'exec "$@"',
].join(' && ');

/**
 * A process as the image would run it: process 1 of its own, on a read-only root with an empty `/tmp`, as the image's user,
 * without capabilities and with nothing in its environment but the image's and what it is given. The network is the machine's.
 */
export class Container {
  output = '';
  private readonly child: ChildProcess;
  private ended?: Ended;

  constructor(
    private readonly image: Image,
    args: string[],
    environment: Record<string, string>,
    private readonly confined: boolean,
    command: string[] = image.entrypoint,
  ) {
    const user = ['setpriv', `--reuid=${image.uid}`, `--regid=${image.gid}`, '--clear-groups', '--no-new-privs'];
    const alone = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', CONFINED, 'sh'];
    const line = [
      ...(confined ? [...alone, ...user, '--bounding-set=-all', '--inh-caps=-all'] : []),
      ...command,
      ...args,
    ];
    const env = {
      PATH: `${join(image.app, '../bin')}:/usr/bin:/bin:/usr/sbin:/sbin`,
      ...image.environment,
      ...environment,
    };
    this.child = spawn(line[0]!, line.slice(1), { cwd: image.app, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.on('data', (chunk) => (this.output += chunk));
    this.child.stderr!.on('data', (chunk) => (this.output += chunk));
    this.child.once('exit', (code, signal) => (this.ended = { code, signal }));
  }

  /** @throws Error with its output when it ends first */
  async says(text: string): Promise<void> {
    await eventually(() => this.output.includes(text) || this.ended, { what: `"${text}"`, withinMs: 90_000 });
    if (!this.output.includes(text)) throw new Error(`it ended, and had not said "${text}": ${this.output}`);
  }

  async end(): Promise<Ended> {
    return eventually(() => this.ended, { what: 'the end of a container', withinMs: 90_000 }).catch(
      (error: unknown) => {
        throw new Error(`it did not end: ${this.output}`, { cause: error });
      },
    );
  }

  /** As `docker stop`: the image's stop signal to process 1. */
  async stop(): Promise<Ended> {
    if (!this.ended) process.kill(this.processOne(), this.image.stopSignal);
    return this.end();
  }

  /**
   * Stops it before it has started. In its first moments Node, as process 1, does not hear signals: it is told until it does.
   */
  async stopEarly(): Promise<Ended> {
    return eventually(
      () => {
        if (!this.ended && this.runsNode()) process.kill(this.processOne(), this.image.stopSignal);
        return this.ended;
      },
      { what: 'the end of a container that starts', withinMs: 90_000 },
    );
  }

  /** Whether the image's own program runs already, rather than what confines it. */
  private runsNode(): boolean {
    const command = readFileSync(`/proc/${this.processOne()}/cmdline`, 'utf8');
    return command.startsWith(this.image.entrypoint.join('\0'));
  }

  kill(): void {
    if (!this.ended) this.child.kill('SIGKILL');
  }

  private processOne(): number {
    const { pid } = this.child;
    if (!this.confined) return pid!;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  }
}
