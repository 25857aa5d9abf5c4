import { PermanentError, type QueueName } from '@spillway/contracts';
import type { Job, JobData } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';
import { subjectOf } from '@spillway/worker-kit';

/** What a job carries; undefined for one that is not ours, or that nobody can read any more. */
export async function readJob<Name extends QueueName>(
  platform: Pick<Platform, 'queues'>,
  queue: Name,
  job: Job,
): Promise<JobData[Name] | undefined> {
  try {
    return await platform.queues.read(queue, job);
  } catch (error) {
    if (error instanceof PermanentError) return undefined;
    throw error;
  }
}

/** Who a job belongs to; one that cannot be read is nobody's, and only the platform's people see it. */
export async function ownerOf(platform: Pick<Platform, 'queues'>, queue: QueueName, job: Job) {
  const data = await readJob(platform, queue, job);
  return data ? subjectOf(data) : { tenant: '', eventId: '' };
}
