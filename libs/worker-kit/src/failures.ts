import { type ErrorRecord, messageOf, PermanentError, type QueueName, SpillwayError } from '@spillway/contracts';
import type { DeadLetters, FactSink, JobData, Queues } from '@spillway/queues';
import { deadLetterOf } from './dead-letter-of';
import { errorRecord, judge, type Verdict, withoutWords } from './failure';
import type { Handler, Outcome } from './handler';
import { type AttemptJob, attemptOf, type JobFacts, triedBefore } from './job-facts';
import type { LaneKeeper } from './lane-keeper';
import type { AttemptTelling } from './telling';

interface Parts {
  queues: Queues;
  deadLetters: DeadLetters;
  facts: FactSink;
}

/** A failed job is tried again. */
export interface Again {
  verdict: Exclude<Verdict, { next: 'dead-letter' }>;
  /** As others may read it. */
  kept: unknown;
}

/** What is to be done about attempts that failed. */
export class Failures<Name extends QueueName> {
  constructor(
    private readonly handler: Handler<Name>,
    private readonly parts: Parts,
    private readonly jobFacts: JobFacts<Name>,
    private readonly lanes: LaneKeeper,
  ) {}

  /** What is to become of a job whose attempt failed; who waits for that is told. */
  async judged(
    job: AttemptJob,
    data: JobData[Name],
    error: unknown,
    telling: AttemptTelling,
  ): Promise<{ concluded: Outcome } | { dead: ErrorRecord } | Again> {
    const { queue } = this.handler;
    const attempt = attemptOf(job, data);
    const waits = Math.max(0, job.attemptsStarted - job.attemptsMade - 1 - (job.stalledCounter ?? 0));
    const verdict = judge(error, attempt, (job.opts.attempts ?? 1) + triedBefore(data), waits);
    const record = errorRecord(error);
    const facts = this.jobFacts.failure(job, data, record, telling.elapsedMs);
    const concluded = verdict.next === 'dead-letter' ? await this.conclude(job, data, error) : undefined;
    if (concluded) {
      const ended = this.jobFacts.concluded(job, data, record);
      await this.parts.facts.record([...facts, ...(concluded.facts ?? []), ended]);
      telling.failed('failed', record);
      telling.log.info({ code: record.code, class: record.class }, 'call failed');
      return { concluded };
    }
    if (verdict.next === 'dead-letter') {
      const cancelled = error instanceof SpillwayError && error.code === 'job-cancelled';
      const end = cancelled ? 'cancelled' : 'dead-letter';
      // First, so that its trace is kept and the dead letter says so.
      telling.failed(end, record);
      if (!cancelled) await this.lanes.park(job, { ...record, message: this.told(record) });
      if (!cancelled) await this.parts.deadLetters.put(queue, deadLetterOf(queue, job, data, record, attempt));
      await this.parts.facts.record([...facts, ...this.jobFacts.givenUp(job, data, end, record)]);
      telling.log.warn({ code: record.code, err: error }, cancelled ? 'job cancelled' : 'job is dead');
      return { dead: record };
    }
    telling.failed(verdict.next, record);
    // Facts go through the queues, too.
    if (record.code !== 'queues-unavailable') await this.parts.facts.record(facts);
    telling.log.info({ code: record.code, class: record.class }, 'attempt failed');
    // What others answered may be in the message: sealed queues do not get it.
    return { verdict, kept: this.parts.queues.codec.seals ? withoutWords(error, record.code) : error };
  }

  /** What others answered may be in a message: sealed queues get the code. */
  told(error: ErrorRecord): string {
    return this.parts.queues.codec.seals ? error.code : error.message;
  }

  private conclude(job: AttemptJob, data: JobData[Name], error: unknown): Promise<Outcome | undefined> | undefined {
    const known = error instanceof SpillwayError ? error : new PermanentError(messageOf(error), { code: 'unexpected' });
    return this.handler.conclude?.(data, job.id!, known);
  }
}
