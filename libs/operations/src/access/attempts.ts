/** Failed logins for one user from one address before the door is shut for a while. */
const MOST_FOR_USER = 5;
/** From one address, for whatever users: many people may share one. */
const MOST_FROM_ADDRESS = 50;
const WINDOW_MS = 15 * 60_000;
const MOST_KEYS = 10_000;

/** Counts failed logins, so that passwords cannot be guessed, and nobody can lock out somebody else. */
export class LoginAttempts {
  private readonly failures = new Map<string, { count: number; since: number }>();

  constructor(private readonly now: () => number = Date.now) {}

  /** @returns how long the door stays shut, in milliseconds; 0 when it is open */
  blockedFor(address: string, user: string): number {
    const waits = this.limits(address, user).map(([key, most]) => {
      const entry = this.failures.get(key);
      return entry && entry.count >= most ? entry.since + WINDOW_MS - this.now() : 0;
    });
    return Math.max(0, ...waits);
  }

  failed(address: string, user: string): void {
    if (this.failures.size > MOST_KEYS) this.failures.clear();
    for (const [key] of this.limits(address, user)) {
      const entry = this.failures.get(key);
      const fresh = !entry || entry.since + WINDOW_MS < this.now();
      this.failures.set(key, fresh ? { count: 1, since: this.now() } : { ...entry, count: entry.count + 1 });
    }
  }

  succeeded(address: string, user: string): void {
    for (const [key] of this.limits(address, user)) this.failures.delete(key);
  }

  private limits(address: string, user: string): [key: string, most: number][] {
    return [
      [`${address} ${user}`, MOST_FOR_USER],
      [address, MOST_FROM_ADDRESS],
    ];
  }
}
