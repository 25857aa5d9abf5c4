import type { Queue } from 'bullmq';
import { Cluster } from 'ioredis';
import type { Pool } from 'pg';
import type { RedisConnection } from './redis/connection';

/** The same deduplication id within its window is the same job. */
export interface Deduplication {
  id: string;
  /** The job that stands for it. */
  jobId: string;
  /** Unix milliseconds. */
  expiresAt: number;
}

const PAGE = 1_000;

/** BullMQ keeps them as keys of their own that expire. */
export async function* scanDeduplications(redis: RedisConnection, queue: Queue): AsyncGenerator<Deduplication[]> {
  const start = queue.toKey('de:');
  const pattern = `${start.replace(/[*?[\]\\]/g, '\\$&')}*`;
  // Only one node of a cluster has them.
  for (const node of redis instanceof Cluster ? redis.nodes('master') : [redis]) {
    for await (const keys of node.scanStream({ match: pattern, count: PAGE }) as AsyncIterable<string[]>) {
      if (keys.length > 0) yield await readAll(redis, start, keys);
    }
  }
}

async function readAll(redis: RedisConnection, start: string, keys: string[]): Promise<Deduplication[]> {
  const read = redis.pipeline();
  for (const key of keys) read.get(key).pexpiretime(key);
  const answers = ((await read.exec()) ?? []).map(([error, value]) => {
    if (error) throw error;
    return value;
  });
  const found = keys.map((key, index) => ({
    id: key.slice(start.length),
    jobId: answers[2 * index] as string | null,
    expiresAt: Number(answers[2 * index + 1]),
  }));
  return found.filter((one): one is Deduplication => one.jobId !== null && one.expiresAt > 0);
}

export async function keepDeduplications(redis: RedisConnection, queue: Queue, known: Deduplication[]): Promise<void> {
  const write = redis.pipeline();
  for (const { id, jobId, expiresAt } of known) write.set(queue.toKey(`de:${id}`), jobId, 'PXAT', expiresAt, 'NX');
  await write.exec();
}

export async function* selectDeduplications(pool: Pool, queue: Queue): AsyncGenerator<Deduplication[]> {
  let after = '';
  for (;;) {
    const { rows } = await pool.query<{ id: string; jobId: string; expiresAt: string }>(
      `select dedup_id as id, job_id as "jobId", expire_at_ms as "expiresAt" from dedup
       where queue = $1 and dedup_id > $2 and expire_at_ms > $3 order by dedup_id limit $4`,
      [queue.name, after, Date.now(), PAGE],
    );
    yield rows.map((row) => ({ ...row, expiresAt: Number(row.expiresAt) }));
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.id;
  }
}

export async function insertDeduplications(pool: Pool, queue: Queue, known: Deduplication[]): Promise<void> {
  await pool.query(
    `insert into dedup (queue, dedup_id, job_id, expire_at_ms)
     select $1, * from unnest($2::text[], $3::text[], $4::bigint[]) on conflict do nothing`,
    [queue.name, known.map((one) => one.id), known.map((one) => one.jobId), known.map((one) => one.expiresAt)],
  );
}
