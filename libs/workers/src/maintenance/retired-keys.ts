import { sealedUnder } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';

const EVERY_MS = 86_400_000;

/** What the last look found, by platform. */
const looks = new WeakMap<object, { at: number; free: Set<string> }>();

/**
 * Drops retired keys of tenants that nothing stored needs. That cannot be taken back, and a job may change its place while
 * all are looked through: so it takes two looks, a day apart.
 *
 * @param before of those that were retired before
 * @param now Unix milliseconds
 * @returns how many were dropped
 */
export async function dropRetiredKeys(
  platform: Pick<Platform, 'keys' | 'queues' | 'log'>,
  before: Date,
  now = Date.now(),
): Promise<number> {
  const last = looks.get(platform);
  if (last && now - last.at < EVERY_MS) return 0;
  const unneeded = await platform.keys.unneeded(before);
  const inJobs = await sealedUnder(platform.queues, unneeded);
  const free = new Set(unneeded.filter((id) => !inJobs.has(id)));
  looks.set(platform, { at: now, free });
  const twice = [...free].filter((id) => last?.free.has(id));
  if (twice.length === 0) return 0;
  const dropped = await platform.keys.drop(twice);
  platform.log.info({ keys: twice }, 'retired keys of tenants were dropped: nothing needs them any more');
  return dropped;
}
