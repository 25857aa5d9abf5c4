import type { QueueName } from '@spillway/contracts';
import { activeSpan, type Log, measure } from '@spillway/observability';
import type { JobData } from '@spillway/queues';
import { type Outcome, subjectOf } from './handler';
import { type AttemptJob, attemptOf } from './job-facts';

/** What became of an attempt. `failed`: its run was told, and goes on. */
export type AttemptOutcome = 'done' | 'failed' | 'retry' | 'wait' | 'dead-letter' | 'cancelled';

const SYSTEM = 'bullmq';
/** Whose effects are counted. */
const OUTSIDE: readonly QueueName[] = ['integration-tasks', 'notifications'];

/** Tells of one attempt of a job: metrics, the span that BullMQ's telemetry opened for it, and the ids its log lines carry. */
export class AttemptTelling {
  private readonly startedAt = performance.now();
  private readonly span = activeSpan();
  private lines?: Log;

  constructor(
    private readonly queue: QueueName,
    private readonly job: AttemptJob,
    private readonly data: JobData[QueueName],
    private readonly parentLog: Log,
  ) {
    const { tenant } = subjectOf(data);
    measure.consumed.add(1, SYSTEM, queue);
    if (!('facts' in data)) measure.tenantJobs.add(1, tenant);
    if (job.attemptsMade === 0 && !job.stalledCounter) {
      measure.waitDuration.record(Math.max(0, Date.now() - readyAt(job)) / 1_000, queue);
    }
    // Somebody died or failed before, maybe in another process: from here on nothing is missed.
    if (job.attemptsMade > 0 || job.stalledCounter) this.span?.segment.keep();
    this.span?.updateName(`process ${queue}`).setAttributes(this.attributes());
  }

  /** With the ids of the job; made when somebody has something to say. */
  get log(): Log {
    return (this.lines ??= this.parentLog.child({ ...this.ids(), attempt: attemptOf(this.job, this.data) }));
  }

  get elapsedMs(): number {
    return Math.round(performance.now() - this.startedAt);
  }

  done(outcome: Outcome): void {
    this.ended('done', '');
    if (!OUTSIDE.includes(this.queue) || outcome.silent) return;
    measure.effects.add(1, this.queue, outcome.recorded ? 'recorded' : outcome.repeat ? 'repeat' : 'done');
  }

  /** @param error what it is, without its message */
  failed(outcome: AttemptOutcome, error: { class: string; code: string }): void {
    this.ended(outcome, error.code);
    if (outcome === 'dead-letter') measure.deadLettered.add(1, this.queue, error.class);
    // To wait until the other side may be asked again is no failure of anybody's.
    if (outcome === 'wait') this.span?.setAttribute('error.type', error.code);
    else this.span?.fail(error.code);
  }

  private ended(outcome: AttemptOutcome, errorType: string): void {
    measure.attempts.add(1, this.queue, outcome);
    measure.processDuration.record((performance.now() - this.startedAt) / 1_000, SYSTEM, this.queue, errorType);
    this.span?.setAttribute('spillway.outcome', outcome);
  }

  private ids() {
    const { tenant, eventId } = subjectOf(this.data);
    const run = 'run' in this.data ? this.data.run.id : undefined;
    return { queue: this.queue, job: this.job.id, tenant, ...(eventId && { event: eventId }), ...(run && { run }) };
  }

  private attributes() {
    const { tenant, eventId } = subjectOf(this.data);
    const run = 'run' in this.data ? this.data.run : undefined;
    return {
      'messaging.system': SYSTEM,
      'messaging.destination.name': this.queue,
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.message.id': this.job.id,
      'spillway.attempt': attemptOf(this.job, this.data),
      ...('facts' in this.data
        ? { 'messaging.batch.message_count': this.data.facts.length }
        : { 'spillway.tenant': tenant, 'spillway.event.id': eventId }),
      ...(run && { 'spillway.run.id': run.id, 'spillway.flow': run.flow }),
    };
  }
}

/** From when on it could have been taken. */
function readyAt({ timestamp, opts }: AttemptJob): number {
  return timestamp + (opts.delay ?? 0);
}

const OUTCOMES: readonly AttemptOutcome[] = ['done', 'failed', 'retry', 'wait', 'dead-letter', 'cancelled'];
const CLASSES = ['transient', 'rate-limited', 'permanent', 'poison'];

/** Counters of a queue are there before anything happens: the first dead letter is a growth from 0, not a new series. */
export function startAtZero(queue: QueueName): void {
  for (const outcome of OUTCOMES) measure.attempts.add(0, queue, outcome);
  for (const kind of CLASSES) measure.deadLettered.add(0, queue, kind);
  measure.stalled.add(0, queue);
  measure.forged.add(0, queue);
  if (OUTSIDE.includes(queue)) for (const one of ['done', 'recorded', 'repeat']) measure.effects.add(0, queue, one);
  if (queue !== 'orchestration-flows') return;
  for (const status of ['completed', 'faulted', 'cancelled']) measure.runsEnded.add(0, status);
}
