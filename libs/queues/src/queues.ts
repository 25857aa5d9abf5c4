import type { Config } from '@spillway/config';
import {
  type AnalyticsJob,
  type CallJob,
  errorClassOf,
  type FlowJob,
  inTime,
  type IngressJob,
  type JobMeta,
  LateError,
  QUEUE_NAMES,
  type QueueName,
  type ScheduleJob,
  type TaskJob,
  TransientError,
} from '@spillway/contracts';
import { batched, Vault } from '@spillway/persistence';
import type { Job, Queue } from 'bullmq';
import { openBackend, prepareBackend, type QueueBackend } from './backend';
import { type Catalogue, deadLetterQueueOf, queueCatalogue } from './catalogue';
import { carryOver, type TenantsOf } from './carry-over';
import { type CodecSettings, JobCodec } from './codec';
import { Layout } from './layout';
import { Partitions } from './partitions';
import type { LaneJob } from './lanes/lane-store';
import { Lanes } from './lanes/lanes';
import { bullPriority } from './priority';
import type { NewJob } from './redis/add-jobs';
import { sending } from './sending';

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
  /** For facts, which may be in any; other jobs are in their tenant's. */
  partition?: number;
  /** W3C contexts of traces that this job goes back to, beside the one under way. */
  began?: readonly string[];
}

/** One of BullMQ's queues. */
export interface OneQueue {
  name: QueueName;
  partition: number;
  /** Whether it keeps the queue's dead letters. */
  dead: boolean;
  queue: Queue;
}

/** The five queues and their dead letter queues, in every partition. */
export class Queues {
  readonly partitions: Partitions;
  private readonly open = new Map<string, Queue>();
  private readonly batches = new Map<string, (job: LaneJob) => Promise<string>>();
  private readonly layout: Layout;
  /** Who has how much of each queue. */
  readonly lanes: Lanes;

  constructor(
    readonly backend: QueueBackend,
    readonly catalogue: Catalogue,
    private readonly settings: Pick<Config['queues'], 'addTimeoutMs' | 'prefix' | 'partitions' | 'lanes'>,
    readonly codec: JobCodec = JobCodec.plain(backend.strictJson),
  ) {
    this.partitions = new Partitions(settings.prefix, settings.partitions);
    this.layout = new Layout(backend, settings.prefix, settings.partitions);
    this.lanes = new Lanes(this, settings.lanes);
  }

  /**
   * @param databaseUrl where the queues live when no Redis is configured
   * @param tenantsOf whose these events are, as far as the records know
   * @param protection how jobs are sealed or signed; clear, for tools and tests
   * @throws PermanentError `partitions-changed` when jobs are still in the queues of another number of partitions
   */
  static async connect(
    config: Config['queues'],
    databaseUrl: string,
    tenantsOf: TenantsOf,
    protection: Omit<CodecSettings, 'strictJson'> = { vault: Vault.clear() },
  ): Promise<Queues> {
    const backend = openBackend({ ...config, databaseUrl });
    await prepareBackend(backend);
    const catalogue = queueCatalogue(config.overrides, config.concurrencyScale);
    const codec = new JobCodec({ ...protection, strictJson: backend.strictJson });
    const queues = new Queues(backend, catalogue, config, codec);
    try {
      await queues.settle(tenantsOf);
    } catch (error) {
      // Queues that are away are no reason not to start: events go to the outbox, and nothing is added until this is known.
      if (errorClassOf(error) === 'transient') return queues;
      await queues.close();
      throw error;
    }
    return queues;
  }

  /** BullMQ's own object, for what has no method here. */
  queue(name: QueueName, partition: number): Queue {
    return this.named(name, partition);
  }

  /** The queue that a tenant's jobs are in. */
  queueOf(name: QueueName, tenant: string): Queue {
    return this.named(name, this.partitions.of(tenant));
  }

  /** A queue in every partition. */
  queuesOf(name: QueueName): Queue[] {
    return this.partitions.all.map((partition) => this.named(name, partition));
  }

  deadLetters(name: QueueName, partition: number): Queue {
    return this.named(deadLetterQueueOf(name), partition);
  }

  /** Every queue and dead letter queue. */
  all(): OneQueue[] {
    return QUEUE_NAMES.flatMap((name) =>
      [false, true].flatMap((dead) =>
        this.partitions.all.map((partition) => {
          const queue = dead ? this.deadLetters(name, partition) : this.queue(name, partition);
          return { name, partition, dead, queue };
        }),
      ),
    );
  }

  /** @param tenant whose job it is; if that is not known, every partition is asked */
  async find(name: QueueName, id: string, tenant?: string): Promise<Job | undefined> {
    const queues = tenant === undefined ? this.queuesOf(name) : [this.queueOf(name, tenant)];
    const found = await Promise.all(queues.map((queue) => queue.getJob(id)));
    return found.find((job) => job !== undefined);
  }

