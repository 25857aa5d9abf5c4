import type { Config } from '@spillway/config';
import {
  type AnalyticsJob,
  type CallJob,
  type FlowJob,
  type IngressJob,
  type JobMeta,
  QUEUE_NAMES,
  type QueueName,
  type ScheduleJob,
  type TaskJob,
  TransientError,
} from '@spillway/contracts';
import { batched } from '@spillway/persistence';
import type { Job, Queue } from 'bullmq';
import { openBackend, prepareBackend, type QueueBackend } from './backend';
import { type Catalogue, deadLetterQueueOf, queueCatalogue } from './catalogue';
import { decodeData, encodeData } from './codec';
import { bullPriority } from './priority';
import type { NewJob } from './redis/add-jobs';

/** What each queue's jobs carry. */
export interface JobData {
  'ingress-events': IngressJob | ScheduleJob;
  'orchestration-flows': FlowJob;
  'integration-tasks': TaskJob | CallJob;
  notifications: TaskJob | CallJob;
  'analytics-events': AnalyticsJob;
}

export interface AddOptions {
  /** The same id twice is one job, as long as the first is in the queue. */
  id: string;
  priority?: JobMeta['priority'];
  delayMs?: number;
  attempts?: number;
  /** The same deduplication id within `ttl` milliseconds is the same job, also when the first is long done. */
  deduplication?: { id: string; ttl: number };
}

/** Finished jobs that stay visible in the admin, per queue. */
const KEEP_COMPLETED = 1_000;

/** The five queues and their dead letter queues. */
export class Queues {
  private readonly open = new Map<string, Queue>();
  private readonly batches = new Map<QueueName, (job: NewJob) => Promise<string>>();

  constructor(
    readonly backend: QueueBackend,
    readonly catalogue: Catalogue,
    private readonly addTimeoutMs: number,
  ) {}

  /** @param databaseUrl where the queues live when no Redis is configured */
  static async connect(config: Config['queues'], databaseUrl: string): Promise<Queues> {
    const backend = openBackend({ redisUrl: config.redisUrl, databaseUrl, prefix: config.prefix });
    await prepareBackend(backend);
    const catalogue = queueCatalogue(config.overrides, config.concurrencyScale);
    return new Queues(backend, catalogue, config.addTimeoutMs);
  }

  /** BullMQ's own object, for the admin and for what has no method here. */
  queue(name: QueueName): Queue {
    return this.named(name);
  }

  deadLetters(name: QueueName): Queue {
    return this.named(deadLetterQueueOf(name));
  }

  /** Every queue and dead letter queue. */
  all(): Queue[] {
    return QUEUE_NAMES.flatMap((name) => [this.queue(name), this.deadLetters(name)]);
  }

  /**
   * Adds one job. What is added to a queue at the same time travels together.
   *
   * @returns the id of the job that stands for it: its own, or that of the first one with its deduplication id
   * @throws TransientError `queues-unavailable` when the backend does not take it in time
   */
  add<Name extends QueueName>(name: Name, data: JobData[Name], options: AddOptions): Promise<string> {
    const encoded = encodeData(data, this.backend.strictJson);
    return this.batchOf(name)({ name: jobName(data), ...encoded, opts: this.jobOptions(name, options) });
  }

  /** Adds many jobs. @throws TransientError `queues-unavailable` */
  addMany<Name extends QueueName>(name: Name, jobs: { data: JobData[Name]; options: AddOptions }[]): Promise<string[]> {
    return Promise.all(jobs.map(({ data, options }) => this.add(name, data, options)));
  }

  /** What a job of BullMQ's carries, as it was given to `add`. */
  dataOf<Name extends QueueName>(job: Job): JobData[Name] {
    return decodeData(job.data) as JobData[Name];
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.open.values()].map((queue) => queue.close()));
    await this.backend.close();
  }

  private named(name: string): Queue {
    const known = this.open.get(name);
    if (known) return known;
    const queue = this.backend.openQueue(name);
    this.open.set(name, queue);
    return queue;
  }

  private batchOf(name: QueueName): (job: NewJob) => Promise<string> {
    const known = this.batches.get(name);
    if (known) return known;
    const queue = this.queue(name);
    const batch = batched((jobs: NewJob[]) => this.inTime(this.backend.add(queue, jobs)), {
      most: MOST_JOBS,
      weigh: (job: NewJob) => job.json.length,
      mostWeight: MOST_CHARACTERS,
      parallel: 2,
      apart: (error) => !((error as Error).cause instanceof LateError),
    });
    this.batches.set(name, batch);
    return batch;
  }

  private jobOptions(name: QueueName, options: AddOptions): NewJob['opts'] {
    return {
      jobId: options.id,
      attempts: options.attempts ?? this.catalogue[name].attempts,
      backoff: BACKOFF,
      priority: bullPriority(options.priority ?? 'normal'),
      removeOnComplete: REMOVE_ON_COMPLETE,
      removeOnFail: true,
      ...(options.delayMs && { delay: options.delayMs }),
      ...(options.deduplication && { deduplication: options.deduplication }),
    };
  }

  private async inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new LateError(`no answer in ${this.addTimeoutMs} ms`)), this.addTimeoutMs);
    });
    try {
      return await Promise.race([work, late]);
    } catch (cause) {
      throw new TransientError(`the queues did not take a job: ${String(cause)}`, {
        code: 'queues-unavailable',
        cause,
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The backend did not answer in time. */
class LateError extends Error {}

/** Jobs, and characters of their data, that one script or statement takes: others wait meanwhile. */
const MOST_JOBS = 100;
const MOST_CHARACTERS = 2_000_000;

/** Named in the worker's settings; see `backoffDelay`. */
const BACKOFF = { type: 'spillway' };
const REMOVE_ON_COMPLETE = { count: KEEP_COMPLETED };

/** What Bull Board shows as the job's name. */
function jobName(data: JobData[QueueName]): string {
  if ('facts' in data) return 'facts';
  if ('schedule' in data) return 'schedule';
  if ('task' in data) return data.task.name ?? data.route;
  if ('call' in data) return data.run.path.slice(data.run.path.lastIndexOf('/') + 1) || data.call.name;
  if ('run' in data) return data.run.flow;
  return data.event.type;
}
