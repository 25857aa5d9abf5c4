import type { Fact } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';

const PAGE = 100;

/** What is readable of a job without its key: see `JobCodec.shown`. */
interface Shown {
  tenant?: string;
  meta?: { tenant: string };
  facts?: Fact[];
  $facts?: string[];
}

/**
 * Jobs that are done stay in their queues for people to look at, as many as the queue keeps. They hold payloads, so they
 * go when their tenants' payloads go.
 *
 * @param keptMs how long a tenant's are kept
 * @param shortestMs of all tenants
 * @param now Unix milliseconds
 * @returns how many were removed
 */
export async function forgetFinished(
  { queues }: Pick<Platform, 'queues'>,
  keptMs: (tenant: string) => number,
  shortestMs: number,
  now = Date.now(),
): Promise<number> {
  let removed = 0;
  for (const { queue, dead } of queues.all()) {
    if (dead) continue;
    for (let start = 0; ;) {
      const jobs = await queue.getJobs(['completed'], start, start + PAGE - 1, true);
      let stay = 0;
      for (const job of jobs) {
        const age = now - (job?.finishedOn ?? now);
        if (job && tenantsOf(queues.codec.shown(job.data as object)).some((tenant) => age > keptMs(tenant))) {
          await job.remove();
          removed += 1;
        } else stay += 1;
      }
      start += stay;
      const youngest = jobs.at(-1)?.finishedOn ?? now;
      if (jobs.length < PAGE || now - youngest <= shortestMs) break;
    }
  }
  return removed;
}

function tenantsOf({ tenant, meta, facts, $facts }: Shown): string[] {
  return $facts ?? facts?.map((fact) => fact.tenant) ?? [tenant ?? meta?.tenant ?? ''];
}
