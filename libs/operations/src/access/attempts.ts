/** Failed logins before the door is shut for a while. */
const MOST = 5;
const WINDOW_MS = 15 * 60_000;
const MOST_KEYS = 10_000;

/** Counts failed logins, so that passwords cannot be guessed. */
export class LoginAttempts {
  private readonly failures = new Map<string, { count: number; since: number }>();

  constructor(private readonly now: () => number = Date.now) {}

  /** @returns how long the door stays shut, in milliseconds; 0 when it is open */
  blockedFor(...keys: string[]): number {
    const waits = keys.map((key) => {
      const entry = this.failures.get(key);
      return entry && entry.count >= MOST ? entry.since + WINDOW_MS - this.now() : 0;
    });
    return Math.max(0, ...waits);
  }

  failed(...keys: string[]): void {
    if (this.failures.size > MOST_KEYS) this.failures.clear();
    for (const key of keys) {
      const entry = this.failures.get(key);
      const fresh = !entry || entry.since + WINDOW_MS < this.now();
      this.failures.set(key, fresh ? { count: 1, since: this.now() } : { ...entry, count: entry.count + 1 });
    }
  }

  succeeded(...keys: string[]): void {
    for (const key of keys) this.failures.delete(key);
  }
}
