import { messageOf, TransientError } from '@spillway/contracts';
import type { Pool, QueryResultRow } from 'pg';
import type { Rate } from '../adapter';
import type { GateState, LimitState, Opening, Passage, SharedLimits } from './shared-limits';

/** A row that nobody used for so long says nothing any more: its allowance is full again. */
const FORGET_AFTER = '1 hour';
const SWEEP_EVERY_TAKES = 5_000;
const SWEEP_ROWS = 1_000;
const LISTED_ROWS = 1_000;
/** Of two that want to probe at once, the one that comes second looks again after this, milliseconds. */
const LOOK_AGAIN_MS = 250;

/**
 * Shared limits in PostgreSQL, whichever backend the queues are on: one statement for each question, atomic by the
 * row's lock, by the server's clock read after the lock was got.
 */
export class PostgresLimits implements SharedLimits {
  private takes = 0;

  constructor(private readonly pool: Pick<Pool, 'query'>) {}

  /** @throws TransientError `records-unavailable` when PostgreSQL is away, as all methods do */
  async take(key: string, { perSecond, burst }: Rate): Promise<number> {
    this.takes += 1;
    if (this.takes % SWEEP_EVERY_TAKES === 0) void this.sweep().catch(() => undefined);
    const [row] = await this.query<{ wait_ms: number }>('limits-take', TAKE, [key, perSecond, burst]);
    return Math.ceil(row!.wait_ms);
  }

  async block(gate: string, forMs: number, reason?: string): Promise<void> {
    await this.query('limits-block', BLOCK, [gate, forMs, reason ?? null]);
  }

  async pass(gate: string, probeMs: number): Promise<Passage> {
    const [row] = await this.query<PassRow>('limits-pass', PASS, [gate, probeMs]);
    if (!row) return { go: true, probe: false };
    const reason = row.reason ?? undefined;
    if (row.blocked_ms > 0) return { go: false, why: 'blocked', waitMs: Math.ceil(row.blocked_ms), reason };
    if (row.probe) return { go: true, probe: true };
    if (row.state === 'closed') return { go: true, probe: false };
    const waitMs = row.open_ms > 0 ? Math.ceil(row.open_ms) : LOOK_AGAIN_MS;
    return { go: false, why: 'open', waitMs, reason };
  }

  async open(gate: string, { forMs, mostMs, reason }: Opening, wasProbe: boolean): Promise<void> {
    await this.query('limits-open', OPEN, [gate, forMs, mostMs, reason, wasProbe]);
  }

  async release(gate: string): Promise<void> {
    await this.query('limits-release', RELEASE, [gate]);
  }

  async close(gate: string): Promise<void> {
    await this.query('limits-close', CLOSE, [gate]);
  }

  async list(prefix = ''): Promise<{ limits: LimitState[]; gates: GateState[] }> {
    const [limits, gates] = await Promise.all([
      this.query<Record<string, string>>('limits-list', LIMITS, [prefix, LISTED_ROWS]),
      this.query<Record<string, string>>('limits-gates', GATES, [prefix, LISTED_ROWS]),
    ]);
    return { limits: limits.map(limitOf), gates: gates.map(gateOf) };
  }

  async reset(prefix: string): Promise<number> {
    const [row] = await this.query<{ count: string }>('limits-reset', RESET, [prefix]);
    return Number(row!.count);
  }

  /** The gate of this key and no other. @returns 1, or 0 where there is none */
  async resetGate(gate: string): Promise<number> {
    return (await this.query('limits-reset-gate', 'delete from adapter_gates where key = $1 returning key', [gate]))
      .length;
  }

  /** Forgets limits and gates that say nothing any more; happens by itself every few thousand takes. */
  async sweep(): Promise<void> {
    await this.query('limits-sweep', SWEEP, [FORGET_AFTER, SWEEP_ROWS]);
  }

  private async query<Row extends QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    try {
      const { rows } = await this.pool.query<Row>({ name, text, values });
      return rows;
    } catch (cause) {
      throw new TransientError(`the shared limits of the adapters cannot be reached: ${messageOf(cause)}`, {
        code: 'records-unavailable',
        remedy: 'Check that PostgreSQL is up and that DATABASE_URL reaches it.',
        cause,
      });
    }
  }
}

interface PassRow {
  state: GateState['state'];
  probe: boolean;
  blocked_ms: number;
  open_ms: number;
  reason: string | null;
}

/**
 * The generic cell rate algorithm (ITU-T I.371): a call is let through when it is at most `burst - 1` steps early.
 * The one row is locked before the clock is read, so that calls are judged in the order in which they got the lock.
 * Who is refused gets the next time that was not promised to another.
 */
