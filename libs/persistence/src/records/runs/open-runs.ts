import type { Pool } from 'pg';

/** Pages of the table that are looked at; with more, the counts are estimates from a sample of them. */
const MOST_PAGES = 2_000;

/** Runs that have not ended, by status. Costs the same however many runs there are. */
export async function countOpenRuns(pool: Pool): Promise<Map<string, number>> {
  const { rows: sizes } = await pool.query<{ pages: string }>(
    `select pg_relation_size('runs') / current_setting('block_size')::int as pages`,
  );
  const percent = Math.min(100, (MOST_PAGES / Math.max(1, Number(sizes[0]!.pages))) * 100);
  const sample = percent < 100 ? `tablesample system (${percent.toFixed(4)})` : '';
  const { rows } = await pool.query<{ status: string; count: string }>(
    `select status, count(*) from runs ${sample} where ended_at is null group by status`,
  );
  return new Map(rows.map(({ status, count }) => [status, Math.round((Number(count) * 100) / percent)]));
}
