import { type ErrorRecord, messageOf, type QueueName } from '@spillway/contracts';
import type { Log } from '@spillway/observability';
import { backoffDelay, type Job, type LanePump, placeOf, type Queues } from '@spillway/queues';
import { UnrecoverableError, WaitingChildrenError, type Worker } from 'bullmq';
import type { Verdict } from './failure';

/** An ordering key whose first job was given up. */
export interface ParkedKey {
  tenant: string;
  queue: QueueName;
  key: string;
  jobId: string;
  error: ErrorRecord;
}

interface Parts {
  queues: Queues;
  log: Log;
  onParked?(parked: ParkedKey): Promise<void>;
}

/** What a worker does for the lanes of its queue: tells which jobs ended, and takes retries of capped lanes back to them. */
export class LaneKeeper {
  private readonly pumps: LanePump[] = [];

  constructor(
    private readonly queue: QueueName,
    private readonly parts: Parts,
  ) {}

  watch(worker: Worker, partition: number): void {
    const { lanes, catalogue } = this.parts.queues;
    const pump = lanes.pump(this.queue, partition, catalogue[this.queue].concurrency);
    if (!pump) return;
    this.pumps.push(pump);
    worker.on('completed', (job) => pump.jobEnded(job, true));
    worker.on('failed', (job, error) => {
      // Others come back.
      if (job && error instanceof UnrecoverableError) pump.jobEnded(job, false);
    });
    worker.on('drained', () => pump.drained());
  }

  private placeOf(job: Pick<Job, 'opts'>) {
    return this.pumps.length > 0 ? placeOf(job.opts) : undefined;
  }

  async start(): Promise<void> {
    await Promise.all(this.pumps.map((pump) => pump.start()));
  }

  async close(): Promise<void> {
    await Promise.all(this.pumps.map((pump) => pump.close()));
  }

  /** Before a job with an ordering key is given up: those behind it wait for an operator, if the tenant wants it so. */
  async park(job: Pick<Job, 'id' | 'opts'>, error: ErrorRecord): Promise<void> {
    const { lanes } = this.parts.queues;
    const place = this.placeOf(job);
    if (place?.key === undefined || lanes.onExhausted(place.lane) !== 'park') return;
    const { code, message } = error;
    const parking = { job: job.id!, at: Date.now(), code, message };
    if (!(await lanes.ofTenant(this.queue, place.lane).park(place.lane, place.key, parking))) return;
    const parked = { tenant: place.lane, queue: this.queue, key: place.key, jobId: job.id!, error };
    this.parts.log.error(
      { tenant: place.lane, queue: this.queue, key: place.key, job: job.id, code },
      'ordering key is parked: its first job was given up, those behind it wait for an operator (spillway lanes)',
    );
    // It is parked whether or not that can be written down now.
    await this.parts.onParked?.(parked).catch((cause: unknown) => this.parts.log.warn({ err: cause }, 'not recorded'));
  }

  /**
   * A failed job of a capped lane gives its slot back and waits in its lane: BullMQ would let it in past the cap.
   *
   * @param tried attempts before it came into its queue
   * @throws WaitingChildrenError when it did
   */
  async retryLater(
    job: Job,
    token: string | undefined,
    verdict: Verdict,
    error: unknown,
    tried: number,
  ): Promise<void> {
    const { lanes, catalogue } = this.parts.queues;
    const place = this.placeOf(job);
    if (!place || !token || lanes.capOf(this.queue, place.lane) === undefined) return;
    const delayMs =
      verdict.next === 'wait'
        ? verdict.delayMs
        : backoffDelay(job.attemptsMade + 1 + tried, catalogue[this.queue], error);
    const stack = error instanceof Error && error.stack ? [error.stack] : [];
    const taken = await lanes.ofTenant(this.queue, place.lane).retryLater({
      id: job.id!,
      token,
      dueAt: Date.now() + delayMs,
      counts: verdict.next === 'retry',
      reason: messageOf(error),
      stack,
    });
    if (taken) throw new WaitingChildrenError();
  }
}
