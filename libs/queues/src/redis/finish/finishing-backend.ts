import { batched } from '@spillway/persistence';
import {
  type BackendFactory,
  createRedisBackend,
  type MinimalJob,
  type RedisQueueBackend,
  type WorkerOptions,
} from 'bullmq';
import type { RedisConnection } from '../connection';
import { decodeJob, type JobFields } from './job-json';
import { FINISH } from './script';

/** A job that completed. */
interface Completion {
  id: string;
  token: string;
  /** The result as JSON. */
  value: string;
}

/** See {@link FINISH}. */
type Answer = number | string | [] | [id: string, fields: JobFields];

type Scripted = RedisConnection & { finishJobs?(...args: (string | number)[]): Promise<Answer[] | null> };

/** Jobs, and characters of their results, that one script takes: others wait meanwhile. */
const MOST_JOBS = 50;
const MOST_CHARACTERS = 500_000;
/** Scripts of a worker under way at once. */
const PARALLEL = 2;

/**
 * BullMQ's backend for a worker, except that completions that come together go together: one script finishes them and
 * fetches the next jobs. What is not plain (see {@link FINISH}), and all else, BullMQ does itself.
 *
 * @param connection what the worker's commands go over
 * @param keep completed jobs that stay; jobs that say otherwise are left to BullMQ
 */
export function finishingBackend(connection: RedisConnection, keep: number): BackendFactory<RedisQueueBackend> {
  const scripted = connection as Scripted;
  if (!scripted.finishJobs) connection.defineCommand('finishJobs', { numberOfKeys: 1, lua: FINISH });

  return (name, options, how) => {
    const backend = createRedisBackend(name, options, how);
    const { lockDuration, metrics, limiter, name: worker = '' } = options as WorkerOptions;
    if (lockDuration === undefined || metrics?.maxDataPoints || limiter) return backend;
    const { meta, '': prefix } = backend.keys as { meta: string; '': string };

    const finish = batched(
      async (jobs: Completion[]) => {
        const now = Date.now();
        const args = [meta, prefix, now, lockDuration, keep, worker];
        for (const { id, token, value } of jobs) args.push(id, token, value);
        const answers = await scripted.finishJobs!(...args);
        return jobs.map((_, index) => ({ answer: answers?.[index], now }));
      },
      {
        most: MOST_JOBS,
        weigh: ({ value }: Completion) => value.length,
        mostWeight: MOST_CHARACTERS,
        parallel: PARALLEL,
        // The worker tries again itself.
        apart: () => false,
      },
    );

    const finishAlone = backend.moveToCompleted.bind(backend);
    backend.moveToCompleted = async (job, returnValue, removeOnComplete, token, fetchNext) => {
      const alone = () => finishAlone(job, returnValue, removeOnComplete, token, fetchNext);
      if (!fetchNext || backend.closing || token === '0' || !isPlain(job, removeOnComplete, keep)) return alone();
      const id = job.id!;
      const { answer, now } = await finish({ id, token, value: JSON.stringify(returnValue) ?? 'null' });
      if (answer === undefined) return alone();
      if (typeof answer === 'number' && answer < 0) {
        throw backend.finishedErrors({ code: answer, jobId: id, command: 'moveToFinished', state: 'active' });
      }
      return { result: nextOf(answer, now), finishedOn: now };
    };
    return backend;
  };
}

function isPlain(job: MinimalJob, removeOnComplete: unknown, keep: number): boolean {
  if (job.parent || job.parentKey || typeof removeOnComplete !== 'object') return false;
  const { count, age, ...more } = removeOnComplete as { count?: number; age?: number };
  return count === keep && age === undefined && Object.keys(more).length === 0;
}

/** As BullMQ's backend says it: job, id, milliseconds to wait for the rate limit, when the next delayed job is due. */
function nextOf(answer: Answer, now: number): unknown[] {
  if (answer === 0) return [];
  if (typeof answer !== 'object') return [null, 0, 0, Number(answer)];
  if (answer.length === 0) return [null, 0, 0, 0];
  const [id, fields] = answer;
  return [decodeJob(fields, now), id, 0, 0];
}
