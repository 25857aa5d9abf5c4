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
  /** Whose places are taken, for jobs that are done or are to be done. */
  private readonly entered: Colleague[] = [];
  private asked = 0;
  private isOver = false;
  private facts: NewFact[] = [];
  private telling?: NodeJS.Timeout;
  private told: Promise<void> = Promise.resolve();

  constructor(
    private readonly host: Colleague,
    private readonly spot: OnTheSpot,
  ) {}

  readonly mayGoOn: MayGoOn = async (queue, data) => {
    if (this.entered.length + this.asked >= MOST_AT_ONCE || this.isLate()) return false;
    this.asked += 1;
    try {
      return (await this.spot.isOpen(this.host, queue, data)) && (await this.takePlace()) && (await this.enter(queue));
    } finally {
      this.asked -= 1;
    }
  };

  /** Does jobs, and what they lead to. */
  async do(jobs: readonly NextJob[]): Promise<void> {
    await Promise.all(
      jobs.map(async (job) => {
        const colleague = this.spot.colleague(job.queue)!;
        const own = this.ownPlace(colleague);
        let next: readonly NextJob[] = [];
        try {
          next = await colleague.doNext(job, this, own.mayGoOn);
        } finally {
          if (!own.isHandedOn() || next.length === 0) this.give(colleague);
        }
        await this.do(next);
      }),
    );
  }

  /** What follows a job in the same queue may have its place. */
  private ownPlace({ queue: own }: Colleague) {
    let isHandedOn = false;
    const mayGoOn: MayGoOn = async (queue, data) => {
      if (queue !== own || isHandedOn || this.isLate()) return this.mayGoOn(queue, data);
      isHandedOn = true;
      const isOpen = await this.spot.isOpen(this.host, queue, data);
      if (!isOpen) isHandedOn = false;
      return isOpen;
    };
    return { mayGoOn, isHandedOn: () => isHandedOn };
  }

  private isLate(): boolean {
    return this.isOver || performance.now() > this.until;
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
    // In the order in which it happened.
    this.told = this.told.catch(() => undefined).then(() => this.record());
    return this.told;
  }

  private async record(): Promise<void> {
    const facts = this.facts.splice(0);
    if (facts.length === 0) return;
    try {
      await this.spot.facts.record(facts);
    } catch (error) {
      this.facts.unshift(...facts);
      throw error;
    }
  }

  /** Gives back the host's place, and those that were taken for jobs which then were not done. */
  async leave(): Promise<void> {
    this.isOver = true;
    for (const colleague of [...this.entered]) this.give(colleague);
    if (await this.place) this.spot.placesOf(this.host)?.give();
  }

  private async takePlace(): Promise<boolean> {
    // Who asks when it is over was late: nobody would give the place back.
    if (this.isOver) return false;
    const places = this.spot.placesOf(this.host);
    this.place ??= places ? places.take(this.spot.waitMs(this.host)) : Promise.resolve(true);
    return this.place;
  }

  private async enter(queue: NextJob['queue']): Promise<boolean> {
    const colleague = this.spot.colleague(queue);
    if (!colleague || !(await colleague.enter(this.spot.waitMs(this.host)))) return false;
    this.entered.push(colleague);
    if (this.isOver) this.give(colleague);
    return !this.isOver;
  }

  private give(colleague: Colleague): void {
    const at = this.entered.indexOf(colleague);
    if (at < 0) return;
    this.entered.splice(at, 1);
    colleague.leave();
  }
}
