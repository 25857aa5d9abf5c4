import type { JobsOptions } from 'bullmq';

export interface NewJob {
  name: string;
  data: object;
  /** The data, as it is sent. */
  json: string;
  opts: JobsOptions & { jobId: string };
}

/** Whether our own script (`lanes/redis/scripts.ts`) can take the job. */
export function isPlain({ opts }: NewJob): boolean {
  const dedupe = opts.deduplication;
  const deduped = dedupe && (!dedupe.ttl || dedupe.extend || dedupe.replace);
  return !opts.parent && !opts.lifo && !opts.repeatJobKey && !deduped;
}
