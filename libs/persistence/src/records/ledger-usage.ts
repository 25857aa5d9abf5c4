import type { PoolClient } from 'pg';
import { ints, texts } from '../arrays';
import type { FoldedAttempt } from './fold';

/** One thing that was used. */
export interface Use {
  tenant: string;
  /** Unix milliseconds. */
  at: number;
  /** A source, a queue or a channel. */
  source: string;
  metric: string;
}

/** What an attempt counts for: one of its queue, and, where it was a message to people, one of its channel. */
export function usageOf({ tenant, at, queue, outcome, channel, recorded }: FoldedAttempt): Use[] {
  const attempt = { tenant, at, source: queue, metric: `attempts.${outcome}` };
  if (!channel || outcome !== 'ok' || recorded) return [attempt];
  return [attempt, { tenant, at, source: channel, metric: 'messages' }];
}

/** Adds to the counts of tenants and days. The caller sees to it that nothing is counted twice. */
export async function countUsage(client: Pick<PoolClient, 'query'>, uses: Use[]): Promise<void> {
  if (uses.length === 0) return;
  const counts = byDay(uses);
  await client.query({
    name: 'ledger-usage',
    text: `insert into usage (tenant, day, source, metric, count)
      select * from unnest($1::text[], $2::text[]::date[], $3::text[], $4::text[], $5::int[])
      on conflict (tenant, day, source, metric) do update set count = usage.count + excluded.count, changed_at = now()`,
    values: [
      texts(counts.map((one) => one.tenant)),
      texts(counts.map((one) => one.day)),
      texts(counts.map((one) => one.source)),
      texts(counts.map((one) => one.metric)),
      ints(counts.map((one) => one.count)),
    ],
  });
}

/** Sorted, so that two batches lock the counts in the same order. */
function byDay(uses: Use[]): { tenant: string; day: string; source: string; metric: string; count: number }[] {
  const counts = new Map<string, { tenant: string; day: string; source: string; metric: string; count: number }>();
  for (const { tenant, at, source, metric } of uses) {
    const day = new Date(at).toISOString().slice(0, 10);
    const key = `${tenant}\0${day}\0${source}\0${metric}`;
    const known = counts.get(key) ?? { tenant, day, source, metric, count: 0 };
    known.count += 1;
    counts.set(key, known);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}
