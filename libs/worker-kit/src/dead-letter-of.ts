import type { DeadLetter, QueueName } from '@spillway/contracts';
import { activeTraceparent } from '@spillway/observability';
import type { Job, JobData } from '@spillway/queues';
import { subjectOf } from './handler';

/** What is kept of a job that has failed for good. */
export function deadLetterOf<Name extends QueueName>(
  queue: Name,
  job: Job,
  data: JobData[Name],
  error: DeadLetter['error'],
  attempts: number,
): DeadLetter {
  return {
    queue,
    job: { id: job.id!, name: job.name, data, opts: { attempts: job.opts.attempts, priority: job.opts.priority } },
    ...subjectOf(data),
    error,
    attempts,
    failedAt: Date.now(),
    traceparent: activeTraceparent() ?? ('event' in data ? data.event.traceparent : undefined),
  };
}

/** How often it came back from the dead letters. */
export function redrivesOf(data: JobData[QueueName]): number {
  return ('meta' in data && data.meta.redrives) || 0;
}
