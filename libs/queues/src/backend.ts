import type { Job, JobsOptions, Queue, Worker, WorkerOptions } from 'bullmq';
import type { Deduplication } from './deduplications';
import type { LaneStore } from './lanes/lane-store';
import { PostgresBackend } from './postgres/postgres-backend';
import type { NewJob } from './redis/add-jobs';
import { RedisBackend } from './redis/redis-backend';
import type { RedisServer } from './watch/redis-server';

export type Processor = (job: Job, token?: string) => Promise<unknown>;
export interface WorkerSettings extends Omit<WorkerOptions, 'connection' | 'prefix'> {
  /** Told how many jobs were asked for at once, and may come; then, below 0, of those that did not come, and of each that begins. */
  expect?: (jobs: number) => void;
}

/** What a queue's workers could take now. */
export interface AtHand {
  isPaused: boolean;
  /** Jobs that wait for no time, no lane and no other job; also those that a pause holds back. */
  ready: number;
}

/** Where the queues live. Nothing outside of the two that implement this knows whether that is Redis or PostgreSQL. */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres';
  /** Whether job data must be free of what PostgreSQL's jsonb refuses. */
  readonly strictJson: boolean;
  /** What BullMQ itself is to keep of completed jobs; `false` where the backend sees to that. */
  readonly removeOnComplete: { count: number } | false;
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
  /** Holds an add for done when it outlives the server that took it. @throws LateError when that is not known in time */
  replicated<T>(queue: Queue, add: () => Promise<T>): Promise<T>;
  /** The lanes of a queue, for jobs that have a place. @param ahead see `AHEAD` */
  lanes(queue: Queue, ahead?: number): LaneStore;
  /** @throws TransientError `queues-unavailable` */
  ping(): Promise<void>;
  /** Whether what the workers of this process say reaches the server. */
  hearsWorkers(): boolean;
  /** @param most jobs that are counted, where counting more costs more */
  atHand(queue: Queue, most: number): Promise<AtHand>;
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
  redisNatMap?: string;
  /** An add counts when so many replicas have it; see `Replicas`. */
  waitReplicas?: number;
  /** Milliseconds. */
  waitTimeoutMs?: number;
  databaseUrl: string;
  /** Connections to PostgreSQL, beside the one that each worker listens on; see `QUEUES_POOL`. */
  pool?: number;
  /** Prefix of Redis keys, or the PostgreSQL schema. */
  prefix: string;
}

export function openBackend(options: BackendOptions): QueueBackend {
  return options.redisUrl ? new RedisBackend(options.redisUrl, options) : new PostgresBackend(options);
}

/** Makes the queues usable: installs BullMQ's tables on PostgreSQL; Redis needs nothing. */
export async function prepareBackend(backend: QueueBackend): Promise<void> {
  if (backend instanceof PostgresBackend) await backend.migrate();
}

export type { Job, JobsOptions, Queue, Worker };
