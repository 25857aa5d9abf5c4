import type { DeadLetter, QueueName } from '@spillway/contracts';
import { activeTraceparent } from '@spillway/observability';
import type { JobData } from '@spillway/queues';
import { subjectOf } from './handler';
import { type AttemptJob, triedBefore } from './job-facts';

/** What is kept of a job that has failed for good. */
export function deadLetterOf<Name extends QueueName>(
  queue: Name,
  job: AttemptJob,
  data: JobData[Name],
  error: DeadLetter['error'],
  made: number,
): DeadLetter {
  const attempts = (job.opts.attempts ?? 1) + triedBefore(data);
  return {
    queue,
    // When it comes back it begins anew.
    job: { id: job.id!, name: job.name, data: untried(data), opts: { attempts, priority: job.opts.priority } },
    ...subjectOf(data),
    error,
    attempts: made,
    failedAt: Date.now(),
    traceparent: activeTraceparent() ?? ('event' in data ? data.event.traceparent : undefined),
  };
}

function untried<Name extends QueueName>(data: JobData[Name]): JobData[Name] {
  return triedBefore(data) > 0 && 'meta' in data ? { ...data, meta: { ...data.meta, tried: undefined } } : data;
}

/** How often it came back from the dead letters. */
export function redrivesOf(data: JobData[QueueName]): number {
  return ('meta' in data && data.meta.redrives) || 0;
}
