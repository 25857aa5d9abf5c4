import type { JobJson, JobsOptions } from 'bullmq';

/** A job as {@link FINISH} answers it. */
export interface JobRow {
  id: string;
  name: string;
  /** JSON. */
  data: string;
  opts: JobsOptions;
  priority: number;
  /** Unix milliseconds; PostgreSQL's large integers come as text. */
  added_at_ms: string;
  delay_ms: string;
  attempts_made: number;
  attempts_started: number;
  stalled_count: number;
  dedup_id: string | null;
  more: {
    progress: JobJson['progress'] | null;
    failedReason: string | null;
    stacktrace: unknown[] | null;
    returnValue: unknown;
    finishedOn: number | null;
    deferredFailure: string | null;
    parentQueue: string | null;
    parentId: string | null;
    parentKey: string | null;
    schedulerId: string | null;
  } | null;
}

/**
 * A job as BullMQ's own backend reads it from its row; see `rowToJobJson` there. The data stays the text that it was, which that
 * one parses and writes again.
 */
export function jobOf(row: JobRow, worker: string | null, processedOn: number): JobJson {
  const { more, dedup_id: deduplicationId } = row;
  const parent = more?.parentId != null ? { id: more.parentId, queueKey: more.parentQueue ?? '' } : undefined;
  return {
    id: row.id,
    name: row.name,
    data: row.data,
    opts: row.opts,
    progress: more?.progress ?? 0,
    attemptsMade: row.attempts_made,
    attemptsStarted: row.attempts_started,
    stalledCounter: row.stalled_count,
    timestamp: Number(row.added_at_ms),
    delay: Number(row.delay_ms),
    priority: row.priority,
    processedOn,
    stacktrace: JSON.stringify(more?.stacktrace ?? []),
    returnvalue: JSON.stringify(more?.returnValue ?? null),
    ...(worker !== null && { processedBy: worker }),
    ...(deduplicationId !== null && { deduplicationId }),
    ...(more && {
      finishedOn: more.finishedOn ?? undefined,
      deferredFailure: more.deferredFailure ?? undefined,
      parent,
      parentKey: more.parentKey ?? undefined,
      repeatJobKey: more.schedulerId ?? undefined,
    }),
    // It has none more often than not, whatever BullMQ's types say.
    failedReason: (more?.failedReason ?? undefined) as unknown as string,
  };
}
