import { batched } from '@spillway/persistence';
import type { IQueueBackend, MinimalJob, WorkerOptions } from 'bullmq';

/** A job that completed. */
export interface Completion {
  id: string;
  /** What locks the job, and then the next one. */
  token: string;
  /** The result as JSON. */
  value: string;
}

/** How a backend finishes jobs that completed together. */
export interface Finishing<Answer> {
  /** Whether BullMQ would do no more for this job than {@link Finishing.finish} does. */
  isPlain(job: MinimalJob, removeOnComplete: unknown): boolean;
  /** @returns what became of each job; undefined: nothing, BullMQ has to finish it */
  finish(jobs: Completion[], now: number): Promise<(Answer | undefined)[]>;
  /** Whether jobs after this error are tried again one by one; otherwise the worker does so itself. */
  apart(error: unknown): boolean;
  /**
   * The job that comes next, as BullMQ's backend says it: job, id, milliseconds to wait for the rate limit, when the next
   * delayed job is due.
   *
   * @throws what BullMQ's backend throws for a job that could not be finished
   */
  next(answer: Answer, completion: Completion, now: number): unknown[] | Promise<unknown[]>;
}

/** Jobs, and characters of their results, that go together: others wait meanwhile. */
const MOST_JOBS = 50;
const MOST_CHARACTERS = 500_000;
/** Batches of a worker under way at once. */
const PARALLEL = 2;

/** Whether {@link Finishing.finish} may stand in for BullMQ at all: nobody counts or limits what this worker does. */
export function mayFinishTogether({ lockDuration, metrics, limiter }: WorkerOptions): boolean {
  return lockDuration !== undefined && !metrics?.maxDataPoints && !limiter;
}

/**
 * A worker's backend finishes plain jobs together when they complete together, and the others as before.
 *
 * @returns what gives one more to the next batch
 */
export function finishTogether<Answer>(
  backend: IQueueBackend,
  how: Finishing<Answer>,
): (completion: Completion) => Promise<{ answer: Answer | undefined; now: number }> {
  const finish = batched(
    async (jobs: Completion[]) => {
      const now = Date.now();
      const answers = await how.finish(jobs, now);
      return jobs.map((_, index) => ({ answer: answers[index], now }));
    },
    {
      most: MOST_JOBS,
      weigh: ({ value }: Completion) => value.length,
      mostWeight: MOST_CHARACTERS,
      parallel: PARALLEL,
      apart: (error) => how.apart(error),
    },
  );
  const finishAlone = backend.moveToCompleted.bind(backend);
  backend.moveToCompleted = async (job, returnValue, removeOnComplete, token, fetchNext) => {
    const alone = () => finishAlone(job, returnValue, removeOnComplete, token, fetchNext);
    if (!fetchNext || backend.closing || token === '0' || !how.isPlain(job, removeOnComplete)) return alone();
    const completion = { id: job.id!, token, value: JSON.stringify(returnValue) ?? 'null' };
    const { answer, now } = await finish(completion);
    if (answer === undefined) return alone();
    return { result: await how.next(answer, completion, now), finishedOn: now };
  };
  return finish;
}
