import type { AttemptRecord, ErrorRecord, Planning, QueueName } from '@spillway/contracts';
import type { Job, JobData, NewFact } from '@spillway/queues';
import { type GivenUp, type Handler, type Outcome, subjectOf } from './handler';
import { UNRECORDED } from './keep-trying';
import { WORKER_NAME } from './worker-name';

/** What an attempt needs of BullMQ's job; one that is done on the spot has no other. */
export type AttemptJob = Pick<
  Job,
  'id' | 'name' | 'attemptsMade' | 'attemptsStarted' | 'stalledCounter' | 'opts' | 'timestamp'
>;

/** Which attempt it is, from 1. One on the spot was no attempt of the queue's. */
export function attemptOf(job: Pick<Job, 'attemptsMade'>, data: JobData[QueueName]): number {
  return job.attemptsMade + 1 + triedBefore(data);
}

/** Attempts that were made before the job came into its queue. */
export function triedBefore(data: JobData[QueueName]): number {
  return ('meta' in data && data.meta.tried) || 0;
}

/** What the ledger is told of a queue's jobs. */
export class JobFacts<Name extends QueueName> {
  constructor(private readonly handler: Handler<Name>) {}

  /** @param durationMs of the attempt */
  success(job: AttemptJob, data: JobData[Name], outcome: Outcome, durationMs: number): NewFact[] {
    if (!this.handler.tellsAttempts || outcome.silent) return [];
    return [
      this.ended(job, data, {
        attempt: {
          attempt: attemptOf(job, data),
          durationMs,
          worker: WORKER_NAME,
          ...(outcome.repeat && { repeat: true }),
          ...(outcome.recorded && { recorded: true }),
          ...(outcome.response && { response: outcome.response }),
          ...(outcome.channel && { channel: outcome.channel }),
        },
      }),
    ];
  }

  failure(job: AttemptJob, data: JobData[Name], error: ErrorRecord, durationMs: number): NewFact[] {
    if (!this.handler.tellsAttempts) return [];
    return [
      {
        ...subjectOf(data),
        kind: 'job.attempt',
        jobId: job.id!,
        queue: this.handler.queue,
        attempt: attemptOf(job, data),
        durationMs,
        error,
        worker: WORKER_NAME,
        ...this.planned(job, data),
        // What it did will be done again, and nobody dies: only this attempt can tell.
        ...(error.code === UNRECORDED && { repeat: true }),
      },
    ];
  }

  /** It is done; or, with an error, its failure is somebody's to deal with. */
  ended(job: AttemptJob, data: JobData[Name], more: { attempt?: AttemptRecord; error?: ErrorRecord }): NewFact {
    const ended = { ...subjectOf(data), kind: 'job.ended' as const, jobId: job.id!, queue: this.handler.queue };
    return { ...ended, state: 'done', ...this.planned(job, data), ...more };
  }

  givenUp(job: AttemptJob, data: JobData[Name], state: GivenUp, error: ErrorRecord): NewFact[] {
    if (this.handler.onGivenUp) return this.handler.onGivenUp(data, job.id!, state, error);
    if (!this.handler.tellsAttempts) return [];
    return [{ ...subjectOf(data), kind: 'job.ended', jobId: job.id!, queue: this.handler.queue, state, error }];
  }

  private planned(job: AttemptJob, data: JobData[Name]): { planned: Planning } | undefined {
    const planned = this.handler.planned?.(data, job.id!);
    return planned && { planned };
  }
}
