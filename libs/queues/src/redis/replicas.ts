import { LateError } from '@spillway/contracts';
import type { Queue } from 'bullmq';
import { Cluster, type Redis } from 'ioredis';
import type { RedisConnection } from './connection';

/**
 * Holds an add for done only when so many replicas have it, too: what a primary alone has is lost when it fails. Redis
 * counts what went over one connection, so it is asked on the connection that the add went over; when that has changed in
 * between (a failover), nothing is known, and the add counts as failed. Adding again under the same id does no harm.
 */
export class Replicas {
  /** The hash slot of each queue. */
  private readonly slots = new Map<string, Promise<number>>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly count: number,
    private readonly timeoutMs: number,
  ) {}

  /** @throws LateError when the replicas do not have it in time */
  async have<T>(queue: Queue, add: () => Promise<T>): Promise<T> {
    if (this.count === 0) return add();
    const before = await this.nodeOf(queue);
    const stream = before?.stream;
    const added = await add();
    const isSame = async () => before?.stream === stream && (await this.nodeOf(queue)) === before;
    if (!before || !(await isSame())) throw new LateError('the primary changed meanwhile');
    const reached = await before.wait(this.count, this.timeoutMs);
    if (!(await isSame())) throw new LateError('the primary changed meanwhile');
    if (reached < this.count)
      throw new LateError(`${reached} of ${this.count} replicas had it in ${this.timeoutMs} ms`);
    return added;
  }

  private async nodeOf(queue: Queue): Promise<Redis | undefined> {
    const { connection } = this;
    if (!(connection instanceof Cluster)) return connection;
    const primary = connection.slots[await this.slotOf(queue, connection)]?.[0];
    return connection.nodes('master').find(({ options }) => `${options.host}:${options.port}` === primary);
  }

  private slotOf(queue: Queue, cluster: Cluster): Promise<number> {
    const key = queue.toKey('');
    const known = this.slots.get(key);
    if (known) return known;
    const slot = cluster.cluster('KEYSLOT', key);
    this.slots.set(key, slot);
    slot.catch(() => this.slots.delete(key));
    return slot;
  }
}
