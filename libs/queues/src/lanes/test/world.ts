import { setTimeout as wait } from 'node:timers/promises';
import { type BackendName, TestPostgres, TestRedis } from '@spillway/testing';
import type { Job, Queue, Worker } from 'bullmq';
import { openBackend, prepareBackend, type QueueBackend } from '../../backend';
import type { Ended, LaneStore } from '../lane-store';
import { placeOf } from '../place-options';

export const TOKEN = 'token';
const LOCK_MS = 3_600_000;
/** Of the worker that dies. */
const SHORT_MS = 1;

/** One server for all runs; each run has a queue of its own. */
export class Servers {
  private runs = 0;

  private constructor(
    readonly backend: QueueBackend,
    private readonly stop: () => Promise<void>,
  ) {}

  static async start(name: BackendName): Promise<Servers> {
    const server = name === 'redis' ? await TestRedis.start() : await TestPostgres.start();
    const redisUrl = name === 'redis' ? server.url : undefined;
    const backend = openBackend({ redisUrl, databaseUrl: server.url, prefix: 'spillway' });
    await prepareBackend(backend);
    await backend.warnings();
    return new Servers(backend, async () => {
      await backend.close();
      await server.close();
    });
  }

  /** @param ahead jobs of a lane in the queue before others spill: in every other world many less than usual */
  world(ahead = this.runs % 2 ? undefined : 2): World {
    this.runs += 1;
    return new World(this.backend, `lanes-${this.runs}`, ahead);
  }

  close(): Promise<void> {
    return this.stop();
  }
}

/** The real thing: a queue of BullMQ's with its lanes, and workers that do one step when they are told. */
export class World {
  readonly queue: Queue;
  readonly store: LaneStore;
  private readonly worker: Worker;
  private readonly mortal: Worker;

  /** @param ahead jobs of a lane in the queue before others spill */
  constructor(backend: QueueBackend, name: string, ahead?: number) {
    this.queue = backend.openQueue(name, 'spillway');
    this.store = backend.lanes(this.queue, ahead);
    const settings = { autorun: false, maxStalledCount: 1_000_000, stalledInterval: SHORT_MS };
    const nothing = () => Promise.resolve();
    this.worker = backend.openWorker(name, 'spillway', nothing, { ...settings, lockDuration: LOCK_MS });
    this.mortal = backend.openWorker(name, 'spillway', nothing, { ...settings, lockDuration: SHORT_MS });
  }

  take(): Promise<Job | undefined> {
    return this.worker.getNextJob(TOKEN, { block: false });
  }

  /** A worker takes a job and dies; BullMQ finds out. @returns the job that came back */
  async die(): Promise<string | undefined> {
    const job = await this.mortal.getNextJob(TOKEN, { block: false });
    if (!job) return undefined;
    const check = this.mortal as unknown as { moveStalledJobsToWait(): Promise<void> };
    for (let round = 0; round < 2; round += 1) {
      await wait(3 * SHORT_MS);
      await check.moveStalledJobsToWait();
    }
    return job.id;
  }

  /** Ids by state. */
  async states(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const state of ['waiting', 'prioritized', 'active', 'delayed', 'waiting-children'] as const) {
      for (const id of await this.queue.getRanges([state === 'waiting' ? 'wait' : state], 0, -1)) {
        if (found.has(id)) throw new Error(`${id} is ${found.get(id)} and ${state}`);
        found.set(id, state);
      }
    }
    return found;
  }

  async close(): Promise<void> {
    await Promise.all([this.worker.close(), this.mortal.close(), this.queue.close()]);
  }
}

export function endOf(job: Job, succeeded: boolean): Ended {
  return { id: job.id!, ...placeOf(job.opts)!, succeeded };
}
