import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

export interface Child {
  url: string;
  pid: number;
  /** Told of what the process says after its address. */
  onMessage: (listener: (message: Record<string, unknown>) => void) => void;
  close(): Promise<void>;
}

/** Starts one of `contestants/` in a process of its own and learns where it listens. */
export async function startChild(name: string, environment: Record<string, string>): Promise<Child> {
  const child: ChildProcess = fork(join(__dirname, 'contestants', name), [], {
    execArgv: ['-r', '@swc-node/register'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message: { url: string }) => resolve(message.url));
    child.once('exit', (code) => reject(new Error(`the contestant ${name} ended with ${code}`)));
  });
  return {
    url,
    pid: child.pid!,
    onMessage: (listener) => void child.on('message', listener),
    close: () => end(child),
  };
}

/** kill -9, until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
