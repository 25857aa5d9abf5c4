import type { Config } from '@spillway/config';
import { setTimeout as wait } from 'node:timers/promises';
import { PermanentError, type QueueName } from '@spillway/contracts';
import { currentTracing, type Log, measure, traced } from '@spillway/observability';
import {
  backoffDelay,
  jobName,
  type DeadLetters,
  type FactSink,
  type Job,
  type JobData,
  type NewFact,
  type Queues,
} from '@spillway/queues';
import { DelayedError, UnrecoverableError, type Worker } from 'bullmq';
import { LRUCache } from 'lru-cache';
import { AttemptSignal, cancelled } from './attempt-signal';
import { redrivesOf } from './dead-letter-of';
import { payloadOf, Room } from './room';
import { readJob } from './read-job';
import { type Handler, type JobContext, type NextJob, type Outcome, subjectOf } from './handler';
import { type Again, Failures } from './failures';
import { type AttemptJob, attemptOf, isUnsure, JobFacts, triedBefore } from './job-facts';
import { LaneKeeper, type ParkedKey } from './lane-keeper';
import type { Colleague, MayGoOn, OnTheSpot } from './on-the-spot';
import { type IsolatedJob, standingOf, Suspects, triedOf } from './suspects';
import { AttemptTelling, startAtZero } from './telling';
import type { Visit } from './visit';

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
  /** For what a job leads to; without it everything goes through its queue. */
  onTheSpot?: OnTheSpot;
}

/** BullMQ's own limit would fail innocent bystanders of a crash for good: we judge poison ourselves. */
const NO_STALLED_LIMIT = 1_000_000;
/** How soon the queues are asked again when they were away. BullMQ's own 15 s are long for a restart of a server. */
const AWAY_MS = 1_000;
/** How often the ledger is told of what was done on the spot before the job is given back. */
const MOST_TELLS = 20;

