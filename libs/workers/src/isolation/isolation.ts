import { type ChildProcess, fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import {
  PermanentError,
  type QueueName,
  SpillwayError,
  type SpillwayErrorOptions,
  TransientError,
} from '@spillway/contracts';
import type { IsolatedJob, Outcome } from '@spillway/worker-kit';

export interface IsolationRequest {
  queue: QueueName;
  job: IsolatedJob;
  /** W3C, of the attempt that this is. */
  traceparent?: string;
}

/** From the child: that it takes jobs, then how each went. */
export type IsolationAnswer =
  { ready: true } | { outcome: Outcome } | { error: SpillwayErrorOptions & { message: string } };

/** A crash of many workers makes suspects of all that they had at hand: more than one process for them would sink the machine. */
const MOST_CHILDREN = 1;
/** For the child to start, on a machine that is busy. */
const START_MS = 60_000;
/** Over the job's own timeout, for its answer. */
const GRACE_MS = 5_000;
/** A child without work goes away after that long. */
const IDLE_MS = 5_000;
const POLL_MS = 50;

interface Waiting {
  request: IsolationRequest;
  resolve: (outcome: Outcome) => void;
  reject: (error: SpillwayError) => void;
}

/** Isolations in use, and by how many workers. */
const shared = new WeakMap<object, { isolation: Isolation; users: number }>();

/**
 * Runs jobs whose workers died in a process of their own, one at a time, where they can harm nobody else. The process
 * serves one after another, so that the many innocent ones among them are soon done.
 */
export class Isolation {
  private readonly waiting: Waiting[] = [];
  private readonly children = new Set<ChildProcess>();
  private isClosed = false;

  /** @param entry the child's script; it gets {@link IsolationRequest}s and sends {@link IsolationAnswer}s */
  constructor(
    private readonly entry: string,
    private readonly environment: Record<string, string | undefined>,
    private readonly idleMs = IDLE_MS,
    private readonly graceMs = GRACE_MS,
  ) {}

  /**
   * One for all workers of a process: a child takes a second of processor time to start.
   *
   * @param of what they have in common
   * @param make the first time
   */
  static shared(of: object, make: () => Isolation): { isolation: Isolation; leave: () => void } {
    const known = shared.get(of) ?? { isolation: make(), users: 0 };
    shared.set(of, known);
    known.users += 1;
    const leave = () => {
      known.users -= 1;
      if (known.users > 0) return;
      shared.delete(of);
      known.isolation.close();
    };
    return { isolation: known.isolation, leave };
  }

  /**
   * @throws PermanentError of class poison when the child dies of the job or hangs
   * @throws TransientError `isolation-failed` when no child could be started
   */
  run(request: IsolationRequest): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      if (this.children.size < MOST_CHILDREN) void this.serve();
    });
  }

  /** Ends what runs; its jobs are run again elsewhere. */
  close(): void {
    this.isClosed = true;
    for (const child of this.children) child.kill('SIGKILL');
  }

  /** A child, from its start until there is nothing left for it or it dies. */
  private async serve(): Promise<void> {
    // What was built sees to its own compile cache.
    const fromSources = this.entry.endsWith('.ts');
    const child = fork(this.entry, [], {
      execArgv: fromSources ? ['-r', '@swc-node/register'] : [],
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        ...(fromSources && { NODE_COMPILE_CACHE: getCompileCacheDir() }),
        ...this.environment,
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.children.add(child);
    // A channel that breaks is told by the exit.
    child.on('error', () => undefined);
    const started = await next(child, START_MS);
    if (typeof started !== 'object') {
      this.waiting.shift()?.reject(notStarted(started));
    } else {
      for (let one = await this.take(child); one; one = await this.take(child)) {
        const { job } = one.request;
        const answer = next(child, job.timeoutMs + this.graceMs);
        child.send(one.request);
        if (!this.tell(one, await answer)) break;
      }
    }
    child.kill('SIGKILL');
    this.children.delete(child);
    if (this.waiting.length > 0 && !this.isClosed) void this.serve();
  }

  /** What is to be done next; nothing when nothing comes for a while, or the child is gone. */
  private async take(child: ChildProcess): Promise<Waiting | undefined> {
    for (let waited = 0; waited < this.idleMs && this.waiting.length === 0 && !this.isClosed; waited += POLL_MS) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS).unref());
    }
    return this.isClosed || hasEnded(child) ? undefined : this.waiting.shift();
  }

  /** @returns whether the child can go on */
  private tell({ resolve, reject }: Waiting, answer: IsolationAnswer | string): boolean {
    if (typeof answer === 'string') {
      reject(this.isClosed ? notStarted('the worker is closing') : poison(answer));
      return false;
    }
    if ('outcome' in answer) resolve(answer.outcome);
    else if ('error' in answer) reject(revive(answer.error));
    return true;
  }
}

/** What the child says next, or how it ended before it said anything. */
function next(child: ChildProcess, withinMs: number): Promise<IsolationAnswer | string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(`no answer in ${withinMs} ms`), withinMs);
    const settle = (result: IsolationAnswer | string) => {
      clearTimeout(timer);
      child.off('message', settle).off('exit', exited).off('error', failed);
      resolve(result);
    };
    const exited = (code: number | null, signal: NodeJS.Signals | null) => settle(signal ?? `exit ${code}`);
    const failed = (error: Error) => settle(error.message);
    if (hasEnded(child)) return exited(child.exitCode, child.signalCode);
    child.once('message', settle).once('exit', exited).once('error', failed);
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function notStarted(how: string): TransientError {
  return new TransientError(`a process for the isolated job could not be started: ${how}`, {
    code: 'isolation-failed',
  });
}

function poison(how: string): PermanentError {
  return new PermanentError(`the job killed its workers, and then its own process (${how})`, {
    code: 'poison',
    class: 'poison',
    remedy: 'Look at its payload and at the worker logs; redrive it once the cause is mended.',
  });
}

function revive({ message, ...options }: SpillwayErrorOptions & { message: string }): SpillwayError {
  return new SpillwayError(message, options);
}
