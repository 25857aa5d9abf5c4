import type { PoolClient } from 'pg';
import { ints, jsons, texts, times, uuids } from '../arrays';
import type { Vault } from '../vault/vault';
import type { Folded } from './fold';
import { countUsage, type Use, usageOf } from './ledger-usage';

/**
 * Jobs in their last state. The first attempt of most is kept in their row; one that comes beside another's (the job was
 * added again after it was done and forgotten) goes to the attempts.
 *
 * @returns the events that have an open job among these
 */
export async function upsertJobs(client: PoolClient, { jobs, attempts }: Folded, vault: Vault): Promise<Set<string>> {
  if (jobs.length === 0) return new Set();
  const { rows } = await client.query<{ id: string; event_id: string; state: string; first_id: string | null }>({
    name: 'ledger-jobs',
    text: `insert into jobs (id, queue, tenant, event_id, route, task, target, run_id, state, created_at, state_at, error,
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
        attempts = jobs.attempts + case when jobs.first_id is null then excluded.attempts else 0 end,
        first_id = coalesce(jobs.first_id, excluded.first_id),
        first_at = coalesce(jobs.first_at, excluded.first_at),
        first_ms = coalesce(jobs.first_ms, excluded.first_ms),
        first_worker = coalesce(jobs.first_worker, excluded.first_worker),
        first_status = coalesce(jobs.first_status, excluded.first_status)
      returning id, event_id, state, first_id`,
    values: [
      texts(jobs.map((job) => job.id)),
      texts(jobs.map((job) => job.queue)),
      texts(jobs.map((job) => job.tenant)),
      uuids(jobs.map((job) => job.eventId)),
      texts(jobs.map((job) => job.route)),
      texts(jobs.map((job) => job.task)),
      ints(jobs.map((job) => job.target)),
      texts(jobs.map((job) => job.runId)),
      texts(jobs.map((job) => job.state)),
      times(jobs.map((job) => job.createdAt)),
      times(jobs.map((job) => job.stateAt)),
      jsons(jobs.map(({ tenant, id, error }) => (error ? vault.json(tenant, ['job-error', id], error) : null))),
      uuids(jobs.map((job) => job.first?.id)),
      times(jobs.map((job) => job.first?.at)),
      ints(jobs.map((job) => job.first?.durationMs)),
      texts(jobs.map((job) => job.first?.worker)),
      ints(jobs.map((job) => job.first?.response?.status)),
    ],
  });
  const firsts = new Map(rows.map((row) => [row.id, row.first_id]));
  const uses: Use[] = [];
  for (const { id, first } of jobs) {
    if (!first) continue;
    if (firsts.get(id) === first.id) uses.push(...usageOf(first));
    else attempts.push(first);
  }
  await countUsage(client, uses);
  return new Set(rows.flatMap((row) => (row.state === 'queued' ? [row.event_id] : [])));
}