/** Takes a queue's jobs to its handler: time limit, cancellation, error classes, dead letters, isolation, facts. */
export class QueueWorker<Name extends QueueName = QueueName> implements Colleague {
  /** One for each partition that this process serves. */
  private readonly workers: Worker[];
  private readonly room: Room;
  private readonly running = new Map<string, AttemptSignal>();
  /** Asked to be cancelled a moment ago, and not known here: it may be about to be done on the spot. */
  private readonly notBegun = new LRUCache<string, true>({ max: 1_000, ttl: 5_000 });
  /** Attempts on the spot, by the error of one that followed them. */
  private readonly triedBefore = new WeakMap<object, number>();
  private readonly lanes: LaneKeeper;
  private readonly suspects = new Suspects();
  private readonly jobFacts: JobFacts<Name>;
  private readonly failures: Failures<Name>;
  isClosing = false;
  readonly queue: Name;
  readonly concurrency: number;

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
    this.jobFacts = new JobFacts(handler);
    this.queue = handler.queue;
    this.concurrency = parts.queues.catalogue[handler.queue].concurrency;
    this.lanes = new LaneKeeper(handler.queue, parts);
    this.failures = new Failures(handler, parts, this.jobFacts, this.lanes);
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
      expect: (jobs) => this.room.expect(index, jobs),
      lockDuration: parts.config.lockDurationMs,
      stalledInterval: parts.config.stalledIntervalMs,
      maxStalledCount: NO_STALLED_LIMIT,
      runRetryDelay: AWAY_MS,
      settings: {
        backoffStrategy: (made, _type, error) =>
          backoffDelay(made + (this.triedBefore.get(error as Error) ?? 0), definition, error),
      },
      telemetry: currentTracing()?.telemetry,
    });
    worker.on('stalled', () => measure.stalled.add(1, handler.queue));
    return worker;
  }

  enter(waitMs: number): Promise<boolean> {
    return this.room.enter(waitMs);
  }

  leave(): void {
    this.room.leave();
  }

  async ready(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.waitUntilReady()));
    await this.lanes.start();
    this.parts.onTheSpot?.join(this);
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
    if (!attempt) this.notBegun.set(jobId, true);
    return attempt !== undefined;
  }

  /** Takes no more jobs, waits for those that run, and leaves what is not done in time to the next worker. */
  async close(drainTimeoutMs: number): Promise<void> {
    this.isClosing = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, drainTimeoutMs);
    await Promise.race([Promise.all(this.workers.map((worker) => worker.close())), late]);
    clearTimeout(timer);
    await this.lanes.close();
  }

  private async process(job: Job, hold: (bytes: number) => void, token?: string): Promise<unknown> {
    const data = await readJob(this.handler.queue, job, this.parts, token);
    hold(payloadOf(job.data as object, data));
    const telling = new AttemptTelling(this.handler.queue, job, data, this.parts.log);
    if ((job.stalledCounter ?? 0) > 0) await this.stopIfDead(job, data);
    const visit = this.parts.onTheSpot?.visit(this);
    try {
      const outcome = await this.attempt(job, data, telling, visit?.mayGoOn);
      await this.forgetDeadLetter(job, data);
      const facts = this.factsOf(job, data, outcome, telling);
      if (visit && outcome.next?.length) {
        visit.tell(facts);
        await visit.do(outcome.next);
        await this.tellPatiently(visit);
      } else await this.parts.facts.record(facts);
      telling.done(outcome);
      return this.shown(outcome);
    } catch (error) {
      const judged = await this.failures.judged(job, data, error, telling);
      if ('concluded' in judged) return this.shown(judged.concluded);
      if ('dead' in judged) throw new UnrecoverableError(this.failures.told(judged.dead));
      return await this.again(job, judged, triedBefore(data), token);
    } finally {
      await visit?.leave();
    }
  }

  /** What was done on the spot is known here only: the job waits for the queues rather than forget it. */
  private async tellPatiently(visit: Visit): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await visit.tellAll();
      } catch (error) {
        if (tries >= MOST_TELLS || this.isClosing) throw error;
        await wait(AWAY_MS);
      }
    }
  }

  async doNext(
    { id, data: given, attempts, known }: NextJob,
    visit: Visit,
    mayGoOn: MayGoOn,
  ): Promise<readonly NextJob[]> {
    const { queue } = this;
    const data = given as JobData[Name];
    const most = attempts ?? this.parts.queues.catalogue[queue].attempts;
    const job = { ...NEW_JOB, id, name: jobName(data), opts: { attempts: most }, timestamp: Date.now() };
    const attributes = { 'messaging.destination.name': queue };
    return traced(`process ${queue}`, { attributes }, async () => {
      const telling = new AttemptTelling(queue, job, data, this.parts.log);
      try {
        if (this.notBegun.delete(id)) throw cancelled();
        const limits = { id, attempt: 1, deaths: 0, timeoutMs: this.timeoutOf(data), isFirst: true };
        const outcome = await this.run(data, limits, telling, { isOnTheSpot: true, known, mayGoOn });
        visit.tell(this.factsOf(job, data, outcome, telling));
        telling.done(outcome);
        return outcome.next ?? [];
      } catch (error) {
        await this.failOnTheSpot(job, data, error, telling, visit).catch((err: unknown) =>
          telling.log.warn({ err }, 'the job could not be put into its queue: it is made again'),
        );
        return [];
      }
    });
  }

  /** After an attempt on the spot the others are the queue's. @throws TransientError `queues-unavailable` */
  private async failOnTheSpot(
    job: AttemptJob,
    data: JobData[Name],
    error: unknown,
    telling: AttemptTelling,
    visit: Visit,
  ): Promise<void> {
    await visit.tellAll().catch(() => undefined);
    const judged = await this.failures.judged(job, data, error, telling);
    if (!('verdict' in judged)) return;
    const { verdict, kept } = judged;
    const { catalogue } = this.parts.queues;
    const isUsedUp = verdict.next === 'retry';
    const tried = 'meta' in data && isUsedUp ? { ...data, meta: { ...data.meta, tried: 1 } } : data;
    await this.parts.queues.add(this.queue, tried, {
      id: job.id!,
      delayMs: isUsedUp ? backoffDelay(1, catalogue[this.queue], kept) : verdict.delayMs,
      attempts: isUsedUp ? job.opts.attempts! - 1 : job.opts.attempts,
      ...('meta' in data && { priority: data.meta.priority }),
    });
  }

  /** @returns what the ledger is to know */
  private factsOf(job: AttemptJob, data: JobData[Name], outcome: Outcome, telling: AttemptTelling): NewFact[] {
    return [...(outcome.facts ?? []), ...this.jobFacts.success(job, data, outcome, telling.elapsedMs)];
  }

  /** What the admin shows of an outcome may be another's answer: sealed queues do not get it. */
  private shown(outcome: Outcome): unknown {
    return this.parts.queues.codec.seals ? (outcome.response ?? null) : (outcome.value ?? null);
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
    await this.parts.facts.record(this.jobFacts.givenUp(job, data, 'dead-letter', letter.error));
    throw new UnrecoverableError(this.failures.told(letter.error));
  }

  /** A crash in the middle of a redrive leaves the dead letter beside the job; a job that is done has none. */
  private async forgetDeadLetter(job: Job, data: JobData[Name]): Promise<void> {
    if (redrivesOf(data) > 0) await this.parts.deadLetters.remove(this.handler.queue, job.id!, subjectOf(data).tenant);
  }

  private async attempt(job: Job, data: JobData[Name], telling: AttemptTelling, mayGoOn?: MayGoOn): Promise<Outcome> {
    const id = job.id!;
    const timeoutMs = this.timeoutOf(data);
    const attempt = attemptOf(job, data);
    const deaths = job.stalledCounter ?? 0;
    const standing = standingOf(deaths, attempt, triedOf(job));
    if (standing === 'guilty' && this.parts.isolate) {
      telling.log.warn({ deaths }, 'job is run in isolation: its workers died');
      return this.parts.isolate(this.handler.queue, { id, data, attempt, deaths, timeoutMs });
    }
    if (standing === 'suspect') telling.log.info({ deaths }, 'job is a suspect: its workers died');
    const isNew = job.attemptsStarted <= 1 && deaths === 0;
    const isFirst = isNew && redrivesOf(data) === 0 && !triedBefore(data) && !isUnsure(data);
    const limits = { id, attempt, deaths, timeoutMs, isFirst };
    if (standing === 'free') return this.run(data, limits, telling, { isOnTheSpot: false, mayGoOn });
    return this.suspects.run(job, { deaths, attempt }, () => this.run(data, limits, telling));
  }

  /** @throws PermanentError `deadline-passed` */
  private timeoutOf(data: JobData[Name]): number {
    const meta = 'meta' in data ? data.meta : undefined;
    if (meta?.deadline && Date.now() > meta.deadline) {
      throw new PermanentError('the deadline of the job has passed', { code: 'deadline-passed' });
    }
    return meta?.timeoutMs ?? this.parts.queues.catalogue[this.handler.queue].timeoutMs;
  }

  private async run(
    data: JobData[Name],
    { id, attempt, deaths, timeoutMs, isFirst }: Omit<IsolatedJob, 'data'> & { isFirst: boolean },
    telling: AttemptTelling,
    more: Pick<JobContext<JobData[Name]>, 'isOnTheSpot' | 'known' | 'mayGoOn'> = { isOnTheSpot: false },
  ): Promise<Outcome> {
    const { isOnTheSpot, known, mayGoOn } = more;
    const limits = new AttemptSignal(timeoutMs);
    this.running.set(id, limits);
    try {
      const context: JobContext<JobData[Name]> = {
        id,
        queue: this.handler.queue,
        data,
        attempt,
        interrupted: deaths > 0 || isUnsure(data),
        isFirst,
        deaths,
        signal: limits.signal,
        isOnTheSpot,
        known,
        // Who is late is not waited for.
        mayGoOn: mayGoOn && (async (...asked) => !limits.signal.aborted && mayGoOn(...asked)),
        get log() {
          return telling.log;
        },
      };
      return await limits.race(this.handler.handle(context));
    } finally {
      this.running.delete(id);
    }
  }

  /** @throws what BullMQ is to do */
  private async again(job: Job, { verdict, kept }: Again, tried: number, token?: string): Promise<never> {
    // BullMQ counts its own attempts only.
    if (tried > 0 && typeof kept === 'object' && kept !== null) this.triedBefore.set(kept, tried);
    await this.lanes.retryLater(job, token, verdict, kept, tried);
    if (verdict.next === 'wait') {
      await job.moveToDelayed(Date.now() + verdict.delayMs, token);
      throw new DelayedError();
    }
    throw kept;
  }
}

/** A job that was in no queue yet. */
const NEW_JOB = { attemptsMade: 0, attemptsStarted: 1, stalledCounter: 0 };
