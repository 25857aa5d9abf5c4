import { TransientError } from '@spillway/contracts';
import {
  createPostgresBackend,
  type Job,
  type JobsOptions,
  Queue,
  Worker,
  type WorkerOptions,
  withBackend,
} from 'bullmq';
import Redis, { type RedisOptions } from 'ioredis';
import { Pool } from 'pg';
import {
  type Deduplication,
  insertDeduplications,
  keepDeduplications,
  scanDeduplications,
  selectDeduplications,
} from './deduplications';
import type { LaneStore } from './lanes/lane-store';
import { installLanes, PostgresLanes } from './lanes/postgres/postgres-lanes';
import { RedisLanes } from './lanes/redis/redis-lanes';
import { isPlain, type NewJob } from './redis/add-jobs';
import { oldestInPostgres, oldestInRedis } from './watch/oldest-waiting';
import { type RedisServer, redisServer } from './watch/redis-server';

export type Processor = (job: Job, token?: string, signal?: AbortSignal) => Promise<unknown>;
export type WorkerSettings = Omit<WorkerOptions, 'connection' | 'prefix'>;

/** Where the queues live. Nothing outside this file knows whether that is Redis or PostgreSQL. */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres';
  /** Whether job data must be free of what PostgreSQL's jsonb refuses. */
  readonly strictJson: boolean;
  /** @param group what the queues of one partition have in common; see `groupOf` */
  openQueue(name: string, group: string): Queue;
  /** Adds jobs in one round trip. @returns for each the id of the job that stands for it */
  add(queue: Queue, jobs: NewJob[]): Promise<string[]>;
  openWorker(name: string, group: string, processor: Processor, settings: WorkerSettings): Worker;
  /** What a queue keeps of jobs, also of those long gone, so that they are not taken in twice. */
  deduplications(queue: Queue): AsyncIterable<Deduplication[]>;
  keepDeduplications(queue: Queue, known: Deduplication[]): Promise<void>;
  /** Waits a moment for a young connection. @throws TransientError `queues-unavailable` */
  ready(): Promise<void>;
  /** The lanes of a queue, for jobs that have a place. */
  lanes(queue: Queue): LaneStore;
  /** @throws TransientError `queues-unavailable` */
  ping(): Promise<void>;
  /** Whether what the workers of this process say reaches the server. */
  hearsWorkers(): boolean;
  /** When the job that has waited longest for its first attempt became ready, Unix milliseconds. */
  oldestWaiting(queue: Queue): Promise<number | undefined>;
  /** The Redis servers, where there are any. */
  redisServers(): Promise<RedisServer[]>;
  /** What is wrong with how the server is set up, in words; empty when all is well. */
  warnings(): Promise<string[]>;
  /** Removes what the backend keeps beyond its use. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export interface BackendOptions {
  redisUrl?: string;
  databaseUrl: string;
  /** Prefix of Redis keys, or the PostgreSQL schema. */
  prefix: string;
}

export function openBackend(options: BackendOptions): QueueBackend {
  return options.redisUrl ? new RedisBackend(options.redisUrl, options.prefix) : new PostgresBackend(options);
}

/** A starting process waits so long for the queues before it goes on without them. */
const CONNECT_MS = 5_000;
/** To PostgreSQL, per process, beside those of the workers. */
const SHARED_CONNECTIONS = 19;

/** Comes back within a second once the server does, for ever. */
const RECONNECT: RedisOptions = {
  retryStrategy: (times) => Math.min(times * 50, 1_000),
  connectTimeout: 5_000,
};

function connect(url: string, options: RedisOptions): Redis {
  const redis = silent(new Redis(url, { ...RECONNECT, ...options }));
  redis.on('connect', () => gatherWrites(redis.stream));
  return redis;
}

/**
 * What is said in one turn of the event loop goes out in one system call; without this, each command is one. (The
 * client's own automatic pipelining was tried: it crashed the process now and then when a connection was young.)
 */
function gatherWrites(stream: Redis['stream']): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let gathering = false;
  stream.write = (...args: unknown[]) => {
    if (!gathering) {
      gathering = true;
      stream.cork();
      process.nextTick(() => {
        gathering = false;
        stream.uncork();
      });
    }
    return write(...args);
  };
}

class RedisBackend implements QueueBackend {
  readonly kind = 'redis';
  readonly strictJson = false;
  /** Fails at once while Redis is away, so that the outbox can take over. */
  private readonly producer: Redis;
  /** What all workers of the process say, so that the socket carries many commands at once. */
  private workers?: Redis;

  constructor(
    private readonly url: string,
    private readonly prefix: string,
  ) {
    this.producer = connect(url, { maxRetriesPerRequest: 1, enableOfflineQueue: false });
  }

  openQueue(name: string, group: string): Queue {
    const options = {
      connection: this.producer,
      prefix: this.prefixOf(group),
      skipWaitingForReady: true,
      skipMetasUpdate: true,
    };
    return silent(new Queue(name, options));
  }

