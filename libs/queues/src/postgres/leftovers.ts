import type { Pool } from 'pg';

/** After so many completed jobs of a queue it is tidied up. */
const EVERY = 500;
/** Rows of one statement. */
const MOST_ROWS = 5_000;
/** Entries of BullMQ's stream of events that stay, of all queues together. */
const KEEP_EVENTS = 10_000;

/**
 * Lets go of what finished jobs leave behind, many at a time: old completed jobs, and BullMQ's stream of events. BullMQ's
 * own `removeOnComplete: { count }` looks at all jobs that are kept each time that one completes, and each of its adds
 * looks for old events: on PostgreSQL that took nine tenths of the time of a job.
 */
export class Leftovers {
  private completed = 0;

  /** @param keep completed jobs that stay, per queue; up to {@link EVERY} more for each process that works on it */
  constructor(
    private readonly pool: Pool,
    private readonly queue: string,
    private readonly keep: number,
  ) {}

  /** Tells of a job that completed. */
  count(): void {
    this.completed += 1;
    // What fails now is made up for the next time.
    if (this.completed % EVERY === 0) void this.remove().catch(() => undefined);
  }

  /** @throws what the database says */
  private async remove(): Promise<void> {
    await this.pool.query({
      name: 'remove-completed',
      text: `delete from job where queue = $1 and id in (
               select id from job
                where queue = $1 and state = 'completed' and finished_at_ms < (
                  select finished_at_ms from job where queue = $1 and state = 'completed'
                   order by finished_at_ms desc offset $2 limit 1)
                order by finished_at_ms limit ${MOST_ROWS} for update skip locked)`,
      values: [this.queue, this.keep],
    });
    await this.pool.query({
      name: 'remove-events',
      text: `delete from event where queue = $1 and id <= (select last_value from event_seq) - ${KEEP_EVENTS}`,
      values: [this.queue],
    });
  }
}

/** Events of queues that nothing works on, such as the dead letters'. @throws what the database says */
export async function removeOldEvents(pool: Pool): Promise<void> {
  await pool.query(`delete from event where id <= (select last_value from event_seq) - ${KEEP_EVENTS}`);
}
