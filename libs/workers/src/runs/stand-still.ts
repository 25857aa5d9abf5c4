import { RateLimitedError, TransientError } from '@spillway/contracts';
import { UNRECORDED } from '@spillway/worker-kit';

/** How long a run is left alone when the database is away. */
const AWAY_MS = 2_000;
const AWAY = ['records-unavailable', UNRECORDED];

/**
 * Runs stand still while PostgreSQL is away (docs/architecture.md, "When a server is away"): the job waits, that uses
 * up no attempts, and the flow is not told of a failure that is none of its call's.
 *
 * @throws RateLimitedError `records-unavailable`, `effect-unrecorded`
 */
export async function standingStill<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof TransientError) || !AWAY.includes(error.code)) throw error;
    throw new RateLimitedError(error.message, { code: error.code, retryAfterMs: AWAY_MS, cause: error });
  }
}
