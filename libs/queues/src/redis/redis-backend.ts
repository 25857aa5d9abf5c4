import { TransientError } from '@spillway/contracts';
import { Queue, Worker } from 'bullmq';
import { Cluster, type Redis } from 'ioredis';
import type { AtHand, BackendOptions, Processor, QueueBackend, WorkerSettings } from '../backend';
import { KEEP_COMPLETED } from '../catalogue';
import { type Deduplication, keepDeduplications, scanDeduplications } from '../deduplications';
import { AHEAD, type LaneStore } from '../lanes/lane-store';
import { RedisLanes } from '../lanes/redis/redis-lanes';
import { silent } from '../silent';
import { oldestInRedis } from '../watch/oldest-waiting';
import { type RedisServer, redisServer } from '../watch/redis-server';
import { isPlain, type NewJob } from './add-jobs';
import { boundedWaits } from './bounded-waits';
import { connect, type RedisConnection } from './connection';
import { finishingBackend } from './finish/finishing-backend';
import { Replicas } from './replicas';
import { parseNatMap, parseTarget, type RedisTarget } from './target';
import { topologyWarnings, versionWarnings } from './warnings';

/** A starting process waits so long for the queues before it goes on without them. */
const CONNECT_MS = 5_000;
/** Of jobs that a worker could take, if the queue were not paused; BullMQ's types do not know the last. */
const READY = ['waiting', 'prioritized', 'paused'] as 'waiting'[];

/** The queues in Redis: one server, a primary that sentinels watch, or a cluster. */
export class RedisBackend implements QueueBackend {
  readonly kind = 'redis';
  readonly strictJson = false;
  readonly removeOnComplete = { count: KEEP_COMPLETED };
  private readonly target: RedisTarget;
  /** Fails at once while Redis is away, so that the outbox can take over. */
  private readonly producer: RedisConnection;
  private readonly replicas: Replicas;
  /** What all workers of the process say, so that the socket carries many commands at once. */
  private workers?: RedisConnection;

  constructor(
    url: string,
    private readonly options: BackendOptions,
  ) {
    this.target = parseTarget(url);
    this.producer = this.connect(true);
    this.replicas = new Replicas(this.producer, options.waitReplicas ?? 0, options.waitTimeoutMs ?? 1_000);
  }

  openQueue(name: string, group: string): Queue {
    const options = {
      connection: this.producer,
      prefix: this.prefixOf(group),
      skipWaitingForReady: true,
      // It asks once: a queue that is opened while Redis is away would never work. See `warnings`.
      skipVersionCheck: true,
      skipMetasUpdate: true,
    };
    return silent(new Queue(name, options));
  }

  /** Asks for one job at a time. */
  openWorker(name: string, group: string, processor: Processor, { expect: _, ...settings }: WorkerSettings): Worker {
    this.workers ??= this.connect(false).setMaxListeners(0);
    const options = { ...settings, connection: this.workers, prefix: this.prefixOf(group) };
    return silent(new Worker(name, processor, options, boundedWaits(finishingBackend(this.workers, KEEP_COMPLETED))));
  }

  deduplications(queue: Queue): AsyncIterable<Deduplication[]> {
    return scanDeduplications(this.producer, queue);
  }

  keepDeduplications(queue: Queue, known: Deduplication[]): Promise<void> {
    return keepDeduplications(this.producer, queue, known);
  }

  async add(queue: Queue, jobs: NewJob[]): Promise<string[]> {
    if (jobs.every(isPlain)) return this.lanes(queue).add(jobs);
    const added = await queue.addBulk(jobs);
    return added.map((job) => job.id!);
  }

  replicated<T>(queue: Queue, add: () => Promise<T>): Promise<T> {
    return this.replicas.have(queue, add);
  }

  lanes(queue: Queue, ahead = AHEAD): LaneStore {
    return new RedisLanes(this.producer, queue, ahead);
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

  async atHand(queue: Queue): Promise<AtHand> {
    const [isPaused, counts] = await Promise.all([queue.isPaused(), queue.getJobCounts(...READY)]);
    return { isPaused, ready: READY.reduce((sum, state) => sum + (counts[state] ?? 0), 0) };
  }

  oldestWaiting(queue: Queue): Promise<number | undefined> {
    return oldestInRedis(this.producer, queue);
  }

  redisServers(): Promise<RedisServer[]> {
    const ask = async (node: Redis) => redisServer(`${node.options.host}:${node.options.port}`, await node.info());
    return Promise.all(this.primaries().map(ask));
  }

  async warnings(): Promise<string[]> {
    await this.ready();
    const infos = await Promise.all(this.primaries().map((node) => node.info()));
    return [
      ...new Set(infos.flatMap(versionWarnings)),
      ...topologyWarnings(this.target.kind, infos, this.options.waitReplicas ?? 0),
    ];
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
    return group === this.options.prefix && this.target.kind !== 'cluster' ? group : `{${group}}`;
  }

  private primaries(): Redis[] {
    return this.producer instanceof Cluster ? this.producer.nodes('master') : [this.producer];
  }

  private connect(failsFast: boolean): RedisConnection {
    return connect(this.target, { failsFast, natMap: parseNatMap(this.options.redisNatMap) });
  }

  async close(): Promise<void> {
    this.producer.disconnect();
    this.workers?.disconnect();
  }
}
