import type { EffectStore } from '@spillway/persistence';
import type { JobContext } from './handler';
import { keepTrying } from './keep-trying';

export interface Once<Result> {
  result: Result;
  /** Nothing was done: the result of an earlier attempt was returned. */
  recorded: boolean;
  /** It may have been done before: an earlier attempt was cut off in the middle. */
  repeat: boolean;
}

/**
 * Does an outside action once for a job (docs/architecture.md, "Working"): recorded when it is done, and returned from
 * the record when the job comes again. `perform` gets the key to send along as `Idempotency-Key`. What was cut off
 * between the action and its record is done again, and marked as a repeat.
 *
 * @throws TransientError `records-unavailable`, before the action, when PostgreSQL is away; `effect-unrecorded`, after it
 */
export async function once<Result>(
  effects: EffectStore,
  context: Pick<JobContext<unknown>, 'id' | 'interrupted' | 'deaths' | 'signal'> & { tenant: string },
  perform: (idempotencyKey: string) => Promise<Result>,
): Promise<Once<Result>> {
  const key = context.id;
  const known = await effects.find(key);
  // Of two attempts that were cut off the second may have been a repeat, and had no time to tell.
  if (known) return { result: known.result as Result, recorded: true, repeat: context.deaths > 1 };
  const result = await perform(key);
  const effect = { key, tenant: context.tenant, jobId: context.id, result };
  await keepTrying(() => effects.record(effect), context.signal);
  return { result, recorded: false, repeat: context.interrupted };
}