  openWorker(name: string, group: string, processor: Processor, settings: WorkerSettings): Worker {
    this.workers ??= connect(this.url, { maxRetriesPerRequest: null }).setMaxListeners(0);
    return silent(new Worker(name, processor, { ...settings, connection: this.workers, prefix: this.prefixOf(group) }));
  }

  deduplications(queue: Queue): AsyncIterable<Deduplication[]> {
    return scanDeduplications(this.producer, queue);
  }

  keepDeduplications(queue: Queue, known: Deduplication[]): Promise<void> {
    return keepDeduplications(this.producer, queue, known);
  }

  async add(queue: Queue, jobs: NewJob[]): Promise<string[]> {
    if (jobs.every(isPlain)) return (await this.lanes(queue).add(jobs)).ids;
    const added = await queue.addBulk(jobs);
    return added.map((job) => job.id!);
  }

  lanes(queue: Queue): LaneStore {
    return new RedisLanes(this.producer, queue);
  }

  async ping(): Promise<void> {
    try {
      await this.producer.ping();
    } catch (cause) {
      throw new TransientError('Redis does not answer', { code: 'queues-unavailable', cause });
    }
  }

  hearsWorkers(): boolean {
    return !this.workers || this.workers.status === 'ready';
  }

  oldestWaiting(queue: Queue): Promise<number | undefined> {
    return oldestInRedis(this.producer, queue);
  }

  async redisServers(): Promise<RedisServer[]> {
    const { host, port } = this.producer.options;
    return [redisServer(`${host}:${port}`, await this.producer.info())];
  }

  async warnings(): Promise<string[]> {
    const found: string[] = [];
    await this.ready();
    const info = await this.producer.info();
    const version = /^(?:valkey_version|redis_version):(\S+)/m.exec(info)?.[1] ?? '0';
    if (Number.parseInt(version, 10) < 7) found.push(`Redis ${version} is older than 7: upgrade it`);
    if (!/^aof_enabled:1/m.test(info)) {
      found.push('appendonly is off: an accepted event is lost when Redis crashes. Set "appendonly yes"');
    }
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy && policy !== 'noeviction') {
      found.push(`maxmemory-policy is ${policy}: Redis may throw jobs away. Set "maxmemory-policy noeviction"`);
    }
    return found;
  }

  async sweep(): Promise<void> {
    // Redis expires its keys itself.
  }

  async ready(): Promise<void> {
    if (this.producer.status === 'ready') return;
    await new Promise<void>((resolve, reject) => {
      const late = () => reject(new TransientError('Redis does not answer', { code: 'queues-unavailable' }));
      const timer = setTimeout(late, CONNECT_MS);
      this.producer.once('ready', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** A hash tag keeps the keys of a partition on one node of a cluster. */
  private prefixOf(group: string): string {
    return group === this.prefix ? group : `{${group}}`;
  }

  async close(): Promise<void> {
    this.producer.disconnect();
    this.workers?.disconnect();
  }
}

class PostgresBackend implements QueueBackend {
  readonly kind = 'postgres';
  readonly strictJson = true;
  private readonly pool: Pool;
  private readonly classes = withBackend(createPostgresBackend);
  private migrated?: Promise<void>;

  constructor(private readonly options: Pick<BackendOptions, 'databaseUrl'>) {
    this.pool = new Pool({
      connectionString: options.databaseUrl,
      max: SHARED_CONNECTIONS,
      options: '-c search_path=bullmq',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
    this.pool.setMaxListeners(0);
  }

  openQueue(name: string, group: string): Queue {
    const queue = new this.classes.Queue(this.nameOf(name, group), {
      connection: this.pool,
      skipWaitingForReady: true,
    });
    return silent(queue as unknown as Queue);
  }

  async add(queue: Queue, jobs: NewJob[]): Promise<string[]> {
    if (jobs.length === 1) return [(await queue.add(jobs[0]!.name, jobs[0]!.data, jobs[0]!.opts)).id!];
    const added = await queue.addBulk(jobs);
    return added.map((job) => job.id!);
  }

  lanes(queue: Queue): LaneStore {
    return new PostgresLanes(this.pool, queue.name);
  }

  openWorker(name: string, group: string, processor: Processor, settings: WorkerSettings): Worker {
    const options = { ...settings, connection: this.pool };
    // Each worker keeps one connection to listen on.
    this.pool.options.max += 1;
    return silent(
      new this.classes.Worker(this.nameOf(name, group), processor as never, options as never) as unknown as Worker,
    );
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
      const queue = new this.classes.Queue('migration', { connection });
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
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  /** Several installations may share one database, as they may share one Redis. */
  private nameOf(queue: string, group: string): string {
    return group === 'spillway' ? queue : `${group}.${queue}`;
  }
}

/** Connection errors come back as rejected calls and health checks; an event without a listener would end the process. */
function silent<T extends { on(event: 'error', listener: () => void): unknown }>(emitter: T): T {
  emitter.on('error', () => undefined);
  return emitter;
}

/** Makes the queues usable: installs BullMQ's tables on PostgreSQL; Redis needs nothing. */
export async function prepareBackend(backend: QueueBackend): Promise<void> {
  if (backend instanceof PostgresBackend) await backend.migrate();
}

export type { Job, JobsOptions, Queue, Worker };
