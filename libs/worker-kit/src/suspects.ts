import type { QueueName } from '@spillway/contracts';
import type { Job, JobData } from '@spillway/queues';

/** So many workers died under a job before it is a suspect. Nearly all of them only were beside the one that kills. */
const SUSPECT_AFTER = 2;

/** Kept with a job from the moment it is run as a suspect: how things stood then. */
export interface Tried {
  deaths: number;
  attempt: number;
}

/** One that runs in a process of its own. */
export interface IsolatedJob {
  id: string;
  data: JobData[QueueName];
  attempt: number;
  deaths: number;
  timeoutMs: number;
}

/** `free`: beside all others. `suspect`: one at a time. `guilty`: where it can harm only itself. */
export type Standing = 'free' | 'suspect' | 'guilty';

/**
 * What a job is to be taken for whose workers died. A crash says nothing of which job caused it, and takes all that a worker
 * had at hand; so a suspect is guilty only if the next worker died while this was the one suspect that it ran.
 *
 * @param deaths attempts that were cut off by the end of a worker
 * @param attempt from 1; one that was cut off is made again under its number
 */
export function standingOf(deaths: number, attempt: number, tried?: Tried): Standing {
  if (deaths < SUSPECT_AFTER) return 'free';
  return tried && tried.attempt === attempt && deaths > tried.deaths ? 'guilty' : 'suspect';
}

/** What was kept with the job when it was last run as a suspect. */
export function triedOf({ progress }: Pick<Job, 'progress'>): Tried | undefined {
  return typeof progress === 'object' && 'tried' in progress ? (progress['tried'] as Tried) : undefined;
}

/** Suspects of one queue in one process: one at a time, beside jobs that are none. */
export class Suspects {
  private last: Promise<unknown> = Promise.resolve();

  /** Waits for its turn, keeps with the job that it has begun, and runs it. */
  run<T>(job: Pick<Job, 'updateProgress'>, now: Tried, work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(async () => {
      // BullMQ's one field of a job that may change while it runs. Those that wait leave it alone.
      await job.updateProgress({ tried: now });
      return work();
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
