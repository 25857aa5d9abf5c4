import type { EffectStore } from '@spillway/persistence';
import type { JobContext } from './handler';

export interface Once<Result> {
  result: Result;
  /** Nothing was done: the result of an earlier attempt was returned. */
  recorded: boolean;
  /** It may have been done before: an earlier attempt was cut off in the middle. */
  repeat: boolean;
}

/**
 * Does an outside action once for a job (DESIGN.md, promise 2): recorded when it is done, and returned from the record
 * when the job comes again. `perform` gets the key to send along as `Idempotency-Key`. What was cut off between the
 * action and its record is done again, and marked as a repeat.
 *
 * @throws TransientError `records-unavailable`, before the action, when PostgreSQL is away
 */
export async function once<Result>(
  effects: EffectStore,
  context: Pick<JobContext<unknown>, 'id' | 'interrupted'> & { tenant: string },
  perform: (idempotencyKey: string) => Promise<Result>,
): Promise<Once<Result>> {
  const key = context.id;
  const known = await effects.find(key);
  if (known) return { result: known.result as Result, recorded: true, repeat: false };
  const result = await perform(key);
  await effects.record({ key, tenant: context.tenant, jobId: context.id, result });
  return { result, recorded: false, repeat: context.interrupted };
}
