import type { Pool } from 'pg';

/** After so many jobs of a queue the oldest completed ones go. */
const TRIM_EVERY = 500;
/** Rows of one statement. */
const MOST_ROWS = 5_000;

/**
 * Lets go of old completed jobs, many at a time. BullMQ's own `removeOnComplete: { count }` looks at all that are kept
 * each time that one job completes: on PostgreSQL that took nine tenths of the time of a job.
 */
export class CompletedJobs {
  private completed = 0;

  /** @param keep jobs that stay, per queue; up to {@link TRIM_EVERY} more for each process that works on it */
  constructor(
    private readonly pool: Pool,
    private readonly queue: string,
    private readonly keep: number,
  ) {}

  /** Tells of a job that completed. */
  count(): void {
    this.completed += 1;
    // What fails now is made up for the next time.
    if (this.completed % TRIM_EVERY === 0) void this.trim().catch(() => undefined);
  }

  /** @throws what the database says */
  async trim(): Promise<void> {
    await this.pool.query({
      name: 'trim-completed',
      text: `delete from job where queue = $1 and id in (
               select id from job
                where queue = $1 and state = 'completed' and finished_at_ms < (
                  select finished_at_ms from job where queue = $1 and state = 'completed'
                   order by finished_at_ms desc offset $2 limit 1)
                order by finished_at_ms limit ${MOST_ROWS} for update skip locked)`,
      values: [this.queue, this.keep],
    });
  }
}
