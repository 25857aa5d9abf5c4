import { TransientError } from '@spillway/contracts';
import { type Queue, type Worker, withBackend } from 'bullmq';
import { Pool } from 'pg';
import type { AtHand, BackendOptions, Processor, QueueBackend, WorkerSettings } from '../backend';
import { KEEP_COMPLETED } from '../catalogue';
import { type Deduplication, insertDeduplications, selectDeduplications } from '../deduplications';
import { AHEAD, type LaneStore } from '../lanes/lane-store';
import { entryOf, installLanes, PostgresLanes } from '../lanes/postgres/postgres-lanes';
import { isPlain, type NewJob } from '../redis/add-jobs';
import { silent } from '../silent';
import { oldestInPostgres } from '../watch/oldest-waiting';
import type { RedisServer } from '../watch/redis-server';
import { Fetching } from './finish/fetching';
import { finishingBackend } from './finish/finishing-backend';
import { Leftovers, removeOldEvents } from './leftovers';
import { prepared } from './prepared';
import { readyAgain } from './ready-again';

/** Connections of a tool that does not say how many. */
const FEW = 4;

/** BullMQ is not to remove old events: see `Leftovers`. */
const KEPT_BY_US = { maxLen: 0 };

const plain = withBackend(readyAgain);

/** The queues in PostgreSQL, through BullMQ's own backend for it. */
export class PostgresBackend implements QueueBackend {
  readonly kind = 'postgres';
  readonly strictJson = true;
  /** They are let go in batches; see `Leftovers`. */
  readonly removeOnComplete = false;
  private readonly pool: Pool;
  private readonly workers: typeof plain;
  private migrated?: Promise<void>;

  constructor(private readonly options: Pick<BackendOptions, 'databaseUrl' | 'pool'>) {
    this.pool = new Pool({
      connectionString: options.databaseUrl,
      max: options.pool ?? FEW,
      options: '-c search_path=bullmq',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
    this.pool.setMaxListeners(0);
    this.workers = withBackend(finishingBackend(this.pool, prepared(readyAgain)));
  }

  openQueue(name: string, group: string): Queue {
    const queue = new plain.Queue(this.nameOf(name, group), {
      connection: this.pool,
      skipWaitingForReady: true,
      streams: { events: KEPT_BY_US },
    });
    return silent(queue as unknown as Queue);
  }

  async add(queue: Queue, jobs: NewJob[]): Promise<string[]> {
    if (!jobs.every((job) => isPlain(job) && !job.opts.deduplication)) {
      return (await queue.addBulk(jobs)).map((job) => job.id!);
    }
    const now = Date.now();
    await this.pool.query({
      name: 'store-jobs',
      text: 'select spillway_lanes.store($1, $2)',
      values: [queue.name, JSON.stringify(jobs.map((job) => entryOf(job, now)))],
    });
    return jobs.map(({ opts }) => opts.jobId);
  }

  replicated<T>(_queue: Queue, add: () => Promise<T>): Promise<T> {
    return add();
  }

  lanes(queue: Queue, ahead = AHEAD): LaneStore {
    return new PostgresLanes(this.pool, queue.name, ahead);
  }

  openWorker(name: string, group: string, processor: Processor, settings: WorkerSettings): Worker {
    const { expect, ...known } = settings;
    const options = { ...known, connection: this.pool };
    // Each worker keeps one connection to listen on.
    this.pool.options.max += 1;
    const queue = this.nameOf(name, group);
    const work: Processor = (job, token) => {
      const done = processor(job, token);
      fetching.begins(job);
      return done;
    };
    const worker = new this.workers.Worker(queue, work as never, options) as unknown as Worker;
    const fetching = new Fetching(worker, expect);
    const leftovers = new Leftovers(this.pool, queue, KEEP_COMPLETED);
    worker.on('completed', () => leftovers.count());
    return silent(worker);
  }

  deduplications(queue: Queue): AsyncIterable<Deduplication[]> {
    return selectDeduplications(this.pool, queue);
  }

  keepDeduplications(queue: Queue, known: Deduplication[]): Promise<void> {
    return insertDeduplications(this.pool, queue, known);
  }

  /** Installs BullMQ's tables. Call once before anything is opened. */
  migrate(): Promise<void> {
    return (this.migrated ??= (async () => {
      const connection = { connectionString: this.options.databaseUrl, migrate: true, max: 1 };
      const queue = new plain.Queue('migration', { connection });
      await queue.waitUntilReady();
      await queue.close();
      await installLanes(this.pool);
    })());
  }

  ready(): Promise<void> {
    return this.ping();
  }

  async ping(): Promise<void> {
    try {
      await this.pool.query('select 1');
    } catch (cause) {
      throw new TransientError('PostgreSQL does not answer', { code: 'queues-unavailable', cause });
    }
  }

  hearsWorkers(): boolean {
    // They share the pool that `ping` asks.
    return true;
  }

  async atHand(queue: Queue, most: number): Promise<AtHand> {
    const { rows } = await this.pool.query<AtHand>({
      name: 'jobs-at-hand',
      text: `select exists (select from meta where queue = $1 and field = 'paused') as "isPaused", (
          select count(*) from (
            select from job where queue = $1 and state = 'waiting' order by priority, seq limit $2) as w
        )::int as ready`,
      values: [queue.name, most],
    });
    return rows[0]!;
  }

  oldestWaiting(queue: Queue): Promise<number | undefined> {
    return oldestInPostgres(this.pool, queue);
  }

  async redisServers(): Promise<RedisServer[]> {
    return [];
  }

  async warnings(): Promise<string[]> {
    const { rows } = await this.pool.query<{ v: string; commit: string }>(
      `select current_setting('server_version_num') as v, current_setting('synchronous_commit') as commit`,
    );
    const found: string[] = [];
    if (Number(rows[0]!.v) < 140_000) found.push('PostgreSQL is older than 14: upgrade it');
    if (rows[0]!.commit === 'off') found.push('synchronous_commit is off: an accepted event may be lost in a crash');
    return found;
  }

  async sweep(): Promise<void> {
    await this.pool.query('delete from dedup where expire_at_ms < $1', [Date.now()]);
    await removeOldEvents(this.pool);
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  /** Several installations may share one database, as they may share one Redis. */
  private nameOf(queue: string, group: string): string {
    return group === 'spillway' ? queue : `${group}.${queue}`;
  }
}
