import { setTimeout as wait } from 'node:timers/promises';
import { type ProcessOptions, SpillwayProcess } from './spillway-process';

export interface PoolOptions extends ProcessOptions {
  roles: string;
  environment: Record<string, string>;
  /** Processes that are kept alive; as many as die while one starts, and one more. */
  size: number;
  /**
   * Whether one is killed each time, come what may, be it ready or still starting. Otherwise only such as are ready, and none
   * while fewer than two are: somebody must get on with the work.
   */
  always?: boolean;
}

/** Workers to be killed: each that dies is replaced at once. */
export class WorkerPool {
  kills = 0;
  /** Of these, such that were still starting. */
  killsAtStart = 0;
  /** Times when there was none to be killed. */
  missed = 0;
  /** Ends that nobody here asked for. */
  readonly fallen: string[] = [];
  private readonly alive = new Set<SpillwayProcess>();
  private readonly starting = new Set<Promise<void>>();
  /** Those that are not ready yet. */
  private readonly coming = new Set<SpillwayProcess>();
  private readonly killedAtStart = new WeakSet<SpillwayProcess>();
  private closing = false;

  private constructor(private readonly options: PoolOptions) {}

  static async start(options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    await Promise.all(Array.from({ length: options.size }, () => pool.grow()));
    return pool;
  }

  /** kill -9 for one, drawn by lot. */
  async killOne(): Promise<void> {
    this.replaceFallen();
    const { always = false } = this.options;
    const ready = [...this.alive];
    const starting = [...this.coming].filter((one) => !one.hasEnded());
    const victims = always ? [...ready, ...starting] : ready.length < 2 ? [] : ready;
    const victim = victims[Math.floor(Math.random() * victims.length)];
    if (!victim) {
      this.missed += 1;
      return;
    }
    this.kills += 1;
    const wasReady = this.alive.delete(victim);
    if (!wasReady) {
      // Whoever starts it goes on with another.
      this.killedAtStart.add(victim);
      this.killsAtStart += 1;
    }
    await victim.kill();
    if (wasReady) void this.grow();
  }

  /** Kills one each time, by the clock: how long a new one takes to start delays no kill. @returns how to stop */
  killEvery(everyMs: () => number): () => Promise<void> {
    const over = new AbortController();
    const loop = (async () => {
      for (let next = performance.now(); !over.signal.aborted;) {
        next += everyMs();
        await wait(Math.max(0, next - performance.now()), undefined, { signal: over.signal }).catch(() => undefined);
        if (!over.signal.aborted) await this.killOne();
      }
    })();
    return async () => {
      over.abort();
      await loop;
    };
  }

  async close(): Promise<void> {
    this.closing = true;
    this.replaceFallen();
    await Promise.all(this.starting);
    await Promise.all([...this.alive].map((one) => one.kill()));
  }

  /** One that ended by itself is told, and replaced. */
  private replaceFallen(): void {
    for (const one of this.alive) {
      if (!one.hasEnded()) continue;
      this.alive.delete(one);
      this.fallen.push(one.output.slice(-2_000));
      void this.grow();
    }
  }

  private async grow(): Promise<void> {
    const started = this.startOne();
    this.starting.add(started);
    await started;
    this.starting.delete(started);
  }

  private async startOne(): Promise<void> {
    while (!this.closing) {
      const { roles, environment } = this.options;
      const one = await SpillwayProcess.prepare(roles, environment, this.options);
      this.coming.add(one);
      try {
        await one.resume();
        if (!this.killedAtStart.has(one)) {
          this.alive.add(one);
          return;
        }
      } catch {
        // The servers are being restarted, and whatever restarts workers in production does it again.
        await wait(300);
      } finally {
        this.coming.delete(one);
      }
    }
  }
}
