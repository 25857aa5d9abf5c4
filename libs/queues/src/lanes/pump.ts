import { hostname } from 'node:os';
import type { Job } from 'bullmq';
import type { Ended, LaneStore } from './lane-store';
import { placeOf } from './place-options';

const REGISTER_EVERY_MS = 5_000;
/** A worker that is silent for so long counts no more. */
const SILENT_MS = 20_000;
/** Whatever was missed is found after so long. */
const SWEEP_MS = 1_000;
/** Jobs let in by one call. */
const MOST = 256;
/** Ends that wait to be told while the store is away; the reconciler finds the others. */
const MOST_UNTOLD = 10_000;
/** How soon after a worker ran out of jobs the lanes are asked again. */
const ASK_MS = { redis: 20, postgres: 50 };
/** A lane that has more to give has `AHEAD` jobs in the queue: there is no haste before many of them are done. */
const GATHER_MS = 100;

let count = 0;

/**
 * Lets spilled jobs in as a worker's jobs end: many ends in one call, and none while no lane has something to give. That is
 * known from the last answer; a worker that runs out of jobs asks again.
 */
export class LanePump {
  private readonly id = `${hostname()}:${process.pid}:${++count}`;
  private ended: Ended[] = [];
  private ready = false;
  private running?: Promise<void>;
  private closed = false;
  private registered = 0;
  private asked = 0;
  private timer?: NodeJS.Timeout;
  private timerAt = Infinity;
  private due?: NodeJS.Timeout;
  private sweep?: NodeJS.Timeout;

  constructor(
    private readonly store: LaneStore,
    private readonly concurrency: number,
    private readonly backend: keyof typeof ASK_MS,
    /** Whether a lane has a cap: the end of its jobs is told at once. */
    private readonly isCapped: (lane: string) => boolean,
  ) {}

  async start(): Promise<void> {
    this.sweep = setInterval(() => this.soon(0), SWEEP_MS).unref();
    await this.run();
  }

  /** A job of this worker came to its end. */
  jobEnded(job: Job, succeeded: boolean): void {
    const place = placeOf(job.opts);
    if (place?.key !== undefined || (place && this.isCapped(place.lane))) {
      if (this.ended.length < MOST_UNTOLD) this.ended.push({ id: job.id!, ...place, succeeded });
      this.soon(0);
    } else if (this.ready) this.soon(GATHER_MS);
  }

  /** This worker found no job in the queue. */
  drained(): void {
    this.soon(this.ready ? 0 : Math.max(0, this.asked + ASK_MS[this.backend] - Date.now()));
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.sweep);
    clearTimeout(this.timer);
    clearTimeout(this.due);
    await this.running;
    await this.store.pump(this.ended, MOST).catch(() => undefined);
    await this.store.register(this.id, 0, Date.now()).catch(() => undefined);
  }

  private soon(delayMs: number): void {
    if (this.closed) return;
    const at = Date.now() + delayMs;
    if (this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => void this.run(), delayMs).unref();
  }

  private async run(): Promise<void> {
    this.timerAt = Infinity;
    if (this.running) {
      await this.running;
      if (this.ended.length > 0) this.soon(0);
      return;
    }
    this.running = this.once();
    await this.running;
    this.running = undefined;
  }

  /** The store may be away: the sweep comes again. */
  private async once(): Promise<void> {
    const ended = this.ended.splice(0);
    this.asked = Date.now();
    try {
      if (this.asked - this.registered >= REGISTER_EVERY_MS) {
        await this.store.register(this.id, this.concurrency, this.asked + SILENT_MS);
        this.registered = this.asked;
      }
      const { admitted, ready, nextDue } = await this.store.pump(ended, MOST);
      this.ready = ready;
      if (admitted === MOST) this.soon(0);
      clearTimeout(this.due);
      if (nextDue && !this.closed)
        this.due = setTimeout(() => this.soon(0), Math.min(Math.max(0, nextDue - Date.now()), SWEEP_MS)).unref();
    } catch {
      this.ended.unshift(...ended);
    }
  }
}
