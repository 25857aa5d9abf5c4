import { errorClassOf, type ErrorClass, type ErrorRecord, messageOf, SpillwayError } from '@spillway/contracts';

/** How a failed attempt goes on. */
export type Verdict =
  | { next: 'retry' }
  /** Waits without using up an attempt. */
  | { next: 'wait'; delayMs: number }
  | { next: 'dead-letter' };

/** A job that is told to wait this often is not going to be served. */
const MOST_WAITS = 100;
/** When the queues do not take what a job adds. */
const QUEUES_AWAY_MS = 1_000;

/**
 * Decides what becomes of a job whose attempt failed.
 *
 * @param attempt which it was, from 1
 * @param waits how often it waited for the other side already
 */
export function judge(error: unknown, attempt: number, attempts: number, waits: number): Verdict {
  const kind: ErrorClass = errorClassOf(error);
  if (kind === 'permanent' || kind === 'poison') return { next: 'dead-letter' };
  if (kind === 'rate-limited' && waits < MOST_WAITS) {
    return { next: 'wait', delayMs: (error as SpillwayError).retryAfterMs ?? 1_000 };
  }
  // Not the job's fault, and it may last: a failover is longer than all attempts.
  if (error instanceof SpillwayError && error.code === 'queues-unavailable' && waits < MOST_WAITS) {
    return { next: 'wait', delayMs: QUEUES_AWAY_MS };
  }
  return attempt >= attempts ? { next: 'dead-letter' } : { next: 'retry' };
}

const STACK_LINES = 12;

/** An error as records keep it. */
export function errorRecord(error: unknown): ErrorRecord {
  return {
    class: errorClassOf(error),
    code: error instanceof SpillwayError ? error.code : 'unexpected',
    message: messageOf(error).slice(0, 2_000),
    ...(error instanceof Error && error.stack && { stack: error.stack.split('\n').slice(0, STACK_LINES).join('\n') }),
  };
}

/** The same to whom decides when to try again, without what others answered. */
export function withoutWords(error: unknown, code: string): SpillwayError {
  const { class: kind = 'transient', retryAfterMs } = error as Partial<SpillwayError>;
  return new SpillwayError(code, { code, class: kind, retryAfterMs });
}
