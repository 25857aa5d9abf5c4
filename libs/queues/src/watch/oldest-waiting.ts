import type { Queue } from 'bullmq';
import type { Pool } from 'pg';
import type { RedisConnection } from '../redis/connection';

/** Looked at from the front of each priority: those before may have been tried already. */
const LOOK_AT = 20;
const PRIORITIES = [1, 2, 3];
/** BullMQ's score of a job with a priority: the priority, then a counter of 32 bits. */
const SCORE = 0x1_0000_0000;

/**
 * When the job that has waited longest for its first attempt became ready, Unix milliseconds. Jobs that wait to be tried
 * again are older without being behind, so they do not count.
 */
export async function oldestInRedis(redis: RedisConnection, queue: Queue): Promise<number | undefined> {
  const ids = await Promise.all([
    redis.lrange(queue.toKey('wait'), -LOOK_AT, -1).then((found) => found.reverse()),
    // Those whose place their lane gave them.
    redis.zrangebyscore(queue.toKey('prioritized'), '-inf', '(0', 'LIMIT', 0, LOOK_AT),
    ...PRIORITIES.map((one) =>
      redis.zrangebyscore(queue.toKey('prioritized'), one * SCORE, `(${(one + 1) * SCORE}`, 'LIMIT', 0, LOOK_AT),
    ),
  ]);
  const ready = await Promise.all(ids.flat().map((id) => readyAt(redis, queue, id)));
  return earliest(ready);
}

/** Undefined for a job that was tried already. */
async function readyAt(redis: RedisConnection, queue: Queue, id: string): Promise<number | undefined> {
  const [timestamp, opts, started] = await redis.hmget(queue.toKey(id), 'timestamp', 'opts', 'ats');
  if (!timestamp || Number(started ?? 0) > 0) return undefined;
  const { delay = 0 } = JSON.parse(opts ?? '{}') as { delay?: number };
  return Number(timestamp) + delay;
}

export async function oldestInPostgres(pool: Pool, queue: Queue): Promise<number | undefined> {
  const { rows } = await pool.query<{ ready: string | null }>(
    `select min(front.ready) as ready
     from unnest($2::int[]) as one(priority), lateral (
       select added_at_ms + coalesce((opts->>'delay')::bigint, 0) as ready, attempts_started from job
       where queue = $1 and state = 'waiting' and priority = one.priority order by seq limit $3
     ) as front
     where front.attempts_started = 0`,
    [queue.name, [0, ...PRIORITIES], LOOK_AT],
  );
  const ready = rows[0]?.ready;
  return ready === null || ready === undefined ? undefined : Number(ready);
}

function earliest(times: (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}
