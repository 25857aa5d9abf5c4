import { keyIdOf } from '@spillway/persistence';
import type { JobType } from 'bullmq';
import type { Queues } from './queues';

const PAGE = 500;
/** In the order in which jobs pass through them, so that one that moves on meanwhile is met later. */
const STATES: JobType[] = ['delayed', 'waiting-children', 'prioritized', 'waiting', 'active', 'failed'];

/**
 * Looks through all jobs that are still to be done, and dead letters; those that are done are only shown. One that goes back to
 * an earlier state meanwhile may be missed.
 *
 * @param ids of keys of tenants
 * @returns those under which a job is sealed
 */
export async function sealedUnder(queues: Queues, ids: Iterable<string>): Promise<Set<string>> {
  const wanted = new Set(ids);
  const found = new Set<string>();
  for (const { queue } of queues.all()) {
    for (const state of STATES) {
      for (let start = 0; found.size < wanted.size; start += PAGE) {
        const jobs = await queue.getJobs([state], start, start + PAGE - 1, true);
        for (const job of jobs) for (const id of keysOf(job?.data)) if (wanted.has(id)) found.add(id);
        if (jobs.length < PAGE) break;
      }
    }
  }
  return found;
}

function keysOf(stored: unknown): string[] {
  const { $sealed, $facts } = (stored ?? {}) as { $sealed?: string; $facts?: Record<string, string> };
  return [...($sealed === undefined ? [] : [$sealed]), ...Object.values($facts ?? {})].map(keyIdOf);
}
