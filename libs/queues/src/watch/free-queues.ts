import type { QueueName } from '@spillway/contracts';
import { batched } from '@spillway/persistence';
import type { Queue } from 'bullmq';
import type { Queues } from '../queues';

/** Jobs that wait for longer than this are a backlog. Milliseconds. */
const BEHIND_MS = 1_000;
/** What was heard of a queue is held to be so for this long; of one with a backlog for longer. Milliseconds. */
const KNOWN_MS = 5;
const BUSY_KNOWN_MS = 250;

/**
 * Says whether a queue's workers would take a job at once, for those who could do the job's work themselves: nobody is to be
 * overtaken, and a queue that an operator paused holds its work back. Who asks at the same time shares one answer.
 */
export class FreeQueues {
  private readonly asks = new Map<string, (nothing: undefined) => Promise<boolean>>();

  constructor(private readonly queues: Queues) {}

  /** Whether the queue is not paused, and has no backlog: jobs that have waited for long. */
  async isFree(name: QueueName, tenant: string): Promise<boolean> {
    const partition = this.queues.partitions.of(tenant);
    const key = `${partition}/${name}`;
    let ask = this.asks.get(key);
    if (!ask) this.asks.set(key, (ask = this.askOf(name, partition)));
    return ask(undefined);
  }

  private askOf(name: QueueName, partition: number): (nothing: undefined) => Promise<boolean> {
    const queue = this.queues.queue(name, partition);
    let known = { isFree: false, until: 0 };
    return batched(
      async (asked: undefined[]) => {
        if (Date.now() >= known.until) {
          // Where that cannot be known, the queue is to decide.
          const seen = await this.look(queue, this.queues.catalogue[name].concurrency).catch(() => 'paused');
          known = { isFree: seen === 'free', until: Date.now() + (seen === 'busy' ? BUSY_KNOWN_MS : KNOWN_MS) };
        }
        return asked.map(() => known.isFree);
      },
      { most: 1_000 },
    );
  }

  private async look(queue: Queue, concurrency: number): Promise<'free' | 'paused' | 'busy'> {
    const { isPaused, ready } = await this.queues.backend.atHand(queue, concurrency + 1);
    if (isPaused) return 'paused';
    if (ready === 0) return 'free';
    // Many may come at once and soon be done. Those that wait to be tried again tell nothing of how long.
    const since = await this.queues.backend.oldestWaiting(queue);
    if (since === undefined) return ready <= concurrency ? 'free' : 'busy';
    return Date.now() - since < BEHIND_MS ? 'free' : 'busy';
  }
}
