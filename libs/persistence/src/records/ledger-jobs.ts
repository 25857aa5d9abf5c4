import type { PoolClient } from 'pg';
import type { Folded, FoldedAttempt } from './fold';

/** @returns the events that have an open job among these */
export async function upsertJobs(client: PoolClient, { jobs, attempts }: Folded): Promise<Set<string>> {
  if (jobs.length === 0) return new Set();
  await tellFirstsApart(client, jobs, attempts);
  const usage = countByDay(jobs.flatMap((job) => job.first ?? []));
  const { rows } = await client.query<{ event_id: string }>({
    name: 'ledger-jobs',
    text: `with counted as (
          insert into usage (tenant, day, source, metric, count)
          select tenant, day, queue, 'attempts.ok', n
          from unnest($18::text[], $19::date[], $20::text[], $21::int[]) as t (tenant, day, queue, n)
          on conflict (tenant, day, source, metric) do update set count = usage.count + excluded.count
        ), written as (
        insert into jobs (id, queue, tenant, event_id, route, task, target, run_id, state, created_at, state_at, error,
          first_id, first_at, first_ms, first_worker, first_status, attempts)
        select *, case when first_id is null then 0 else 1 end
        from unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::int[], $8::text[],
          $9::text[], $10::timestamptz[], $11::timestamptz[], $12::json[], $13::uuid[], $14::timestamptz[], $15::int[],
          $16::text[], $17::int[])
          as t (id, queue, tenant, event_id, route, task, target, run_id, state, created_at, state_at, error,
            first_id, first_at, first_ms, first_worker, first_status)
        on conflict (id) do update set
          route = coalesce(nullif(excluded.route, ''), jobs.route),
          task = coalesce(nullif(excluded.task, ''), jobs.task),
          target = greatest(excluded.target, jobs.target),
          run_id = coalesce(excluded.run_id, jobs.run_id),
          created_at = least(excluded.created_at, jobs.created_at),
          state = case when jobs.state_at < excluded.state_at then excluded.state else jobs.state end,
          error = case when jobs.state_at < excluded.state_at then excluded.error else jobs.error end,
          state_at = greatest(jobs.state_at, excluded.state_at),
          attempts = jobs.attempts + excluded.attempts,
          first_id = coalesce(jobs.first_id, excluded.first_id),
          first_at = coalesce(jobs.first_at, excluded.first_at),
          first_ms = coalesce(jobs.first_ms, excluded.first_ms),
          first_worker = coalesce(jobs.first_worker, excluded.first_worker),
          first_status = coalesce(jobs.first_status, excluded.first_status)
        returning event_id, state
        )
        select event_id from written where state = 'queued'`,
    values: [
      jobs.map((job) => job.id),
      jobs.map((job) => job.queue),
      jobs.map((job) => job.tenant),
      jobs.map((job) => job.eventId),
      jobs.map((job) => job.route),
      jobs.map((job) => job.task),
      jobs.map((job) => job.target),
      jobs.map((job) => job.runId),
      jobs.map((job) => job.state),
      jobs.map((job) => new Date(job.createdAt)),
      jobs.map((job) => new Date(job.stateAt)),
      jobs.map((job) => (job.error ? JSON.stringify(job.error) : null)),
      jobs.map((job) => job.first?.id ?? null),
      jobs.map((job) => (job.first ? new Date(job.first.at) : null)),
      jobs.map((job) => job.first?.durationMs ?? null),
      jobs.map((job) => job.first?.worker ?? null),
      jobs.map((job) => job.first?.response?.status ?? null),
      usage.map((one) => one.tenant),
      usage.map((one) => one.day),
      usage.map((one) => one.queue),
      usage.map((one) => one.count),
    ],
  });
  return new Set(rows.map((row) => row.event_id));
}

/**
 * A first attempt that is in its job's row already counts no more; one beside another's (the job was added again after it
 * was done and forgotten) goes to the attempts.
 */
async function tellFirstsApart(client: PoolClient, jobs: Folded['jobs'], attempts: FoldedAttempt[]): Promise<void> {
  const withFirst = jobs.filter((job) => job.first);
  if (withFirst.length === 0) return;
  const { rows } = await client.query<{ id: string; first_id: string }>({
    name: 'ledger-firsts',
    text: 'select id, first_id from jobs where id = any($1::text[]) and first_id is not null',
    values: [withFirst.map((job) => job.id)],
  });
  const known = new Map(rows.map((row) => [row.id, row.first_id]));
  for (const job of withFirst) {
    const there = known.get(job.id);
    if (there === undefined) continue;
    if (there !== job.first!.id) attempts.push(job.first!);
    job.first = undefined;
  }
}

/** Sorted, so that two batches lock the counts in the same order. */
function countByDay(attempts: FoldedAttempt[]): { tenant: string; day: string; queue: string; count: number }[] {
  const counts = new Map<string, { tenant: string; day: string; queue: string; count: number }>();
  for (const { tenant, at, queue } of attempts) {
    const day = new Date(at).toISOString().slice(0, 10);
    const key = `${tenant}\0${day}\0${queue}`;
    const known = counts.get(key) ?? { tenant, day, queue, count: 0 };
    known.count += 1;
    counts.set(key, known);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}