  /**
   * Adds one job. What is added to a queue at the same time travels together.
   *
   * @returns the id of the job that stands for it: its own, or that of the first one with its deduplication id
   * @throws TransientError `queues-unavailable` when the backend does not take it in time
   */
  async add<Name extends QueueName>(name: Name, data: JobData[Name], options: AddOptions): Promise<string> {
    const encoding = this.codec.encode(name, options.id, data);
    const encoded = encoding instanceof Promise ? await encoding : encoding;
    const place = this.lanes.placeOf(name, data);
    const job = { name: jobName(data), ...encoded, opts: this.jobOptions(name, options), place };
    const traces = { began: options.began, event: 'event' in data ? data.event.traceparent : undefined };
    return sending(name, job, traces, this.batchOf(name, this.partitionFor(data, options)));
  }

  /** Where a job is added: its tenant's partition; a batch of facts is nobody's, and may be in any. */
  partitionFor(data: JobData[QueueName], { id, partition }: Pick<AddOptions, 'id' | 'partition'>): number {
    return partition ?? this.partitions.of('meta' in data ? data.meta.tenant : id);
  }

  /** Adds many jobs. @throws TransientError `queues-unavailable` */
  addMany<Name extends QueueName>(name: Name, jobs: { data: JobData[Name]; options: AddOptions }[]): Promise<string[]> {
    return Promise.all(jobs.map(({ data, options }) => this.add(name, data, options)));
  }

  /** What a job of BullMQ's carries, as it was given to `add`. @throws as `JobCodec.decode` */
  read<Name extends QueueName>(name: Name, job: Job): Promise<JobData[Name]> {
    return this.codec.decode<JobData[Name]>(name, job.id!, job.data as object);
  }

  async close(): Promise<void> {
    await this.closeQueues();
    await this.layout.close();
    await this.backend.close();
  }

  private settle(tenantsOf: TenantsOf): Promise<void> {
    return this.layout.settle(async (before) => {
      const old = new Queues(this.backend, this.catalogue, { ...this.settings, partitions: before }, this.codec);
      await carryOver(old, this, tenantsOf);
      await old.closeQueues();
    });
  }

  private async closeQueues(): Promise<void> {
    await Promise.allSettled([...this.open.values()].map((queue) => queue.close()));
  }

  private named(name: string, partition: number): Queue {
    const key = `${partition}/${name}`;
    const known = this.open.get(key);
    if (known) return known;
    const queue = this.backend.openQueue(name, this.partitions.group(partition));
    this.open.set(key, queue);
    return queue;
  }

  private batchOf(name: QueueName, partition: number): (job: LaneJob) => Promise<string> {
    const key = `${partition}/${name}`;
    const known = this.batches.get(key);
    if (known) return known;
    const queue = this.queue(name, partition);
    const add = async (jobs: LaneJob[]) => {
      if (!this.layout.isOpen) await this.layout.check();
      return this.backend.replicated(queue, async () => {
        if (!this.lanes.has(name)) return this.backend.add(queue, jobs);
        return this.lanes.of(name, partition).add(jobs);
      });
    };
    const batch = batched((jobs: LaneJob[]) => this.taken(add(jobs)), {
      most: MOST_JOBS,
      weigh: (job: LaneJob) => job.json.length,
      mostWeight: MOST_CHARACTERS,
      parallel: 2,
      apart: (error) => !((error as Error).cause instanceof LateError),
    });
    this.batches.set(key, batch);
    return batch;
  }

  private jobOptions(name: QueueName, options: AddOptions): NewJob['opts'] {
    return {
      jobId: options.id,
      attempts: options.attempts ?? this.catalogue[name].attempts,
      backoff: BACKOFF,
      // Of facts none is urgent: their queue is a plain list.
      priority: name === 'analytics-events' ? 0 : bullPriority(options.priority ?? 'normal'),
      removeOnComplete: this.backend.removeOnComplete,
      removeOnFail: true,
      ...(options.delayMs && { delay: options.delayMs }),
      ...(options.deduplication && { deduplication: options.deduplication }),
    };
  }

  /** @throws TransientError `queues-unavailable` */
  private async taken<T>(work: Promise<T>): Promise<T> {
    try {
      return await inTime(work, this.settings.addTimeoutMs);
    } catch (cause) {
      throw new TransientError(`the queues did not take a job: ${String(cause)}`, {
        code: 'queues-unavailable',
        cause,
      });
    }
  }
}

/** Jobs, and characters of their data, that one script or statement takes: others wait meanwhile. */
const MOST_JOBS = 100;
const MOST_CHARACTERS = 2_000_000;

/** Named in the worker's settings; see `backoffDelay`. */
const BACKOFF = { type: 'spillway' };

/** What Bull Board shows as the job's name. */
export function jobName(data: JobData[QueueName]): string {
  if ('facts' in data) return 'facts';
  if ('schedule' in data) return 'schedule';
  if ('task' in data) return data.task.name ?? data.route;
  if ('call' in data) return data.run.path.slice(data.run.path.lastIndexOf('/') + 1) || data.call.name;
  if ('run' in data) return data.run.flow;
  return data.event.type;
}
