import { setTimeout as wait } from 'node:timers/promises';

/**
 * Tries until it gives something other than undefined, null or false.
 *
 * @throws the last error, or that the time is over
 */
export async function eventually<T>(
  attempt: () => Promise<T> | T,
  { withinMs = 25_000, everyMs = 50, what = 'it' }: { withinMs?: number; everyMs?: number; what?: string } = {},
): Promise<NonNullable<T>> {
  const until = Date.now() + withinMs;
  let last: unknown = new Error(`${what} did not come about within ${withinMs} ms`);
  for (;;) {
    try {
      const result = await attempt();
      if (result !== undefined && result !== null && result !== false) return result;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until) throw last;
    await wait(everyMs);
  }
}
