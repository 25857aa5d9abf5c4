import { setTimeout as wait } from 'node:timers/promises';
import { TransientError } from '@spillway/contracts';

/** The code of an attempt that did its work and could not record it: the next one does it again. */
export const UNRECORDED = 'effect-unrecorded';
const AGAIN_MS = 250;
/** Less than the time of most attempts: one that runs into its limit fails as if the call had hung. */
const WITHIN_MS = 10_000;

/**
 * Records what was done, also when PostgreSQL is away for a while: giving up at once would make the call a second time.
 *
 * @param signal of the attempt
 * @param withinMs for so long, milliseconds
 * @throws TransientError `effect-unrecorded`
 */
export async function keepTrying<T>(record: () => Promise<T>, signal: AbortSignal, withinMs = WITHIN_MS): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    try {
      return await record();
    } catch (error) {
      if (!(error instanceof TransientError) || error.code !== 'records-unavailable') throw error;
      await wait(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted && Date.now() < until) continue;
      const message = `it was done, and could not be recorded: ${error.message}`;
      throw new TransientError(message, { code: 'effect-unrecorded', cause: error });
    }
  }
}
