import type { Config } from '@spillway/config';
import {
  type AttemptRecord,
  type DeadLetter,
  type ErrorRecord,
  messageOf,
  PermanentError,
  type Planning,
  type QueueName,
  SpillwayError,
} from '@spillway/contracts';
import { currentTracing, type Log, measure } from '@spillway/observability';
import {
  backoffDelay,
  type DeadLetters,
  type FactSink,
  type Job,
  type JobData,
  type NewFact,
  type Queues,
} from '@spillway/queues';
import { DelayedError, UnrecoverableError, type Worker } from 'bullmq';
import { AttemptSignal } from './attempt-signal';
import { deadLetterOf, redrivesOf } from './dead-letter-of';
import { errorRecord, judge, withoutWords } from './failure';
import { payloadOf, Room } from './room';
import { UNRECORDED } from './keep-trying';
import { readJob } from './read-job';
import { type GivenUp, type Handler, type JobContext, type Outcome, subjectOf } from './handler';
import { LaneKeeper, type ParkedKey } from './lane-keeper';
import { type IsolatedJob, standingOf, Suspects, triedOf } from './suspects';
import { AttemptTelling, startAtZero } from './telling';
import { WORKER_NAME } from './worker-name';

export interface WorkerParts {
  config: Config['queues'];
  queues: Queues;
  deadLetters: DeadLetters;
  facts: FactSink;
  log: Log;
  /** Told of a job that somebody else put into the queue; it is not run. */
  onForged?(queue: QueueName, jobId: string): Promise<void>;
  /** Runs a job that kills its workers where it can only harm itself. */
  isolate?(queue: QueueName, job: IsolatedJob): Promise<Outcome>;
  /** An ordering key stands still until an operator decides. */
  onParked?(parked: ParkedKey): Promise<void>;
}

/** BullMQ's own limit would fail innocent bystanders of a crash for good: we judge poison ourselves. */
const NO_STALLED_LIMIT = 1_000_000;
/** How soon the queues are asked again when they were away. BullMQ's own 15 s are long for a restart of a server. */
const AWAY_MS = 1_000;

/** Takes a queue's jobs to its handler: time limit, cancellation, error classes, dead letters, isolation, facts. */
export class QueueWorker<Name extends QueueName = QueueName> {
  /** One for each partition that this process serves. */
  private readonly workers: Worker[];
  private readonly room: Room;
  private readonly running = new Map<string, AttemptSignal>();
  private readonly lanes: LaneKeeper;
  private readonly suspects = new Suspects();

  constructor(
    private readonly handler: Handler<Name>,
    private readonly parts: WorkerParts,
  ) {
    const { served } = parts.config;
    this.room = new Room({
      concurrency: parts.queues.catalogue[handler.queue].concurrency,
      partitions: served.length,
      onChange: (most) => this.workers.forEach((worker, at) => (worker.concurrency = most[at]!)),
    });
    startAtZero(handler.queue);
    this.lanes = new LaneKeeper(handler.queue, parts);
    this.workers = served.map((partition, index) => {
      const worker = this.open(partition, index);
      this.lanes.watch(worker, partition);
      return worker;
    });
  }

  private open(partition: number, index: number): Worker {
    const { handler, parts } = this;
    const definition = parts.queues.catalogue[handler.queue];
    const group = parts.queues.partitions.group(partition);
    const work = (job: Job, token?: string) => this.room.take(index, (hold) => this.process(job, hold, token));
    const worker = parts.queues.backend.openWorker(handler.queue, group, work, {
      concurrency: this.room.most[index],
      lockDuration: parts.config.lockDurationMs,
      stalledInterval: parts.config.stalledIntervalMs,
      maxStalledCount: NO_STALLED_LIMIT,
      runRetryDelay: AWAY_MS,
      settings: { backoffStrategy: (made, _type, error) => backoffDelay(made, definition, error) },
      telemetry: currentTracing()?.telemetry,
    });
    worker.on('stalled', () => measure.stalled.add(1, handler.queue));
    return worker;
  }

