import { createRedisBackend, type BackendFactory, Job, type JobsOptions, Queue, type RedisQueueBackend } from 'bullmq';
import type Redis from 'ioredis';
import { completeAll, type Outcome, type Slot, type Twin } from '../../../testing/twins';

/** So many completed jobs stay. */
export const KEEP = 3;

/** A queue with a worker's backend, whose calls a test makes one by one. */
export class Side implements Twin {
  readonly queue: Queue;
  readonly backend: RedisQueueBackend;

  constructor(
    readonly name: string,
    private readonly redis: Redis,
    factory: BackendFactory<RedisQueueBackend> = createRedisBackend,
  ) {
    this.queue = new Queue(name, { connection: redis, skipMetasUpdate: true });
    const settings = { connection: redis, lockDuration: 30_000, maxStalledCount: 2, stalledInterval: 1, name: 'w' };
    this.backend = factory(name, settings as object as Parameters<typeof factory>[1]);
  }

  key(type: string): string {
    return this.queue.toKey(type);
  }

  /** @returns why it was not taken */
  async add(name: string, data: object, opts: JobsOptions): Promise<string | undefined> {
    return this.queue.add(name, data, opts).then(
      () => undefined,
      (error: Error) => error.message.replace(this.name, ''),
    );
  }

  /** @returns the job that was taken, if there was one */
  async take(token: string): Promise<[outcome: Outcome, slot?: Slot]> {
    const answer = await this.backend.moveToActive(token, 'w');
    return [{ answer: timeless(answer) }, this.slotOf(answer, token)];
  }

  complete(slots: Slot[], together: boolean): Promise<[Outcome, Slot?][]> {
    return completeAll(this.backend, slots, together, (next, token) => [timeless(next), this.slotOf(next, token)]);
  }

  private slotOf(answer: unknown, token: string): Slot | undefined {
    const [json, id] = (answer ?? []) as [Parameters<typeof Job.fromJSON>[1] | null, string];
    return json ? { id, token, job: Job.fromJSON(this.queue, json, id) } : undefined;
  }

  /** Every key of the queue, without what differs by nature: the ids of stream entries, and how long a key still lives. */
  async contents(): Promise<Record<string, unknown>> {
    const keys = (await this.redis.keys(this.key('*'))).sort();
    const types = await Promise.all(keys.map((key) => this.redis.type(key)));
    const values = await Promise.all(keys.map((key, index) => this.read(key, types[index]!)));
    return this.nameless(Object.fromEntries(keys.map((key, index) => [key, values[index]])));
  }

  /** The same without the queue's name. */
  nameless<T>(value: T): T {
    return JSON.parse(
      JSON.stringify(value).replaceAll(this.key(''), 'q:').replaceAll(this.key('').slice(0, -1), 'q'),
    ) as T;
  }

  private async read(key: string, type: string): Promise<unknown> {
    const { redis } = this;
    if (type === 'string') return [await redis.get(key), (await redis.pttl(key)) > 0];
    if (type === 'list') return redis.lrange(key, 0, -1);
    if (type === 'set') return (await redis.smembers(key)).sort();
    if (type === 'zset') return redis.zrange(key, 0, -1, 'WITHSCORES');
    if (type === 'hash') return redis.hgetall(key);
    if (type === 'stream') return (await redis.xrange(key, '-', '+')).map(([, fields]) => fields);
    throw new Error(`${key} is a ${type}`);
  }

  async close(): Promise<void> {
    await this.queue.close();
    await this.backend.close();
  }
}

/** How long a rate limit still holds differs by nature. */
function timeless(answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer;
  return answer.map((part: unknown, index) => (index === 2 ? Number(part) > 0 : part));
}
