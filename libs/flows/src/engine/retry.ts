import { durationMs } from '../definition/durations';
import type { DurationModel, RetryPolicy } from '../definition/model';

/** How long a try waits before it is made again, or that it is not. */
export interface RetryState {
  /** Tries that failed, from 1. */
  failed: number;
  /** Unix milliseconds. */
  startedAt: number;
  now: number;
  /** From 0 to 1. */
  random: number;
}

/**
 * The wait before the next try, in milliseconds; undefined when the policy's limits are reached.
 *
 * The specification leaves the formulas open. Here `linear` waits n times the delay before the n-th retry and
 * `exponential` doubles it each time; jitter adds between `from` and `to`; `limit.duration` and `limit.attempt.duration`
 * bound the time from the start of the first try to the start of the last. `limit.attempt.count` counts retries, so that
 * 5 make six tries (dsl.md, "Retries": "Retrying 5 times" with a count of 5; the same in the States Language).
 */
export function retryDelay(
  policy: RetryPolicy,
  { failed, startedAt, now, random }: RetryState,
  duration: (model: DurationModel) => number = durationMs,
): number | undefined {
  const count = policy.limit?.attempt?.count;
  if (count !== undefined && failed > count) return undefined;
  const base = policy.delay === undefined ? 0 : duration(policy.delay);
  let delay = base;
  if (policy.backoff?.linear) delay = base * failed;
  if (policy.backoff?.exponential) delay = base * 2 ** (failed - 1);
  if (policy.jitter) {
    const from = duration(policy.jitter.from);
    delay += from + (duration(policy.jitter.to) - from) * random;
  }
  delay = Math.min(Math.round(delay), LONGEST_WAIT_MS);
  const limits = [policy.limit?.duration, policy.limit?.attempt?.duration];
  for (const limit of limits) if (limit !== undefined && now + delay > startedAt + duration(limit)) return undefined;
  return delay;
}

/** A year: `exponential` reaches any number soon. */
const LONGEST_WAIT_MS = 31_536_000_000;
