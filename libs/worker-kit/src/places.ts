/** After somebody waited in vain nobody waits for so long. Milliseconds. */
const IMPATIENT_MS = 1_000;

/** Places that are taken and given back; who comes first is first. */
export class Places {
  /** How many are taken. */
  taken = 0;
  private impatientUntil = 0;
  private readonly waiting = new Set<(got: boolean) => void>();

  /** @param isFree told how many are taken, whether there is one more */
  constructor(private readonly isFree: (taken: number) => boolean) {}

  /** @param waitMs how long one is waited for. @returns whether there was one in time */
  async take(waitMs: number): Promise<boolean> {
    if (this.waiting.size === 0 && this.isFree(this.taken)) {
      this.taken += 1;
      return true;
    }
    if (waitMs === 0 || Date.now() < this.impatientUntil) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const settle = (got: boolean) => {
      clearTimeout(timer);
      this.waiting.delete(settle);
      if (!got) this.impatientUntil = Date.now() + IMPATIENT_MS;
      resolve(got);
    };
    const timer = setTimeout(settle, waitMs, false);
    this.waiting.add(settle);
    return promise;
  }

  give(): void {
    this.taken -= 1;
    this.look();
  }

  /** One may have become free otherwise. */
  look(): void {
    for (const first of this.waiting) {
      if (!this.isFree(this.taken)) return;
      this.taken += 1;
      first(true);
    }
  }
}
