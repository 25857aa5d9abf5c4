import { PermanentError, type QueueName, type SpillwayError } from '@spillway/contracts';
import type { Log } from '@spillway/observability';
import type { DeadLetters, Job, JobData, Queues } from '@spillway/queues';
import { DelayedError, UnrecoverableError } from 'bullmq';

interface Parts {
  queues: Queues;
  deadLetters: DeadLetters;
  log: Log;
  onForged?(queue: QueueName, jobId: string): Promise<void>;
}

/** When a job is looked at again whose key could not be asked for. */
const UNREAD_MS = 2_000;

/**
 * Nothing is done with a job before it is known to be ours, and to be readable.
 *
 * @throws UnrecoverableError for one that is neither; DelayedError while its key cannot be asked for
 */
export async function readJob<Name extends QueueName>(
  queue: Name,
  job: Job,
  parts: Parts,
  token?: string,
): Promise<JobData[Name]> {
  try {
    return await parts.queues.read(queue, job);
  } catch (error) {
    const about = { queue, job: job.id, code: (error as SpillwayError).code };
    if (error instanceof PermanentError) {
      await parts.deadLetters.putUnreadable(queue, job, error);
      if (error.code === 'job-forged') await parts.onForged?.(queue, job.id!);
      parts.log.error(about, 'job is put away: it is not ours, or cannot be read');
      throw new UnrecoverableError(error.code);
    }
    parts.log.info({ ...about, err: error }, 'job waits: it cannot be read');
    await job.moveToDelayed(Date.now() + UNREAD_MS, token);
    throw new DelayedError();
  }
}