  async ready(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.waitUntilReady()));
    await this.lanes.start();
  }

  /** Whether jobs are taken and the queue is reached. */
  isRunning(): boolean {
    return this.workers.every((worker) => worker.isRunning() && !worker.isPaused());
  }

  /** @throws Error that says why no jobs are taken */
  async check(): Promise<void> {
    const { backend } = this.parts.queues;
    if (!this.isRunning()) throw new Error('it takes no jobs');
    if (!backend.hearsWorkers()) throw new Error('its connection to the queues is lost');
    await backend.ping();
  }

  /** Aborts a job that runs here. @returns whether it did */
  cancel(jobId: string): boolean {
    const attempt = this.running.get(jobId);
    attempt?.cancel();
    return attempt !== undefined;
  }

  /** Takes no more jobs, waits for those that run, and leaves what is not done in time to the next worker. */
  async close(drainTimeoutMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, drainTimeoutMs);
    await Promise.race([Promise.all(this.workers.map((worker) => worker.close())), late]);
    clearTimeout(timer);
    await this.lanes.close();
  }

  private async process(job: Job, hold: (bytes: number) => void, token?: string): Promise<unknown> {
    const data = await readJob(this.handler.queue, job, this.parts, token);
    hold(payloadOf(job.data as object, data));
    const started = performance.now();
    const telling = new AttemptTelling(this.handler.queue, job, data, this.parts.log);
    if ((job.stalledCounter ?? 0) > 0) await this.stopIfDead(job, data);
    try {
      const outcome = await this.attempt(job, data, telling);
      await this.forgetDeadLetter(job, data);
      await this.parts.facts.record([...(outcome.facts ?? []), ...this.successFacts(job, data, outcome, started)]);
      telling.done(outcome);
      return this.shown(outcome);
    } catch (error) {
      return this.fail(job, data, error, started, telling, token);
    }
  }

  /** What the admin shows of an outcome may be another's answer: sealed queues do not get it. */
  private shown(outcome: Outcome): unknown {
    return this.parts.queues.codec.seals ? (outcome.response ?? null) : (outcome.value ?? null);
  }

  private told(error: DeadLetter['error']): string {
    return this.parts.queues.codec.seals ? error.code : error.message;
  }

  /**
   * A worker that died between putting a job into the dead letters and telling BullMQ leaves it to be run again: it was
   * judged already. One that was redriven since has one redrive more than its dead letter.
   *
   * @throws UnrecoverableError
   */
  private async stopIfDead(job: Job, data: JobData[Name]): Promise<void> {
    const letter = await this.parts.deadLetters.find(this.handler.queue, job.id!, subjectOf(data).tenant);
    if (!letter || redrivesOf(letter.job.data as JobData[Name]) < redrivesOf(data)) return;
    await this.parts.facts.record(this.endFacts(job, data, 'dead-letter', letter.error));
    throw new UnrecoverableError(this.told(letter.error));
  }

  /** A crash in the middle of a redrive leaves the dead letter beside the job; a job that is done has none. */
  private async forgetDeadLetter(job: Job, data: JobData[Name]): Promise<void> {
    if (redrivesOf(data) > 0) await this.parts.deadLetters.remove(this.handler.queue, job.id!, subjectOf(data).tenant);
  }

  private async attempt(job: Job, data: JobData[Name], telling: AttemptTelling): Promise<Outcome> {
    const id = job.id!;
    const meta = 'meta' in data ? data.meta : undefined;
    if (meta?.deadline && Date.now() > meta.deadline) {
      throw new PermanentError('the deadline of the job has passed', { code: 'deadline-passed' });
    }
    const timeoutMs = meta?.timeoutMs ?? this.parts.queues.catalogue[this.handler.queue].timeoutMs;
    const attempt = job.attemptsMade + 1;
    const deaths = job.stalledCounter ?? 0;
    const standing = standingOf(deaths, attempt, triedOf(job));
    if (standing === 'guilty' && this.parts.isolate) {
      telling.log.warn({ deaths }, 'job is run in isolation: its workers died');
      return this.parts.isolate(this.handler.queue, { id, data, attempt, deaths, timeoutMs });
    }
    if (standing === 'suspect') telling.log.info({ deaths }, 'job is a suspect: its workers died');
    const run = () => this.run(data, { id, attempt, deaths, timeoutMs }, telling);
    return standing === 'free' ? run() : this.suspects.run(job, { deaths, attempt }, run);
  }

  private async run(
    data: JobData[Name],
    { id, attempt, deaths, timeoutMs }: Omit<IsolatedJob, 'data'>,
    telling: AttemptTelling,
  ): Promise<Outcome> {
    const limits = new AttemptSignal(timeoutMs);
    this.running.set(id, limits);
    try {
      const context: JobContext<JobData[Name]> = {
        id,
        queue: this.handler.queue,
        data,
        attempt,
        interrupted: deaths > 0,
        deaths,
        signal: limits.signal,
        get log() {
          return telling.log;
        },
      };
      return await limits.race(this.handler.handle(context));
    } finally {
      this.running.delete(id);
    }
  }

  /** @returns when the handler has an end for it; otherwise throws what BullMQ is to do */
  private async fail(
    job: Job,
    data: JobData[Name],
    error: unknown,
    started: number,
    telling: AttemptTelling,
    token?: string,
  ): Promise<unknown> {
    const attempt = job.attemptsMade + 1;
    const waits = Math.max(0, job.attemptsStarted - attempt - (job.stalledCounter ?? 0));
    const verdict = judge(error, attempt, job.opts.attempts ?? 1, waits);
    const record = errorRecord(error);
    const facts = this.failureFacts(job, data, record, started);
    const concluded = verdict.next === 'dead-letter' ? await this.conclude(job, data, error) : undefined;
    if (concluded) {
      const ended = this.endedFact(job, data, { error: record });
      await this.parts.facts.record([...facts, ...(concluded.facts ?? []), ended]);
      telling.failed('failed', record);
      telling.log.info({ code: record.code, class: record.class }, 'call failed');
      return this.shown(concluded);
    }
    if (verdict.next === 'dead-letter') {
      const cancelled = error instanceof SpillwayError && error.code === 'job-cancelled';
      // First, so that its trace is kept and the dead letter says so.
      telling.failed(cancelled ? 'cancelled' : 'dead-letter', record);
      if (!cancelled) await this.lanes.park(job, { ...record, message: this.told(record) });
      if (!cancelled)
        await this.parts.deadLetters.put(
          this.handler.queue,
          deadLetterOf(this.handler.queue, job, data, record, attempt),
        );
      await this.parts.facts.record([
        ...facts,
        ...this.endFacts(job, data, cancelled ? 'cancelled' : 'dead-letter', record),
      ]);
      telling.log.warn({ code: record.code, err: error }, cancelled ? 'job cancelled' : 'job is dead');
      throw new UnrecoverableError(this.told(record));
    }
    telling.failed(verdict.next, record);
    // Facts go through the queues, too.
    if (record.code !== 'queues-unavailable') await this.parts.facts.record(facts);
    telling.log.info({ code: record.code, class: record.class }, 'attempt failed');
    // What others answered may be in the message: sealed queues do not get it.
    const kept = this.parts.queues.codec.seals ? withoutWords(error, record.code) : error;
    await this.lanes.retryLater(job, token, verdict, kept);
    if (verdict.next === 'wait') {
      await job.moveToDelayed(Date.now() + verdict.delayMs, token);
      throw new DelayedError();
    }
    throw kept;
  }

  private conclude(job: Job, data: JobData[Name], error: unknown): Promise<Outcome | undefined> | undefined {
    const known = error instanceof SpillwayError ? error : new PermanentError(messageOf(error), { code: 'unexpected' });
    return this.handler.conclude?.(data, job.id!, known);
  }

  private endedFact(job: Job, data: JobData[Name], more: { attempt?: AttemptRecord; error?: ErrorRecord }): NewFact {
    const ended = { ...subjectOf(data), kind: 'job.ended' as const, jobId: job.id!, queue: this.handler.queue };
    return { ...ended, state: 'done', ...this.planned(job, data), ...more };
  }

  private planned(job: Job, data: JobData[Name]): { planned: Planning } | undefined {
    const planned = this.handler.planned?.(data, job.id!);
    return planned && { planned };
  }

  private successFacts(job: Job, data: JobData[Name], outcome: Outcome, started: number): NewFact[] {
    if (!this.handler.tellsAttempts || outcome.silent) return [];
    return [
      this.endedFact(job, data, {
        attempt: {
          attempt: job.attemptsMade + 1,
          durationMs: Math.round(performance.now() - started),
          worker: WORKER_NAME,
          ...(outcome.repeat && { repeat: true }),
          ...(outcome.recorded && { recorded: true }),
          ...(outcome.response && { response: outcome.response }),
          ...(outcome.channel && { channel: outcome.channel }),
        },
      }),
    ];
  }

  private failureFacts(job: Job, data: JobData[Name], error: DeadLetter['error'], started: number): NewFact[] {
    if (!this.handler.tellsAttempts) return [];
    return [
      {
        ...subjectOf(data),
        kind: 'job.attempt',
        jobId: job.id!,
        queue: this.handler.queue,
        attempt: job.attemptsMade + 1,
        durationMs: Math.round(performance.now() - started),
        error,
        worker: WORKER_NAME,
        ...this.planned(job, data),
        // What it did will be done again, and nobody dies: only this attempt can tell.
        ...(error.code === UNRECORDED && { repeat: true }),
      },
    ];
  }

  private endFacts(job: Job, data: JobData[Name], state: GivenUp, error: DeadLetter['error']): NewFact[] {
    if (this.handler.onGivenUp) return this.handler.onGivenUp(data, job.id!, state, error);
    if (!this.handler.tellsAttempts) return [];
    return [{ ...subjectOf(data), kind: 'job.ended', jobId: job.id!, queue: this.handler.queue, state, error }];
  }
}
