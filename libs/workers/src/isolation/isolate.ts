import { fork } from 'node:child_process';
import {
  PermanentError,
  type QueueName,
  SpillwayError,
  type SpillwayErrorOptions,
  TransientError,
} from '@spillway/contracts';
import type { IsolatedJob, Outcome } from '@spillway/worker-kit';

/** From the child: how it went. */
export type IsolationAnswer = { outcome: Outcome } | { error: SpillwayErrorOptions & { message: string } };

export interface IsolationRequest {
  queue: QueueName;
  job: IsolatedJob;
}

/** Over the job's own timeout, for the child to start. */
const START_MS = 20_000;

/**
 * Runs a job in a process of its own, where it can harm nobody else.
 *
 * @param entry the child's script; it gets an {@link IsolationRequest} and sends an {@link IsolationAnswer}
 * @throws PermanentError of class poison when the child dies of it or hangs
 */
export function isolate(
  request: IsolationRequest,
  entry: string,
  environment: Record<string, string | undefined>,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = fork(entry, [], {
      execArgv: entry.endsWith('.ts') ? ['-r', '@swc-node/register'] : [],
      env: { ...process.env, NODE_OPTIONS: '', ...environment },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    let answered = false;
    const timer = setTimeout(() => child.kill('SIGKILL'), request.job.timeoutMs + START_MS);
    child.once('message', (answer: IsolationAnswer) => {
      answered = true;
      if ('outcome' in answer) resolve(answer.outcome);
      else reject(revive(answer.error));
    });
    child.once('error', (cause) => {
      reject(
        new TransientError('a process for the isolated job could not be started', { code: 'isolation-failed', cause }),
      );
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (!answered) reject(poison(code, signal));
    });
    child.send(request);
  });
}

function poison(code: number | null, signal: NodeJS.Signals | null): PermanentError {
  return new PermanentError(`the job killed its workers, and then its own process (${signal ?? `exit ${code}`})`, {
    code: 'poison',
    class: 'poison',
    remedy: 'Look at its payload and at the worker logs; redrive it once the cause is mended.',
  });
}

function revive({ message, ...options }: SpillwayErrorOptions & { message: string }): SpillwayError {
  return new SpillwayError(message, options);
}
