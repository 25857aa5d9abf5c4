import type { AttemptRecord, ErrorRecord, Fact, Planning, QueueName } from '@spillway/contracts';
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

/** Somebody may have begun it before it came into its queue. */
export function isUnsure(data: JobData[QueueName]): boolean {
  return 'meta' in data && data.meta.unsure === true;
}

/** Which job a fact is about. */
export type About = Pick<Fact & { kind: 'job.ended' }, 'tenant' | 'eventId' | 'jobId' | 'queue'>;

/** For the ledger: a job was done by this process. @param attempt the one that did it; `durationMs` in milliseconds */
export function doneFact(about: About, attempt: Omit<AttemptRecord, 'worker'>, planned?: Planning): NewFact {
  const did = { ...attempt, worker: WORKER_NAME };
  return { ...about, kind: 'job.ended', state: 'done', attempt: did, ...(planned && { planned }) };
}

/** For the ledger: nobody will do a job. */
export function givenUpFact(about: About, state: GivenUp, error: ErrorRecord, planned?: Planning): NewFact {
  return { ...about, kind: 'job.ended', state, error, ...(planned && { planned }) };
}

/** What the ledger is told of a queue's jobs. */
export class JobFacts<Name extends QueueName> {
  constructor(private readonly handler: Handler<Name>) {}

  /** @param durationMs of the attempt */
  success(job: AttemptJob, data: JobData[Name], outcome: Outcome, durationMs: number): NewFact[] {
    if (!this.handler.tellsAttempts || outcome.silent) return [];
    const attempt = {
      attempt: attemptOf(job, data),
      durationMs,
      ...(outcome.repeat && { repeat: true }),
      ...(outcome.recorded && { recorded: true }),
      ...(outcome.response && { response: outcome.response }),
      ...(outcome.channel && { channel: outcome.channel }),
    };
    return [doneFact(this.about(job, data), attempt, this.planned(job, data))];
  }

  failure(job: AttemptJob, data: JobData[Name], error: ErrorRecord, durationMs: number): NewFact[] {
    if (!this.handler.tellsAttempts) return [];
    const planned = this.planned(job, data);
    return [
      {
        ...this.about(job, data),
        kind: 'job.attempt',
        attempt: attemptOf(job, data),
        durationMs,
        error,
        worker: WORKER_NAME,
        ...(planned && { planned }),
        // What it did will be done again, and nobody dies: only this attempt can tell.
        ...(error.code === UNRECORDED && { repeat: true }),
      },
    ];
  }

  /** Its failure is somebody's to deal with, who was told: the job is done. */
  concluded(job: AttemptJob, data: JobData[Name], error: ErrorRecord): NewFact {
    const planned = this.planned(job, data);
    return { ...this.about(job, data), kind: 'job.ended', state: 'done', error, ...(planned && { planned }) };
  }

  givenUp(job: AttemptJob, data: JobData[Name], state: GivenUp, error: ErrorRecord): NewFact[] {
    if (this.handler.onGivenUp) return this.handler.onGivenUp(data, job.id!, state, error);
    if (!this.handler.tellsAttempts) return [];
    return [givenUpFact(this.about(job, data), state, error, this.planned(job, data))];
  }

  private about(job: AttemptJob, data: JobData[Name]): About {
    return { ...subjectOf(data), jobId: job.id!, queue: this.handler.queue };
  }

  private planned(job: AttemptJob, data: JobData[Name]): Planning | undefined {
    return this.handler.planned?.(data, job.id!);
  }
}
