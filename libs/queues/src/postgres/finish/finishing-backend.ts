import { batched } from '@spillway/persistence';
import { type createPostgresBackend, type MinimalJob, type WorkerOptions } from 'bullmq';
import type { Pool } from 'pg';

/** A job that completed. */
interface Completion {
  id: string;
  token: string;
  /** The result as JSON. */
  value: string;
}

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

/** Jobs, and characters of their results, that one statement takes: others wait for its rows meanwhile. */
const MOST_JOBS = 50;
const MOST_CHARACTERS = 500_000;
/** Statements of a worker under way at once. */
const PARALLEL = 2;
/** There is a next job, too large to come with the others. */
const ALONE = 1;

/**
 * BullMQ's backend for a worker on PostgreSQL, except that completions that come together go together: one statement finishes
 * them and fetches the next jobs. What is not plain (see {@link FINISH}), and all else, BullMQ does itself.
 */
export function finishingBackend(pool: Pool, create: typeof createPostgresBackend): typeof createPostgresBackend {
  return (name, options, how) => {
    const backend = create(name, options, how);
    const { lockDuration, metrics, limiter, removeOnComplete: general, name: worker = null } = options as WorkerOptions;
    if (lockDuration === undefined || metrics?.maxDataPoints || limiter || general) return backend;

    const finish = batched(
      async (jobs: Completion[]) => {
        const now = Date.now();
        const column = (key: keyof Completion) => jobs.map((job) => job[key]);
        const { rows } = await pool.query<Answer>({
          name: 'finish-jobs',
          text: 'select slot, code, due, (next).* from spillway_lanes.finish($1, $2, $3, $4, $5, $6, $7)',
          values: [name, column('id'), column('token'), column('value'), now, lockDuration, worker],
        });
        return jobs.map((_, index) => ({ answer: rows[index], now }));
      },
      {
        most: MOST_JOBS,
        weigh: ({ value }: Completion) => value.length,
        mostWeight: MOST_CHARACTERS,
        parallel: PARALLEL,
        // One result may be no JSON for PostgreSQL; after another error the worker tries again itself.
        apart: (error) => /^22/.test((error as { code?: string }).code ?? ''),
      },
    );

    const reader = backend as unknown as Reader;
    const finishAlone = backend.moveToCompleted.bind(backend);
    backend.moveToCompleted = async (job, returnValue, removeOnComplete, token, fetchNext) => {
      const alone = () => finishAlone(job, returnValue, removeOnComplete, token, fetchNext);
      if (!fetchNext || backend.closing || token === '0' || !isPlain(job, removeOnComplete)) return alone();
      const id = job.id!;
      const { answer, now } = await finish({ id, token, value: JSON.stringify(returnValue) ?? 'null' });
      if (!answer) return alone();
      if (answer.code < 0) {
        reader.mapFinishError({ code: 'BM001', detail: String(answer.code) }, id, 'moveToFinished');
      }
      const next = async () => {
        if (answer.code === ALONE) return backend.moveToActive(token, worker ?? undefined);
        if (answer.id === null) return [null, '', 0, Number(answer.due ?? 0)];
        return reader.buildNextJobResult([answer], null, now);
      };
      return { result: await next(), finishedOn: now };
    };
    return backend;
  };
}

function isPlain(job: MinimalJob, removeOnComplete: unknown): boolean {
  return !job.parent && !job.parentKey && !removeOnComplete;
}
