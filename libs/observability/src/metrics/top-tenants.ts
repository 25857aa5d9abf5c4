import type { Counter } from './instruments';

/** Tenants told by name. */
const MOST_NAMED = 20;
/** Tenants counted, to find the busiest. */
const MOST_COUNTED = 10_000;
/** How often it is looked who is busiest, milliseconds. */
const LOOK_MS = 60_000;
const OTHER = 'other';

/**
 * Counts by tenant with a bounded number of series: the busiest have their own, all others share one. What was counted
 * under a name that is given up goes to `other`, so that no series ever falls and their sum is right.
 */
export class TopTenants {
  private named = new Set<string>();
  private counts = new Map<string, number>();
  private lookedAt = 0;

  constructor(
    private readonly counter: Counter,
    private readonly mostNamed = MOST_NAMED,
  ) {}

  add(value: number, tenant: string, now = Date.now()): void {
    if (now - this.lookedAt > LOOK_MS) this.look(now);
    const count = this.counts.get(tenant);
    if (count !== undefined || this.counts.size < MOST_COUNTED) this.counts.set(tenant, (count ?? 0) + value);
    if (!this.named.has(tenant) && this.named.size < this.mostNamed) this.named.add(tenant);
    this.counter.add(value, this.named.has(tenant) ? tenant : OTHER);
  }

  /** Gives the names to those who were busiest since the last look. */
  private look(now: number): void {
    this.lookedAt = now;
    const busiest = [...this.counts].sort(([, one], [, other]) => other - one).slice(0, this.mostNamed);
    const next = new Set(busiest.map(([tenant]) => tenant));
    // Names stay with those who have them while there is room: a series that comes and goes is of no use.
    for (const tenant of this.named) if (next.size < this.mostNamed) next.add(tenant);
    for (const tenant of this.named) if (!next.has(tenant)) this.counter.fold(tenant, OTHER);
    this.named = next;
    this.counts = new Map();
  }
}
