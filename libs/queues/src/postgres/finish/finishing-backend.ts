import type { createPostgresBackend, MinimalJob, PostgresQueueBackend, WorkerOptions } from 'bullmq';
import type { Pool } from 'pg';
import { type Completion, finishTogether, mayFinishTogether } from '../../finishing';

/** See {@link FINISH}; with the columns of the job that was fetched, if there was one. */
interface Answer {
  slot: number;
  code: number;
  due: string | null;
  id: string | null;
}

/** What BullMQ's backend makes of its tables' rows and of the errors of its functions. */
interface Reader {
  buildNextJobResult(rows: unknown[], limiterMax: null, now: number): Promise<unknown[]>;
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

    const nextOf = async (answer: Answer, now: number): Promise<unknown[]> => {
      if (answer.id === null) return [null, '', 0, Number(answer.due ?? 0)];
      return reader.buildNextJobResult([answer], null, now);
    };
    const finish = finishTogether<Answer>(backend, {
      isPlain,
      finish: async (jobs, now) => {
        const column = (key: keyof Completion) => jobs.map((job) => job[key]);
        const { rows } = await pool.query<Answer>({
          name: 'finish-jobs',
          text: 'select slot, code, due, (next).* from spillway_lanes.finish($1, $2, $3, $4, $5, $6, $7)',
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
