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
 * Does an outside action once for a job (DESIGN.md, promise 2): recorded as begun before, as done after, and returned
 * from the record when the job comes again. `perform` gets the key to send along as `Idempotency-Key`.
 *
 * @throws TransientError `records-unavailable`, before the action, when PostgreSQL is away
 */
export async function once<Result>(
  effects: EffectStore,
  context: Pick<JobContext<unknown>, 'id' | 'interrupted'> & { tenant: string },
  perform: (idempotencyKey: string) => Promise<Result>,
): Promise<Once<Result>> {
  const key = context.id;
  const begun = await effects.begin({ key, tenant: context.tenant, jobId: context.id });
  if (begun.state === 'done') return { result: begun.result as Result, recorded: true, repeat: false };
  const result = await perform(key);
  await effects.finish({ key, result });
  return { result, recorded: false, repeat: begun.repeat && context.interrupted };
}
