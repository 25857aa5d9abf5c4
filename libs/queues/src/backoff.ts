import { SpillwayError } from '@spillway/contracts';

/**
 * How long to wait before the next attempt: exponential, with equal jitter (half fixed, half random, so that jobs that
 * failed together do not come back together), and never sooner than the other side asked.
 *
 * @param attemptsMade attempts so far, from 1
 * @param random from 0 to 1
 * @returns milliseconds
 */
export function backoffDelay(
  attemptsMade: number,
  limits: { backoffMs: number; maxBackoffMs: number },
  error?: unknown,
  random: () => number = Math.random,
): number {
  const exponential = Math.min(limits.backoffMs * 2 ** (attemptsMade - 1), limits.maxBackoffMs);
  const jittered = Math.round(exponential / 2 + (exponential / 2) * random());
  const asked = error instanceof SpillwayError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(jittered, asked);
}
