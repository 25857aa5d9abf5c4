/** Jobs are fetched until their data, as it is stored, is so large; bytes. The rest is fetched one by one. */
const MOST_BYTES = 2_000_000;

/**
 * Finishes completed jobs of a worker and fetches the next ones in their places: what BullMQ's `move_to_completed_fetch` does
 * for one job, for many at once. A place without a job (its id is empty) only fetches one, as `move_to_active` does. What it leaves
 * in the tables is the same, but for the order of what happens in one instant.
 *
 * Returns nothing, and has done nothing, where something is not plain: a parent, children, a job that waits behind a deduplication
 * id, limits of the queue. Otherwise a row for each job: `code` as BullMQ has them (-1 missing, -3 not active, -6 lock lost), 1
 * where there is a next job that is to be fetched alone; `due` when the next delayed one is, where none was fetched.
 *
 * Rows are locked in the order of ids, so that two batches cannot wait for each other.
 */
export const FINISH = `
create or replace function spillway_lanes.finish(
  p_queue text, p_ids text[], p_tokens text[], p_values text[], p_now bigint, p_lock_ms bigint, p_name text)
returns table (slot integer, code integer, due bigint, next bullmq.job)
language plpgsql set search_path = bullmq as $$
declare
  v_codes integer[];
  v_slots bigint[];
  v_ended bigint[];
  v_is_odd boolean;
  v_is_paused boolean;
begin
  perform pg_advisory_xact_lock_shared(hashtext('bullmq:finalization'), hashtext(p_queue));
  select coalesce(bool_or(field <> 'paused'), false), coalesce(bool_or(field = 'paused' and value = '1'), false)
  into v_is_odd, v_is_paused
  from meta where queue = p_queue and field in ('concurrency', 'max', 'paused');
  if v_is_odd then return; end if;

  with found as materialized (
    select j.id, j.state, j.lock_token, j.parent_id, nullif(j.dedup_id, '') as dedup_id from job j
    where j.queue = p_queue and j.id = any(p_ids) order by j.id for update
  )
  select
    array_agg(case when g.id = '' then 0 when f.id is null then -1 when f.state <> 'active' then -3
      when f.lock_token is distinct from g.token then -6 else 0 end order by g.n),
    bool_or(f.parent_id is not null
      or exists (select from job_dependency d where d.parent_queue = p_queue and d.parent_id = f.id)
      or f.dedup_id is not null and (
        exists (select from dedup_next d where d.queue = p_queue and d.dedup_id = f.dedup_id)
        or exists (select from dedup d where d.queue = p_queue and d.dedup_id = f.dedup_id
          and (d.expire_at_ms is null or d.expire_at_ms <= p_now))))
  into v_codes, v_is_odd
  from unnest(p_ids, p_tokens) with ordinality as g (id, token, n) left join found f on f.id = g.id;
  if v_is_odd then return; end if;
  select array_agg(n order by n), array_agg(n order by n) filter (where p_ids[n] <> '') into v_slots, v_ended
  from unnest(v_codes) with ordinality as c (code, n) where c.code = 0;

  if v_ended is not null then
    update job j set state = 'completed', return_value = g.value::jsonb, finished_at_ms = p_now, lock_token = null,
      locked_until_ms = null, attempts_made = j.attempts_made + 1
    from unnest(p_ids, p_values, v_codes) as g (id, value, code)
    where g.code = 0 and j.queue = p_queue and j.id = g.id;

    insert into event (queue, event, data, created_at_ms)
    select p_queue, 'completed',
      jsonb_build_object('jobId', p_ids[n], 'returnvalue', p_values[n]::jsonb::text, 'prev', 'active'), p_now
    from unnest(v_ended) as n order by n;
    if not exists (select from job where queue = p_queue and state = 'active')
      and (v_is_paused or not exists (select from job where queue = p_queue and state = 'waiting')) then
      insert into event (queue, event, data, created_at_ms) values (p_queue, 'drained', '{}', p_now);
    end if;
  end if;

  if v_slots is not null then
    with promoted as (
      update job set state = 'waiting', delay_ms = 0
      where queue = p_queue and state = 'delayed' and process_at_ms <= p_now returning id
    )
    insert into event (queue, event, data, created_at_ms)
    select p_queue, 'waiting', jsonb_build_object('jobId', id, 'prev', 'delayed'), p_now from promoted;
  end if;

  return query
  with picked as (
    select w.id, row_number() over (order by w.priority, w.seq) as k,
      sum(w.bytes) over (order by w.priority, w.seq) - w.bytes as before
    from (
      select id, priority, seq, pg_column_size(data) as bytes from job
      where queue = p_queue and state = 'waiting' and not v_is_paused
      order by priority, seq limit coalesce(cardinality(v_slots), 0) for update skip locked) w
  ), taken as (
    update job j set state = 'active', lock_token = p_tokens[v_slots[p.k]], locked_until_ms = p_now + p_lock_ms,
      processed_at_ms = p_now, processed_by = p_name, attempts_started = j.attempts_started + 1
    from picked p where j.queue = p_queue and j.id = p.id and p.before < ${MOST_BYTES}
    returning p.k, j as job
  ), told as (
    insert into event (queue, event, data, created_at_ms)
    select p_queue, 'active', jsonb_build_object('jobId', (job).id, 'prev', 'waiting'), p_now from taken order by k
  )
  select c.n::integer, case when p.id is not null and t.k is null then 1 else c.code end,
    case when c.code = 0 and t.k is null then
      (select min(process_at_ms) from job where queue = p_queue and state = 'delayed') end,
    t.job
  from unnest(v_codes) with ordinality as c (code, n)
  left join picked p on v_slots[p.k] = c.n left join taken t on t.k = p.k
  order by c.n;
  if v_ended is not null and pg_try_advisory_xact_lock(hashtext('bullmq:evnotify:' || p_queue)) then
    perform pg_notify('bullmq_events', p_queue);
  end if;
end;
$$;
`;
