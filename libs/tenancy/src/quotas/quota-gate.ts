import { type QuotaName, type QuotaPolicy, type Quotas } from '@spillway/contracts';
import type { QuotaStore } from '@spillway/persistence';
import { Share } from './leases';

/** A tenant as far as its quotas go. */
export interface Limited {
  name: string;
  quotas: Quotas;
}

/** What stands in the way of an event or a run. */
export interface Verdict {
  quota: QuotaName;
  limit: number;
  policy: QuotaPolicy;
  /** Milliseconds until there is room, as far as that is known. */
  waitMs: number;
}

export interface GateParts {
  store: QuotaStore;
  log: { warn(about: object, message: string): void };
  /** Jobs of a tenant that wait in its lanes, counted up to `most`. */
  waitingJobs?: (tenant: string, most: number) => Promise<number>;
  /** Unix milliseconds; the tests' own. */
  now?: () => number;
}

/** Whose quota a share is of. */
interface About {
  tenant: string;
  quota: QuotaName;
}

/** Leases of a rate are for so many a second: what lies unused in a process is a fiftieth of a second's worth. */
const LEASES_A_SECOND = 50;
/** A lease of a day's quota, as a part of it. */
const PART_OF_DAY = 1_000;
/** Events of a rate that delays are put off so far at most; then they are refused. Milliseconds. */
export const MOST_DELAY_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** What is counted in the database is counted again after so long. Milliseconds. */
const COUNTED_FOR_MS = 250;
/** Where nobody can say when there is room. Milliseconds. */
const LOOK_AGAIN_MS = 1_000;
const RATE_LEASE_KEPT_MS = 1_000;
const WARN_EVERY_MS = 10_000;

/**
 * Keeps tenants to their quotas, all processes together (within the size of their leases: 2 % of a second of a rate, a
 * thousandth of a day). A tenant without quotas costs nothing here. While PostgreSQL is away everybody is let through: an
 * event in hand is worth more than a limit.
 */
export class QuotaGate {
  private readonly shares = new Map<string, { share: Share; about: About }>();
  private readonly counts = new Map<string, { value: number; at: number; reading?: Promise<void> }>();
  private warnedAt = 0;

  constructor(private readonly parts: GateParts) {}

  /** @returns what stands in the way of these events; undefined when nothing does */
  async events(tenant: Limited, { count, bytes }: { count: number; bytes: number }): Promise<Verdict | undefined> {
    const { eventsPerSecond: rate, eventsPerDay, bytesPerDay, waitingJobs } = tenant.quotas;
    return this.guarded(tenant, async () => {
      const verdicts = [
        rate && (await this.rate(tenant.name, rate, count)),
        eventsPerDay && (await this.day(tenant.name, 'eventsPerDay', eventsPerDay, count)),
        bytesPerDay && (await this.day(tenant.name, 'bytesPerDay', bytesPerDay, bytes)),
        waitingJobs && (await this.waiting(tenant.name, waitingJobs, count)),
      ];
      return strictest(verdicts.filter((one) => one !== undefined));
    });
  }

  /** @returns what stands in the way of one more run; undefined when nothing does */
  async run(tenant: Limited): Promise<Verdict | undefined> {
    const { runsPerDay, openRuns } = tenant.quotas;
    return this.guarded(tenant, async () => {
      const open = openRuns && (await this.openRuns(tenant.name, openRuns));
      return open ?? (runsPerDay && (await this.day(tenant.name, 'runsPerDay', runsPerDay, 1)));
    });
  }

  /** Gives back what was leased of today and not used. */
  async close(): Promise<void> {
    await Promise.allSettled(
      [...this.shares.values()].map(async ({ share: { unused }, about }) => {
        if (about.quota !== 'eventsPerSecond' && unused > 0) await this.parts.store.giveBack(about, unused);
      }),
    );
  }

