import { createHash } from 'node:crypto';
import { inTransaction } from '@spillway/persistence';
import type { Pool } from 'pg';
import type {
  Ended,
  Healed,
  LaneJob,
  LaneList,
  LanePolicy,
  LaneStore,
  LaneSummary,
  KeySummary,
  Parking,
  Pumped,
  RetryLater,
} from '../lane-store';
import { placeOptions } from '../place-options';
import { ADMISSION } from './admission';
import { ENTRY } from './entry';
import { TABLES } from './schema';
import { FINISH } from '../../postgres/finish/script';
import { UPKEEP } from './upkeep';

const SCHEMA = [TABLES, ADMISSION, ENTRY, UPKEEP, FINISH].join('\n');
const VERSION = createHash('sha256').update(SCHEMA).digest('hex').slice(0, 16);

/** Installs the lanes' tables and functions, when they are not these already. BullMQ's own must be there. */
export async function installLanes(pool: Pool): Promise<void> {
  if (await isInstalled(pool)) return;
  await inTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtext('spillway:lanes:install'))`);
    if (await isInstalled(client)) return;
    await client.query(SCHEMA);
    await client.query(`comment on schema spillway_lanes is '${VERSION}'`);
  });
}

/** Whoever empties the queues by dropping BullMQ's schema takes the lanes' indexes with it. */
async function isInstalled(db: Pick<Pool, 'query'>): Promise<boolean> {
  const { rows } = await db.query<{ version: string | null; indexed: boolean }>(
    `select obj_description(to_regnamespace('spillway_lanes')) as version,
       to_regclass('bullmq.lanes_waiting') is not null as indexed`,
  );
  return rows[0]!.version === VERSION && rows[0]!.indexed;
}

/** Lanes in PostgreSQL: functions beside BullMQ's, in its transaction. */
export class PostgresLanes implements LaneStore {
  constructor(
    private readonly pool: Pool,
    private readonly queue: string,
    private readonly ahead: number,
  ) {}

  async add(jobs: LaneJob[]): Promise<string[]> {
    const now = Date.now();
    const plain = jobs.every(({ place }) => place?.key === undefined && place?.cap === undefined);
    const values = [JSON.stringify(jobs.map((job) => entryOf(job, now))), plain, now];
    return (await this.one<{ ids: string[] }>('select spillway_lanes.add($1, $2, $3, $4) as ids', values)).ids;
  }

  async pump(ended: Ended[], most: number): Promise<Pumped> {
    const row = await this.one<{ admitted: number; ready: boolean; next_due: string | null }>(
      'select * from spillway_lanes.pump($1, $2, $3, $4)',
      [JSON.stringify(ended), most, Date.now()],
    );
    const { admitted, ready, next_due: due } = row;
    return { admitted, ready, ...(due && { nextDue: Number(due) }) };
  }

  async retryLater({ id, token, dueAt, counts, reason, stack }: RetryLater): Promise<boolean> {
    const row = await this.one<{ done: boolean }>(
      'select spillway_lanes.retry_later($1, $2, $3, $4, $5, $6, $7) as done',
      [id, token, dueAt, counts, reason, JSON.stringify(stack)],
    );
    return row.done;
  }

  async register(worker: string, concurrency: number, until: number): Promise<void> {
    await this.one('select spillway_lanes.register($1, $2, $3, $4, $5, $6)', [
      worker,
      concurrency,
      until,
      Date.now(),
      this.ahead,
    ]);
  }

  async heal(deep: boolean): Promise<Healed> {
    return this.one<Healed>('select freed, lost from spillway_lanes.heal($1, $2, $3)', [deep, Date.now()]);
  }

  async configure(policies: Map<string, LanePolicy>): Promise<void> {
    const list = [...policies].map(([lane, policy]) => ({ lane, ...policy }));
    await this.one('select spillway_lanes.configure($1, $2)', [JSON.stringify(list)]);
  }

  async park(lane: string, key: string, parking: Parking): Promise<boolean> {
    const values = [lane, key, JSON.stringify(parking)];
    return (await this.one<{ done: boolean }>('select spillway_lanes.park($1, $2, $3, $4) as done', values)).done;
  }

  async skip(lane: string, key: string): Promise<boolean> {
    const values = [lane, key, Date.now()];
    return (await this.one<{ done: boolean }>('select spillway_lanes.skip($1, $2, $3, $4) as done', values)).done;
  }

  async list(most: number, lane?: string, key?: string): Promise<LaneList> {
    const [lanes, keys, totals] = await Promise.all([
      this.pool.query<LaneSummary>(
        `select l.name as lane, count(j.id)::int as waiting, l.blocked, l.weight, l.cap,
           (select count(*)::int from spillway_lanes.held h join bullmq.job i on i.queue = h.queue and i.id = h.job
            where h.queue = l.queue and h.lane = l.name and i.state in ('waiting', 'active')) as held
         from spillway_lanes.lane l left join bullmq.job j on j.queue = l.queue and j.state = 'waiting-children'
           and j.process_at_ms is null and coalesce(j.opts->>'lane', '-') = l.name
         where l.queue = $1 and (l.ready or l.blocked or l.name = $3) and ($3::text is null or l.name = $3) group by l.queue, l.name order by waiting desc limit $2`,
        [this.queue, most, lane],
      ),
      this.pool.query<KeySummary>(
        `select h.lane, h.key, h.job as head, h.parked, (select count(*)::int from bullmq.job j
           where j.queue = h.queue and j.state = 'waiting-children' and j.process_at_ms = -1
             and coalesce(j.opts->>'lane', '-') = h.lane and j.opts->>'laneKey' = h.key) as behind
         from spillway_lanes.head h
         where h.queue = $1 and ($3::text is null or h.lane = $3) and ($4::text is null or h.key = $4)
         order by h.parked is null, h.lane, h.key limit $2`,
        [this.queue, most, lane, key],
      ),
      this.one<{ spilled: number; due: number; window: number }>(
        `select count(*)::int as spilled, (count(*) filter (where process_at_ms > 0))::int as due,
           coalesce((select room from spillway_lanes.state where queue = $1), 20) as window
         from bullmq.job where queue = $1 and state = 'waiting-children'`,
        [],
      ),
    ]);
    return {
      lanes: lanes.rows.map(({ cap, ...lane }) => ({ ...lane, ...(cap !== null && { cap }) })),
      keys: keys.rows.map(({ head, parked, ...key }) => ({ ...key, ...(parked ? { parked } : { head }) })),
      ...totals,
    };
  }

  async waiting(lane: string, most: number): Promise<number> {
    const row = await this.one<{ count: number }>(
      `select count(*)::int + coalesce((
         select greatest(0, floor((p.pass[4] - greatest(s.v, f.seq + 1125899906842624)) * coalesce(l.weight, 1) / 100000))::int
         from (select min(seq) as seq from bullmq.job where queue = $1 and state = 'waiting' and priority = 1 and seq < 0) f
         join spillway_lanes.pass p on p.queue = $1 and p.name = $2 and f.seq is not null
         left join spillway_lanes.state s on s.queue = $1
         left join spillway_lanes.lane l on l.queue = $1 and l.name = $2), 0) as count
       from (
         select from bullmq.job where queue = $1 and state = 'waiting-children' and process_at_ms is null
           and coalesce(opts->>'lane', '-') = $2 limit $3) j`,
      [lane, most],
    );
    return Math.min(most, row.count);
  }

  /** As `spillway_lanes.entries` reads it. */
  private async one<Row extends object>(text: string, values: unknown[]): Promise<Row> {
    const { rows } = await this.pool.query<Row>(text, [this.queue, ...values]);
    return rows[0]!;
  }
}

/** A job as `spillway_lanes.entries` reads it. */
export function entryOf({ name, json, opts, place }: LaneJob, now: number): object {
  const { jobId, priority = 0, delay = 0, attempts = 1, deduplication } = opts;
  return {
    id: jobId,
    name,
    data: json,
    opts: { ...opts, ...placeOptions(place) },
    priority,
    delay,
    timestamp: opts.timestamp ?? now,
    attempts,
    ...(deduplication && { dedupId: deduplication.id }),
    ...(place && { ...placeOptions(place), weight: place.weight, cap: place.cap }),
  };
}
