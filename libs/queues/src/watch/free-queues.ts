import type { QueueName } from '@spillway/contracts';
import { batched } from '@spillway/persistence';
import type { Queues } from '../queues';

/** A queue that was not free is not asked about again for so long. Milliseconds. */
const ASK_AGAIN_MS = 250;
/** Of jobs that a worker could take, if the queue were not paused; BullMQ's types do not know the last. */
const READY = ['waiting', 'prioritized', 'paused'] as 'waiting'[];

/**
 * Says whether a queue's workers would take a job at once, for those who could do the job's work themselves: nobody is to be
 * overtaken, and a queue that an operator paused holds its work back. Who asks at the same time shares one answer.
 */
export class FreeQueues {
  private readonly asks = new Map<string, (nothing: undefined) => Promise<boolean>>();

  constructor(private readonly queues: Queues) {}

  /** Whether the queue is not paused, and no more jobs wait in it than one process works on at a time. */
  async isFree(name: QueueName, tenant: string): Promise<boolean> {
    const partition = this.queues.partitions.of(tenant);
    const key = `${partition}/${name}`;
    let ask = this.asks.get(key);
    if (!ask) this.asks.set(key, (ask = this.askOf(name, partition)));
    return ask(undefined);
  }

  private askOf(name: QueueName, partition: number): (nothing: undefined) => Promise<boolean> {
    const queue = this.queues.queue(name, partition);
    const { concurrency } = this.queues.catalogue[name];
    let busyUntil = 0;
    const look = async () => {
      if (Date.now() < busyUntil) return false;
      const [isPaused, counts] = await Promise.all([queue.isPaused(), queue.getJobCounts(...READY)]);
      const waiting = READY.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
      const isFree = !isPaused && waiting <= concurrency;
      if (!isFree) busyUntil = Date.now() + ASK_AGAIN_MS;
      return isFree;
    };
    return batched(
      async (asked: undefined[]) => {
        // Where that cannot be known, the queue is to decide.
        const isFree = await look().catch(() => false);
        return asked.map(() => isFree);
      },
      { most: 1_000 },
    );
  }
}
