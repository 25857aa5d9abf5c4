import {
  type BackendFactory,
  createRedisBackend,
  type MinimalJob,
  type RedisQueueBackend,
  type WorkerOptions,
} from 'bullmq';
import { finishTogether, mayFinishTogether } from '../../finishing';
import type { RedisConnection } from '../connection';
import { decodeJob, type JobFields } from './job-json';
import { FINISH } from './script';

/** See {@link FINISH}. */
type Answer = number | string | [] | [id: string, fields: JobFields];

type Scripted = RedisConnection & { finishJobs?(...args: (string | number)[]): Promise<Answer[] | null> };

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
    if (!mayFinishTogether(options)) return backend;
    const { lockDuration, name: worker = '' } = options as WorkerOptions;
    const { meta, '': prefix } = backend.keys as { meta: string; '': string };

    finishTogether<Answer>(backend, {
      isPlain: (job, removeOnComplete) => isPlain(job, removeOnComplete, keep),
      finish: async (jobs, now) => {
        const args = [meta, prefix, now, lockDuration!, keep, worker];
        for (const { id, token, value } of jobs) args.push(id, token, value);
        return (await scripted.finishJobs!(...args)) ?? [];
      },
      apart: () => false,
      next: (answer, { id }, now) => {
        if (typeof answer !== 'number' || answer >= 0) return nextOf(answer, now);
        throw backend.finishedErrors({ code: answer, jobId: id, command: 'moveToFinished', state: 'active' });
      },
    });
    return backend;
  };
}

function isPlain(job: MinimalJob, removeOnComplete: unknown, keep: number): boolean {
  if (job.parent || job.parentKey || typeof removeOnComplete !== 'object') return false;
  const { count, age, ...more } = removeOnComplete as { count?: number; age?: number };
  return count === keep && age === undefined && Object.keys(more).length === 0;
}

function nextOf(answer: Answer, now: number): unknown[] {
  if (answer === 0) return [];
  if (typeof answer !== 'object') return [null, 0, 0, Number(answer)];
  if (answer.length === 0) return [null, 0, 0, 0];
  const [id, fields] = answer;
  return [decodeJob(fields, now), id, 0, 0];
}
