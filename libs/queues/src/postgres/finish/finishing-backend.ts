import type { createPostgresBackend, MinimalJob, PostgresQueueBackend, WorkerOptions } from 'bullmq';
import type { Pool } from 'pg';
import { type Completion, finishTogether, mayFinishTogether } from '../../finishing';
import { type JobRow, jobOf } from './job-row';

/** See {@link FINISH}. */
type Answer = { code: number; due: string | null } & (JobRow | { id: null });

/** What BullMQ's backend makes of the errors of its functions. */
interface Reader {
  mapFinishError(error: object, jobId: string, command: string): never;
}

/** There is a next job, too large to come with the others. */
const ALONE = 1;

export interface FetchingBackend {
  /**
   * Fetches jobs for several places of a worker in one statement.
   *
   * @param tokens of the places; the first is served as `moveToActive` would
   * @returns for each what `moveToActive` answers; undefined where another call is to look
   */
  fetchFor?(tokens: string[]): Promise<(unknown[] | undefined)[]>;
}

/**
 * BullMQ's backend for a worker on PostgreSQL, except that completions that come together go together: one statement finishes
 * them and fetches the next jobs; jobs for free places are fetched by the same statement. What is not plain (see {@link FINISH}),
 * and all else, BullMQ does itself.
 */
export function finishingBackend(pool: Pool, create: typeof createPostgresBackend): typeof createPostgresBackend {
  return (name, options, how) => {
    const backend: PostgresQueueBackend & FetchingBackend = create(name, options, how);
    const { lockDuration, removeOnComplete: general, name: worker = null } = options as WorkerOptions;
    if (!mayFinishTogether(options as WorkerOptions) || general) return backend;
    const reader = backend as unknown as Reader;
    const fetchAlone = (token: string) => backend.moveToActive(token, worker ?? undefined);

    const nextOf = (answer: Answer, now: number): unknown[] =>
      answer.id === null ? [null, '', 0, Number(answer.due ?? 0)] : [jobOf(answer, worker, now), answer.id, 0, 0];
    const finish = finishTogether<Answer>(backend, {
      isPlain,
      finish: async (jobs, now) => {
        const column = (key: keyof Completion) => jobs.map((job) => job[key]);
        const { rows } = await pool.query<Answer>({
          name: 'finish-jobs',
          text: 'select * from spillway_lanes.finish_and_fetch($1, $2, $3, $4, $5, $6, $7)',
          values: [name, column('id'), column('token'), column('value'), now, lockDuration, worker],
        });
        return rows;
      },
      // One result may be no JSON for PostgreSQL.
      apart: (error) => /^22/.test((error as { code?: string }).code ?? ''),
      next: (answer, { id, token }, now) => {
        if (answer.code < 0) {
          reader.mapFinishError({ code: 'BM001', detail: String(answer.code) }, id, 'moveToFinished');
        }
        return answer.code === ALONE ? fetchAlone(token) : nextOf(answer, now);
      },
    });

    backend.fetchFor = (tokens) =>
      Promise.all(
        tokens.map(async (token, index) => {
          const { answer, now } = await finish({ id: '', token, value: 'null' });
          if (answer && answer.code !== ALONE) return nextOf(answer, now);
          return index === 0 ? fetchAlone(token) : undefined;
        }),
      );
    return backend;
  };
}

function isPlain(job: MinimalJob, removeOnComplete: unknown): boolean {
  return !job.parent && !job.parentKey && !removeOnComplete;
}
