import type { QueueName } from '@spillway/contracts';
import { type FactSink, FreeQueues, type JobData, type Queues } from '@spillway/queues';
import type { NextJob } from './handler';
import { Places } from './places';
import { Visit } from './visit';

/** Whether a job of a queue may be done by the worker that made it necessary; if so, a place is kept for it. */
export type MayGoOn = (queue: QueueName, data: JobData[QueueName]) => Promise<boolean>;

/** A queue's worker, as others of its process see it. */
export interface Colleague {
  readonly queue: QueueName;
  readonly isClosing: boolean;
  /** Jobs at once. */
  readonly concurrency: number;
  /** Takes a place of the queue's for a job that did not come through it; `leave` gives it back. @returns whether there was one */
  enter(waitMs: number): Promise<boolean>;
  leave(): void;
  /** Never throws: what fails is tried again by its queue. @returns what it leads to */
  doNext(job: NextJob, visit: Visit, mayGoOn: MayGoOn): Promise<readonly NextJob[]>;
}

/** From these a slow third party could take all places, and nothing would be routed or taken on any more: it gets a part. */
const THINKERS: readonly QueueName[] = ['ingress-events', 'orchestration-flows'];
const THINKERS_PART = 0.75;
/**
 * Where there is no place, one is waited for this long, milliseconds: what is fast frees them sooner, and what is slow belongs into
 * its queue.
 */
const WAIT_MS = 250;

/**
 * Does jobs in the worker that made them necessary, right after its own: that saves the way through a queue, which for a small
 * call is most of its cost. What is to be done is stored before (in the run that asks for it, or it follows from the event),
 * and the job in whose place it is done stays with its worker meanwhile: when that dies, the job comes back, and finds it.
 *
 * The queue keeps what it is for. A job goes there when the queue is paused or has a backlog, when its tenant has a cap there or
 * its event an order, when it may take long, when as many are done as the queue's concurrency says, when the worker closes, or
 * has gone on for long; and after a failure.
 */
export class OnTheSpot {
  private readonly colleagues = new Map<QueueName, Colleague>();
  /** Of workers that must have some left for their own work. */
  private readonly places = new Map<QueueName, Places>();
  private readonly free: FreeQueues;

  constructor(
    private readonly queues: Queues,
    readonly facts: FactSink,
    private readonly isDraining: () => boolean = () => false,
  ) {
    this.free = new FreeQueues(queues);
  }

  /** A queue's worker takes part until it closes. */
  join(colleague: Colleague): void {
    const { queue, concurrency } = colleague;
    this.colleagues.set(queue, colleague);
    if (THINKERS.includes(queue))
      this.places.set(queue, new Places((taken) => taken < Math.floor(concurrency * THINKERS_PART)));
  }

  /** @param host the worker in whose place things would be done, as long as it has its job */
  visit(host: Colleague): Visit {
    return new Visit(host, this);
  }

  colleague(queue: QueueName): Colleague | undefined {
    return this.colleagues.get(queue);
  }

  /** What a host gives to others, of those that do not do such work themselves. @returns undefined when that is no question */
  placesOf(host: Colleague): Places | undefined {
    return this.places.get(host.queue);
  }

  waitMs(host: Colleague): number {
    return this.places.has(host.queue) ? WAIT_MS : 0;
  }

  /** Whether a job may be done in a host's place, as far as its queue is concerned. */
  async isOpen(host: Colleague, queue: QueueName, data: JobData[QueueName]): Promise<boolean> {
    const isOpen = () => !this.isDraining() && !host.isClosing && this.colleagues.get(queue)?.isClosing === false;
    if (!isOpen() || !('meta' in data)) return false;
    const { tenant, timeoutMs } = data.meta;
    // It may take longer than others do.
    if (timeoutMs !== undefined) return false;
    const { lanes } = this.queues;
    if (lanes.placeOf(queue, data)?.key !== undefined || lanes.capOf(queue, tenant) !== undefined) return false;
    return (await this.free.isFree(queue, tenant)) && isOpen();
  }
}
