import type { JobMeta } from '@spillway/contracts';

/** A job that somebody may have begun before it comes into its queue: what it does is told as a possible repeat. */
export function unsure<Data extends { meta: JobMeta }>(data: Data): Data {
  return { ...data, meta: { ...data.meta, unsure: true } };
}
