import { TransientError } from '@spillway/contracts';
import type { Pool, QueryResultRow } from 'pg';

export interface QuotaUse {
  tenant: string;
  quota: string;
  used: number;
}

/** What a process was given of a rate. */
export interface RateLease {
  /** Tokens; 0 when there is none now. */
  granted: number;
  /** Milliseconds until there is one, when none was granted; how late the first one is, when debt was asked for. */
  waitMs: number;
}

/**
 * The shared side of quotas: processes take what they need for a moment in one go, so that most events cost no query.
 *
 * Every method @throws TransientError `records-unavailable`
 */
export class QuotaStore {
  constructor(private readonly pool: Pool) {}

  /**
   * Takes up to `want` tokens out of a bucket that fills with `perSecond` up to `burst`.
   *
   * @param debtMs tokens that are not there yet are given too, so long ahead at most; 0: none are
   */
  async leaseRate(
    about: { tenant: string; quota: string },
    rate: { perSecond: number; burst: number },
    want: number,
    debtMs = 0,
  ): Promise<RateLease> {
    const [row] = await this.query<{ granted: number; before: number }>('quota-rate', LEASE_RATE, [
      about.tenant,
      about.quota,
      rate.perSecond,
      rate.burst,
      want,
      (debtMs / 1_000) * rate.perSecond,
    ]);
    const { granted, before } = row!;
    return { granted, waitMs: before >= 1 ? 0 : Math.ceil(((1 - before) / rate.perSecond) * 1_000) };
  }

  /** Takes up to `want` of what is left of a day. @returns how many were given */
  async leaseDay(about: { tenant: string; quota: string }, limit: number, want: number): Promise<number> {
    const [row] = await this.query<{ granted: string }>('quota-day', LEASE_DAY, [
      about.tenant,
      about.quota,
      limit,
      want,
    ]);
    return Number(row?.granted ?? 0);
  }

  /** Gives back what was taken of a day and not used. */
  async giveBack(about: { tenant: string; quota: string }, count: number): Promise<void> {
    await this.query(
      'quota-back',
      `update quota_days set used = greatest(0, used - $3)
       where tenant = $1 and quota = $2 and day = (now() at time zone 'UTC')::date`,
      [about.tenant, about.quota, count],
    );
  }

  /** Runs of a tenant that have begun and not ended; counted no further than `most`. */
  async openRuns(tenant: string, most: number): Promise<number> {
    const [row] = await this.query<{ count: string }>(
      'quota-runs',
      'select count(*) from (select from runs where tenant = $1 and ended_at is null limit $2) r',
      [tenant, most],
    );
    return Number(row!.count);
  }

  /** What was given out today. */
  async today(tenant?: string): Promise<QuotaUse[]> {
    const rows = await this.query<{ tenant: string; quota: string; used: string }>(
      'quota-today',
      `select tenant, quota, used from quota_days
       where day = (now() at time zone 'UTC')::date and ($1::text is null or tenant = $1) order by tenant, quota`,
      [tenant ?? null],
    );
    return rows.map((row) => ({ ...row, used: Number(row.used) }));
  }

  /** Days that are over for long. */
  async forgetBefore(time: Date): Promise<void> {
    await this.query('quota-forget', 'delete from quota_days where day < $1::date', [time]);
  }

  private async query<Row extends QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await this.pool.query<Row>({ name, text, values })).rows;
    } catch (cause) {
      throw new TransientError(`the quotas cannot be read: ${String(cause)}`, { code: 'records-unavailable', cause });
    }
  }
}

/**
 * A token bucket. The row is locked before the clock is read, so that two who take at the same time see each other. What
 * the last one was given is kept in the row because `returning` cannot tell what was there before.
 */
const LEASE_RATE = `
  insert into quota_rates as q (tenant, quota, level, granted)
  select $1, $2, burst - given, given
  from (select $4::float8 as burst, least($5::float8, floor($4::float8 + $6::float8)) as given) first
  on conflict (tenant, quota) do update set (level, granted, at) = (
    select before - given, given, now
    from (
      select before, now, greatest(0, least($5::float8, floor(before + $6::float8))) as given
      from (
        select now, least($4::float8, q.level + greatest(0, extract(epoch from now - q.at)) * $3::float8) as before
        from (select clock_timestamp() as now) clock
      ) filled
    ) taken
  )
  returning granted, level + granted as before`;

const LEASE_DAY = `
  insert into quota_days as q (tenant, quota, day, used, granted)
  values ($1, $2, (now() at time zone 'UTC')::date, least($3::bigint, $4::bigint), least($3::bigint, $4::bigint))
  on conflict (tenant, quota, day) do update set
    used = q.used + greatest(0, least($4::bigint, $3::bigint - q.used)),
    granted = greatest(0, least($4::bigint, $3::bigint - q.used))
  returning granted`;
