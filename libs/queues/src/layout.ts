import { PermanentError, TransientError } from '@spillway/contracts';
import type { Queue } from 'bullmq';
import type { QueueBackend } from './backend';

const ID = 'layout';

/**
 * Under how many partitions the queues were filled, kept beside them. With another number tenants' jobs, dead letters and
 * deduplications would be where nobody looks for them.
 */
export class Layout {
  /** Whether jobs may be added. */
  isOpen = false;
  private opened?: Queue;

  constructor(
    private readonly backend: QueueBackend,
    private readonly prefix: string,
    private readonly count: number,
  ) {}

  /**
   * @param move takes what is kept from the queues of that many partitions to where it belongs now
   * @throws TransientError `queues-unavailable`
   */
  async settle(move: (before: number) => Promise<void>): Promise<void> {
    const before = await this.kept();
    this.isOpen = true;
    if (before === this.count) return;
    await move(before);
    await this.keep();
  }

  /** For a process that began while the queues were away. @throws PermanentError `partitions-changed` */
  async check(): Promise<void> {
    const before = await this.kept();
    if (before !== this.count) throw changed(before, this.count, 'the queues were filled');
    this.isOpen = true;
  }

  async close(): Promise<void> {
    await this.opened?.close().catch(() => undefined);
  }

  /** What the first process said. */
  private async kept(): Promise<number> {
    await this.backend.ready();
    try {
      await this.queue.add(ID, { partitions: this.count }, { jobId: ID });
      const job = await this.queue.getJob(ID);
      return (job!.data as { partitions: number }).partitions;
    } catch (cause) {
      throw new TransientError('the queues do not answer', { code: 'queues-unavailable', cause });
    }
  }

  private async keep(): Promise<void> {
    const job = await this.queue.getJob(ID);
    await job!.updateData({ partitions: this.count });
  }

  /** A queue nobody works on, in which one job says it: so it is kept in the same way on every backend. */
  private get queue(): Queue {
    return (this.opened ??= this.backend.openQueue('layout', this.prefix));
  }
}

/** @param what is true of the number before */
export function changed(before: number, now: number, what: string): PermanentError {
  const words = before === 1 ? '1 partition' : `${before} partitions`;
  return new PermanentError(`${what} in ${words}, and SPILLWAY_PARTITIONS is ${now}`, {
    code: 'partitions-changed',
    remedy: `Start with SPILLWAY_PARTITIONS=${before} and ACCEPT_INTO=outbox until the queues are empty; docs/operate/redis.md, "Changing the number of partitions".`,
  });
}