  private async rate(
    tenant: string,
    { limit, burst, policy }: NonNullable<Quotas['eventsPerSecond']>,
    count: number,
  ): Promise<Verdict | undefined> {
    const about: About = { tenant, quota: 'eventsPerSecond' };
    const rate = { perSecond: limit, burst: burst ?? Math.max(1, Math.ceil(limit)) };
    const isDelay = policy === 'delay';
    const share = this.share(about, `${limit} ${rate.burst} ${policy}`, {
      lease: async (want) => {
        const { granted, waitMs } = await this.parts.store.leaseRate(about, rate, want, isDelay ? MOST_DELAY_MS : 0);
        return { granted, waitMs, stepMs: isDelay && waitMs > 0 ? 1_000 / limit : 0 };
      },
      keptUntil: (now) => now + RATE_LEASE_KEPT_MS,
      now: this.parts.now,
    });
    const { refused, waitMs } = await share.take(count, Math.ceil(limit / LEASES_A_SECOND));
    if (!refused && waitMs === 0) return undefined;
    // Delayed ones that are put off too far are refused.
    return { quota: 'eventsPerSecond', limit, policy: refused && isDelay ? 'reject' : policy, waitMs };
  }

  private async day(
    tenant: string,
    quota: QuotaName,
    { limit, policy }: { limit: number; policy: QuotaPolicy },
    count: number,
  ): Promise<Verdict | undefined> {
    const about: About = { tenant, quota };
    const share = this.share(about, String(limit), {
      lease: async (want) => ({
        granted: await this.parts.store.leaseDay(about, limit, want),
        waitMs: endOfDay(this.now()) - this.now(),
      }),
      keptUntil: endOfDay,
      now: this.parts.now,
    });
    const { refused } = await share.take(count, Math.ceil(limit / PART_OF_DAY));
    return refused ? { quota, limit, policy, waitMs: endOfDay(this.now()) - this.now() } : undefined;
  }

  private async waiting(
    tenant: string,
    { limit, policy }: { limit: number; policy: QuotaPolicy },
    count: number,
  ): Promise<Verdict | undefined> {
    const read = this.parts.waitingJobs;
    if (!read || (await this.count(`${tenant} waitingJobs`, count, () => read(tenant, limit + 1))) <= limit)
      return undefined;
    return { quota: 'waitingJobs', limit, policy, waitMs: LOOK_AGAIN_MS };
  }

  private async openRuns(
    tenant: string,
    { limit, policy }: { limit: number; policy: QuotaPolicy },
  ): Promise<Verdict | undefined> {
    const open = await this.count(`${tenant} openRuns`, 1, () => this.parts.store.openRuns(tenant, limit + 1));
    return open > limit ? { quota: 'openRuns', limit, policy, waitMs: LOOK_AGAIN_MS } : undefined;
  }

  /** What was counted a moment ago, and what was let through since, with this. */
  private async count(key: string, more: number, read: () => Promise<number>): Promise<number> {
    const known = this.counts.get(key) ?? { value: 0, at: -Infinity };
    this.counts.set(key, known);
    if (this.now() - known.at > COUNTED_FOR_MS) {
      await (known.reading ??= read()
        .then((value) => void Object.assign(known, { value, at: this.now() }))
        .finally(() => (known.reading = undefined)));
    }
    known.value += more;
    return known.value;
  }

  /** @param terms another one is begun when they change */
  private share(about: About, terms: string, parts: ConstructorParameters<typeof Share>[0]): Share {
    const key = `${about.tenant} ${about.quota} ${terms}`;
    const known = this.shares.get(key);
    if (known) return known.share;
    const share = new Share(parts);
    this.shares.set(key, { share, about });
    return share;
  }

  private async guarded(tenant: Limited, work: () => Promise<Verdict | undefined>): Promise<Verdict | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.now() - this.warnedAt > WARN_EVERY_MS) {
        this.warnedAt = this.now();
        this.parts.log.warn({ tenant: tenant.name, err: error }, 'quotas are not kept: no answer');
      }
      return undefined;
    }
  }

  private now(): number {
    return this.parts.now?.() ?? Date.now();
  }
}

const STRICTNESS: Record<QuotaPolicy, number> = { reject: 2, park: 1, delay: 0 };

/** One that refuses before one that keeps aside, before the longest delay. */
function strictest(verdicts: Verdict[]): Verdict | undefined {
  const [first] = verdicts.sort((a, b) => STRICTNESS[b.policy] - STRICTNESS[a.policy] || b.waitMs - a.waitMs);
  return first;
}

/** Midnight UTC after `now`. */
function endOfDay(now: number): number {
  return (Math.floor(now / DAY_MS) + 1) * DAY_MS;
}
