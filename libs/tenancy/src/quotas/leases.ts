/** What one process may still use of something that many processes share. */
export interface Lease {
  /** Units; 0 when there is nothing now. */
  granted: number;
  /** Milliseconds: until something is there again, or, for units that are given ahead of time, until the first is due. */
  waitMs: number;
  /** Between two units that are given ahead of time, milliseconds. */
  stepMs?: number;
}

/** What an asker was told: how long to wait before it may; 0: now. `refused`: ask again then. */
export interface Taken {
  refused: boolean;
  waitMs: number;
}

/** A refusal is believed for so long at most: the limit may have been raised. Milliseconds. */
const MOST_BELIEVED_MS = 1_000;

export interface ShareParts {
  /** Asks for so many units, for all processes. */
  lease(want: number): Promise<Lease>;
  /** Until when what is left of a lease taken at `now` is worth something. Unix milliseconds. */
  keptUntil(now: number): number;
  /** Unix milliseconds; the tests' own. */
  now?: () => number;
}

/**
 * The share of one process in one quota: takes from a lease as long as it lasts, and gets the next one when it is empty.
 * Only one request for a lease is under way, and those who come meanwhile wait for it; while a quota is used up, nobody
 * asks.
 */
export class Share {
  private left = 0;
  private leftUntil = 0;
  private dueAt = 0;
  private stepMs = 0;
  private refusedUntil = 0;
  private freeAt = 0;
  private asking?: Promise<void>;

  constructor(private readonly parts: ShareParts) {}

  /**
   * Takes `count` units. A lease that holds one unit is enough: what is taken beyond it comes off the next.
   *
   * @param chunk units to ask for when the lease is used up
   * @throws what `lease` throws
   */
  async take(count: number, chunk: number): Promise<Taken> {
    for (;;) {
      const now = this.now();
      if (this.left > 0 && now < this.leftUntil) {
        const waitMs = Math.max(0, this.dueAt - now);
        this.left -= count;
        this.dueAt += count * this.stepMs;
        return { refused: false, waitMs };
      }
      if (now < this.refusedUntil) return { refused: true, waitMs: Math.max(1, this.freeAt - now) };
      await (this.asking ??= this.ask(Math.max(chunk, count)).finally(() => (this.asking = undefined)));
    }
  }

  /** Units that were leased and not used. */
  get unused(): number {
    return this.now() < this.leftUntil ? Math.max(0, this.left) : 0;
  }

  private async ask(want: number): Promise<void> {
    // What was taken beyond the last lease is paid first.
    const debt = Math.max(0, -this.left);
    const { granted, waitMs, stepMs = 0 } = await this.parts.lease(want + debt);
    const now = this.now();
    this.left = granted - debt;
    this.leftUntil = this.parts.keptUntil(now);
    this.stepMs = stepMs;
    this.dueAt = now + waitMs;
    if (this.left > 0) return;
    this.freeAt = now + waitMs;
    this.refusedUntil = now + Math.max(1, Math.min(waitMs, MOST_BELIEVED_MS));
  }

  private now(): number {
    return this.parts.now?.() ?? Date.now();
  }
}
