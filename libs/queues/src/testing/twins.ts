import type { IQueueBackend, Job } from 'bullmq';
import * as fc from 'fast-check';

/** A job that somebody works on. */
export interface Slot {
  id: string;
  token: string;
  job: Job;
}

/** What a call answered, or why it failed. */
export type Outcome = { answer: unknown } | { error: string; code?: number };

/** What was answered, and the job that was taken, if there was one. */
export type Taken = [answer: unknown, slot?: Slot];

/** A queue with a worker's backend, whose calls a test makes one by one. */
export interface Twin {
  take(token: string): Promise<Taken>;
  /** Finishes jobs, all at once or one after the other. */
  complete(slots: Slot[], together: boolean): Promise<[Outcome, Slot?][]>;
  /** All that is stored of the queue, without what differs by nature. */
  contents(): Promise<Record<string, unknown>>;
  /** The same without the queue's name. */
  nameless<T>(value: T): T;
  close(): Promise<void>;
}

/** A job that is to be finished, by its number, and what is done to it before. */
export interface Choice<Harm> {
  n: number;
  harm: Harm;
}

/** The same queue twice: BullMQ's own finishes jobs of one, ours those of the other. */
export abstract class Twins<Side extends Twin, Harm extends string> {
  /** Milliseconds; the time of both. */
  now = 1_800_000_000_000;
  readonly slots = new Map<string, [Slot, Slot]>();
  private tokens = 0;

  constructor(
    readonly theirs: Side,
    readonly ours: Side,
    /** Codes of BullMQ's errors for a job that its worker has no more. */
    private readonly lostCodes: number[],
  ) {}

  async both(run: (side: Side) => Promise<unknown>): Promise<void> {
    const [theirs, ours] = [await run(this.theirs), await run(this.ours)];
    expect(ours).toEqual(theirs);
  }

  async check(): Promise<void> {
    expect(await this.ours.contents()).toEqual(await this.theirs.contents());
  }

  async close(): Promise<void> {
    await Promise.all([this.theirs.close(), this.ours.close()]);
  }

  async take(): Promise<void> {
    const token = this.newToken();
    this.taken(token, await this.theirs.take(token), await this.ours.take(token));
  }

  /** One that somebody works on. */
  pick(n: number): [Slot, Slot] | undefined {
    return [...this.slots.values()][n % Math.max(1, this.slots.size)];
  }

  drop(slot: Slot): void {
    this.slots.delete(slot.token);
  }

  protected newToken(): string {
    return `t${(this.tokens += 1)}`;
  }

  protected taken(token: string, [theirs, their]: Taken, [ours, our]: Taken): void {
    expect(this.ours.nameless(ours)).toEqual(this.theirs.nameless(theirs));
    if (their) this.slots.set(token, [their, our!]);
  }

  /** Does this to a job; a harmed `token` is no matter of what is stored. */
  protected abstract hurt(side: Side, id: string, harm: Harm): Promise<void>;

  /** Each once, hurt as it is to be; nobody works on them any more. */
  protected async choose(picks: Choice<Harm>[]): Promise<{ pair: [Slot, Slot]; harm: Harm }[]> {
    const chosen = new Map<string, { pair: [Slot, Slot]; harm: Harm }>();
    for (const { n, harm } of picks) {
      const pair = this.pick(n);
      if (pair) chosen.set(pair[0].id, { pair, harm });
    }
    for (const { pair, harm } of chosen.values()) {
      this.drop(pair[0]);
      for (const side of [this.theirs, this.ours]) await this.hurt(side, pair[0].id, harm);
      if (harm === 'token') for (const slot of pair) slot.token += '!';
    }
    return [...chosen.values()];
  }

  /** Finishes jobs: theirs one after the other, ours together. */
  protected async finish(pairs: [Slot, Slot][]): Promise<void> {
    const of = (index: 0 | 1) => pairs.map((pair) => pair[index]);
    const theirs = await this.theirs.complete(of(0), false);
    const ours = await this.ours.complete(of(1), true);
    const seen = (side: Side, ends: [Outcome, Slot?][]) =>
      side.nameless(ends.map(([outcome]) => this.comparable(outcome, pairs.length)));
    expect(seen(this.ours, ours)).toEqual(seen(this.theirs, theirs));
    theirs.forEach(([, slot], index) => slot && this.slots.set(slot.token, [slot, ours[index]![1]!]));
  }

  /**
   * A job that another one of the same batch took over meanwhile is lost one way or the other: we look at all of them
   * first, BullMQ at each when its turn comes.
   */
  private comparable(outcome: Outcome, together: number): unknown {
    const lost = 'code' in outcome && this.lostCodes.includes(outcome.code!);
    return lost && together > 1 ? 'lost' : outcome;
  }
}

/**
 * Finishes jobs, all at once or one after the other.
 *
 * @param read what of an answer about the next job both must say alike, and that job
 */
export async function completeAll(
  backend: Pick<IQueueBackend, 'moveToCompleted'>,
  slots: Slot[],
  together: boolean,
  read: (next: unknown, token: string) => [alike: unknown, slot?: Slot],
): Promise<[Outcome, Slot?][]> {
  const finish = async ({ job, token }: Slot): Promise<[Outcome, Slot?]> => {
    try {
      const keep = job.opts.removeOnComplete as Parameters<typeof backend.moveToCompleted>[2];
      const done = await backend.moveToCompleted(job, { of: job.id }, keep, token, true);
      const [result, slot] = read(done.result, token);
      return [{ answer: { ...done, result } }, slot];
    } catch (error) {
      return [{ error: (error as Error).message, code: (error as { code?: number }).code }];
    }
  };
  if (together) return Promise.all(slots.map(finish));
  const all: [Outcome, Slot?][] = [];
  for (const slot of slots) all.push(await finish(slot));
  return all;
}

/** Something that is done to both, after which both must be the same. */
export function stepOf<Pair extends Twins<Twin, string>>(text: string, run: (pair: Pair) => Promise<void>) {
  return {
    check: () => true,
    run: async (_model: Record<string, never>, pair: Pair) => {
      pair.now += 1;
      await run(pair);
      await pair.check();
    },
    toString: () => text,
  };
}

/** The first of them far more often than the others. */
export function mostly<T>(times: number, first: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.nat(times + others.length - 1).map((n) => (n < times ? first : others[n - times]!));
}

export const often = <T>(times: number, one: T) => Array<T>(times).fill(one);
