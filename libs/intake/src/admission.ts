import { RateLimitedError, type QuotaName } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import type { Verdict } from '@spillway/tenancy';
import type { Incoming } from './acceptor';

/** What a quota makes of events that are let in. */
export type Admission = Pick<Incoming, 'delayMs' | 'parkedFor'>;

const MEANS: Record<QuotaName, string> = {
  eventsPerSecond: 'events a second',
  eventsPerDay: 'events a day',
  bytesPerDay: 'bytes a day',
  waitingJobs: 'waiting jobs',
  runsPerDay: 'runs a day',
  openRuns: 'open runs',
};

/**
 * Asks the quotas of a tenant about events that are to be accepted.
 *
 * @throws RateLimitedError `quota-exceeded` (429) with the time to come back
 */
export async function admit(
  { quotas, directory }: Pick<Platform, 'quotas' | 'directory'>,
  tenant: string,
  events: { count: number; bytes: number },
): Promise<Admission> {
  const limited = directory.tenant(tenant);
  if (!limited || Object.keys(limited.quotas).length === 0) return {};
  const verdict = await quotas.events(limited, events);
  if (!verdict) return {};
  if (verdict.policy === 'delay') return { delayMs: verdict.waitMs };
  if (verdict.policy === 'park') return { parkedFor: verdict.quota };
  throw quotaExceeded(tenant, verdict);
}

/** The refusal that a quota leads to. */
export function quotaExceeded(tenant: string, { quota, limit, waitMs }: Verdict): RateLimitedError {
  return new RateLimitedError(`the tenant "${tenant}" has used up its ${limit} ${MEANS[quota]}`, {
    code: 'quota-exceeded',
    status: 429,
    retryAfterMs: waitMs,
    remedy: 'Send it again after the time in Retry-After, or ask the people who run this installation for more.',
    details: { quota, limit },
  });
}