const TAKE = `
  insert into adapter_limits as l (key, per_second, burst, due_at, granted)
  values ($1, $2::float8, $3::int, clock_timestamp() + make_interval(secs => 1 / $2::float8), 1)
  on conflict (key) do update set
    (per_second, burst, due_at, promised_until, wait_ms, granted, refused, changed_at) = (
      select $2::float8, $3::int,
        case when go then greatest(l.due_at, now) + step else l.due_at end,
        case when go then l.promised_until else slot + step end,
        case when go then 0 else extract(epoch from slot - now) * 1000 end,
        l.granted + go::int, l.refused + (not go)::int, now
      from (
        select now, step, free_at <= now as go, greatest(l.promised_until, free_at) as slot
        from (
          select now, step, l.due_at - step * ($3::int - 1) as free_at
          from (select clock_timestamp() as now, make_interval(secs => 1 / $2::float8) as step) clock
        ) freed
      ) judged
    )
  returning wait_ms`;

const MS = (number: string) => `${number}::float8 * interval '1 millisecond'`;
const LEFT = (time: string) =>
  `greatest(0, extract(epoch from nullif(${time}, '-infinity') - clock_timestamp()) * 1000)::float8`;

const BLOCK = `
  insert into adapter_gates as g (key, blocked_until, reason) values ($1, clock_timestamp() + ${MS('$2')}, $3)
  on conflict (key) do update set
    blocked_until = greatest(g.blocked_until, excluded.blocked_until),
    reason = coalesce(excluded.reason, g.reason), changed_at = clock_timestamp()`;

/** Whoever comes first after the time is over becomes the probe; the others see it and wait. */
const PASS = `
  with probing as (
    update adapter_gates set state = 'half-open', probe_until = clock_timestamp() + ${MS('$2')}, changed_at = clock_timestamp()
    where key = $1 and state <> 'closed' and greatest(open_until, probe_until, blocked_until) <= clock_timestamp()
    returning key
  )
  select g.state, exists (select from probing) as probe, g.reason,
    coalesce(${LEFT('g.blocked_until')}, 0) as blocked_ms,
    coalesce(${LEFT('greatest(g.open_until, g.probe_until)')}, 0) as open_ms
  from adapter_gates g where g.key = $1`;

const OPEN = `
  insert into adapter_gates as g (key, state, open_until, openings, reason)
  values ($1, 'open', clock_timestamp() + ${MS('least($2::float8, $3::float8)')}, 1, $4)
  on conflict (key) do update set
    state = 'open', openings = g.openings + 1, reason = excluded.reason, probe_until = '-infinity',
    open_until = clock_timestamp() + ${MS('least($3::float8, $2::float8 * power(2, least(g.openings, 30)))')},
    changed_at = clock_timestamp()
  where g.state = 'closed' or $5`;

const RELEASE = `
  update adapter_gates set probe_until = '-infinity', changed_at = clock_timestamp()
  where key = $1 and state = 'half-open'`;

const CLOSE = `
  update adapter_gates set state = 'closed', openings = 0, reason = null, open_until = '-infinity',
    probe_until = '-infinity', changed_at = clock_timestamp()
  where key = $1 and state <> 'closed'`;

const LIMITS = `
  select key, per_second, burst, granted, refused,
    ${LEFT('due_at - make_interval(secs => (burst - 1) / per_second)')} as wait_ms
  from adapter_limits where starts_with(key, $1) order by key limit $2`;

const GATES = `
  select key, state, openings, reason, coalesce(${LEFT('blocked_until')}, 0) as blocked_ms,
    coalesce(${LEFT('greatest(open_until, probe_until)')}, 0) as open_ms
  from adapter_gates where starts_with(key, $1) order by key limit $2`;

const RESET = `
  with limits as (delete from adapter_limits where starts_with(key, $1) returning 1),
    gates as (delete from adapter_gates where starts_with(key, $1) returning 1)
  select (select count(*) from limits) + (select count(*) from gates) as count`;

const SWEEP = `
  with limits as (
    delete from adapter_limits where key in (
      select key from adapter_limits where changed_at < clock_timestamp() - $1::interval
        and greatest(due_at, promised_until) < clock_timestamp() limit $2)
  )
  delete from adapter_gates where key in (
    select key from adapter_gates where changed_at < clock_timestamp() - $1::interval
      and state = 'closed' and blocked_until < clock_timestamp() limit $2)`;

function limitOf(row: Record<string, string>): LimitState {
  return {
    key: row['key']!,
    perSecond: Number(row['per_second']),
    burst: Number(row['burst']),
    waitMs: Math.ceil(Number(row['wait_ms'])),
    granted: Number(row['granted']),
    refused: Number(row['refused']),
  };
}

function gateOf(row: Record<string, string>): GateState {
  return {
    key: row['key']!,
    state: row['state'] as GateState['state'],
    blockedMs: Math.ceil(Number(row['blocked_ms'])),
    openMs: Math.ceil(Number(row['open_ms'])),
    openings: Number(row['openings']),
    reason: row['reason'] ?? undefined,
  };
}
