import type { NewFact } from '@spillway/queues';
import type { NextJob } from './handler';
import type { Colleague, MayGoOn, OnTheSpot } from './on-the-spot';

/** A job is kept by its worker for so long at most, before what it leads to goes through its queue again. Milliseconds. */
const MOST_MS = 30_000;
/** Jobs at once in the place of one. */
const MOST_AT_ONCE = 10;
/** The ledger is told within this time; what ends before is told together. Milliseconds. */
const TELL_MS = 50;

/** What is done in the place of one job of a worker, and what the ledger is told of it. */
export class Visit {
  private readonly until = performance.now() + MOST_MS;
  /** Of the host's, once it is asked for. */
  private place?: Promise<boolean>;
  private atOnce = 0;
  private facts: NewFact[] = [];
  private telling?: NodeJS.Timeout;
  private told: Promise<void> = Promise.resolve();

  constructor(
    private readonly host: Colleague,
    private readonly spot: OnTheSpot,
  ) {}

  readonly mayGoOn: MayGoOn = async (queue, data) => {
    if (this.atOnce >= MOST_AT_ONCE || performance.now() > this.until) return false;
    this.atOnce += 1;
    const may =
      (await this.spot.isOpen(this.host, queue, data)) && (await this.takePlace()) && (await this.enter(queue));
    if (!may) this.atOnce -= 1;
    return may;
  };

  /** Does jobs, and what they lead to. Never throws. */
  async do(jobs: readonly NextJob[]): Promise<void> {
    await Promise.all(
      jobs.map(async (job) => {
        const colleague = this.spot.colleague(job.queue)!;
        const next = await colleague.doNext(job, this);
        colleague.leave();
        this.atOnce -= 1;
        await this.do(next);
      }),
    );
  }

  /** Tells the ledger soon. */
  tell(facts: readonly NewFact[]): void {
    const now = Date.now();
    this.facts.push(...facts.map((fact) => ({ ...fact, at: fact.at ?? now })));
    this.telling ??= setTimeout(() => void this.tellAll().catch(() => undefined), TELL_MS);
  }

  /** @throws TransientError `queues-unavailable` when the ledger could not be told of something */
  tellAll(): Promise<void> {
    clearTimeout(this.telling);
    this.telling = undefined;
    const facts = this.facts.splice(0);
    const before = this.told;
    // In the order in which it happened.
    if (facts.length > 0) this.told = before.then(() => this.spot.facts.record(facts));
    return this.told;
  }

  /** Gives back the host's place. */
  async leave(): Promise<void> {
    if (await this.place) this.spot.placesOf(this.host)?.give();
  }

  private takePlace(): Promise<boolean> {
    const places = this.spot.placesOf(this.host);
    this.place ??= places ? places.take(this.spot.waitMs(this.host)) : Promise.resolve(true);
    return this.place;
  }

  private async enter(queue: NextJob['queue']): Promise<boolean> {
    return (await this.spot.colleague(queue)?.enter(this.spot.waitMs(this.host))) ?? false;
  }
}
