/** Jobs are fetched until their data, as it is stored, is so large; bytes. The rest is fetched one by one. */
const MOST_BYTES = 2_000_000;

/**
 * Finishes completed jobs of a worker and fetches the next ones in their places: what BullMQ's `move_to_completed_fetch` does
 * for one job, for many at once. A place without a job (its id is empty) only fetches one, as `move_to_active` does. What it leaves
 * in the tables is the same, but for the order of what happens in one instant.
 *
 * Returns nothing, and has done nothing, where something is not plain: a parent, children, a job that waits behind a deduplication
 * id, limits of the queue. Otherwise a row for each job: `code` as BullMQ has them (-1 missing, -3 not active, -6 lock lost), 1
 * where there is a next job that is to be fetched alone; `due` when the next delayed one is, where none was fetched; and what a
 * worker needs of the job that was (`jobOf` reads it): `more` is what few jobs have.
 *
 * Rows are locked in the order of ids, so that two batches cannot wait for each other. A statement that has nothing to do is left
 * out, since preparing one that writes into the jobs with their many indexes costs as much as several jobs; no statement is
 * planned anew for how many jobs there are this time. Jobs are never joined with a list, but looked up by `id = any(…)`: all of a
 * table's rows change within seconds, and PostgreSQL, which believes that a queue has hardly any, would read it whole.
 */
export const FINISH = `
create or replace function spillway_lanes.finish_and_fetch(
  p_queue text, p_ids text[], p_tokens text[], p_values text[], p_now bigint, p_lock_ms bigint, p_name text)
returns table (code integer, due bigint, id text, name text, data text, opts jsonb, priority integer,
  added_at_ms bigint, delay_ms bigint, attempts_made integer, attempts_started integer, stalled_count integer, dedup_id text,
  more jsonb)
language plpgsql set search_path = bullmq set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_codes integer[] := array_fill(0, array[cardinality(p_ids)]);
  v_slots bigint[];
  v_ended bigint[];
  v_ids text[];
  v_count integer;
  v_is_odd boolean;
  v_is_paused boolean;
  v_is_waiting boolean;
begin
  perform pg_advisory_xact_lock_shared(hashtext('bullmq:finalization'), hashtext(p_queue));
  select coalesce(bool_or(field <> 'paused'), false), coalesce(bool_or(field = 'paused' and value = '1'), false)
  into v_is_odd, v_is_paused
  from meta where queue = p_queue and field in ('concurrency', 'max', 'paused');
  if v_is_odd then return; end if;

  if array_remove(p_ids, '') <> '{}' then
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
  end if;
  select array_agg(n order by n), array_agg(n order by n) filter (where p_ids[n] <> '') into v_slots, v_ended
  from unnest(v_codes) with ordinality as c (code, n) where c.code = 0;

  if v_ended is not null then
    update job set state = 'completed', return_value = p_values[array_position(p_ids, id)]::jsonb, finished_at_ms = p_now,
      lock_token = null, locked_until_ms = null, attempts_made = attempts_made + 1
    where queue = p_queue and id = any(array(select p_ids[n] from unnest(v_ended) as n));

    insert into event (queue, event, data, created_at_ms)
    select p_queue, 'completed',
      jsonb_build_object('jobId', p_ids[n], 'returnvalue', p_values[n]::jsonb::text, 'prev', 'active'), p_now
    from unnest(v_ended) as n order by n;
    if pg_try_advisory_xact_lock(hashtext('bullmq:evnotify:' || p_queue)) then
      perform pg_notify('bullmq_events', p_queue);
    end if;
  end if;

  v_is_waiting := exists (select from job where queue = p_queue and state = 'waiting');
  if v_ended is not null and (v_is_paused or not v_is_waiting)
    and not exists (select from job where queue = p_queue and state = 'active') then
    insert into event (queue, event, data, created_at_ms) values (p_queue, 'drained', '{}', p_now);
  end if;

  if v_slots is not null
    and exists (select from job where queue = p_queue and state = 'delayed' and process_at_ms <= p_now) then
    with promoted as (
      update job set state = 'waiting', delay_ms = 0
      where queue = p_queue and state = 'delayed' and process_at_ms <= p_now returning id
    )
    insert into event (queue, event, data, created_at_ms)
    select p_queue, 'waiting', jsonb_build_object('jobId', id, 'prev', 'delayed'), p_now from promoted;
    v_is_waiting := true;
  end if;

  if v_slots is null or v_is_paused or not v_is_waiting then
    return query
    select c.code, case when c.code = 0 then d.due end, null, null, null, null::jsonb, null::integer, null::bigint,
      null::bigint, null::integer, null::integer, null::integer, null, null::jsonb
    from unnest(v_codes) with ordinality as c (code, n)
    cross join (select min(process_at_ms) as due from job where queue = p_queue and state = 'delayed') d
    order by c.n;
    return;
  end if;

  select array_agg(w.id order by w.k), count(*) filter (where w.before < ${MOST_BYTES}) into v_ids, v_count
  from (
    select id, row_number() over (order by priority, seq) as k, sum(bytes) over (order by priority, seq) - bytes as before
    from (
      select id, priority, seq, pg_column_size(data) as bytes from job
      where queue = p_queue and state = 'waiting'
      order by priority, seq limit cardinality(v_slots) for update skip locked) l) w;

  return query
  with taken as (
    update job j set state = 'active', lock_token = p_tokens[v_slots[array_position(v_ids, j.id)]],
      locked_until_ms = p_now + p_lock_ms, processed_at_ms = p_now, processed_by = p_name,
      attempts_started = j.attempts_started + 1
    where j.queue = p_queue and j.id = any(v_ids[:v_count])
    returning array_position(v_ids, j.id) as k, j.id, j.name, j.data::text, j.opts, j.priority, j.added_at_ms, j.delay_ms, j.attempts_made,
      j.attempts_started, j.stalled_count, j.dedup_id,
      case when num_nonnulls(j.progress, j.failed_reason, j.stacktrace, j.return_value, j.finished_at_ms, j.deferred_failure,
        j.parent_id, j.parent_key, j.scheduler_id) > 0
      then jsonb_build_object('progress', j.progress, 'failedReason', j.failed_reason, 'stacktrace', j.stacktrace,
        'returnValue', j.return_value, 'finishedOn', j.finished_at_ms, 'deferredFailure', j.deferred_failure,
        'parentQueue', j.parent_queue, 'parentId', j.parent_id, 'parentKey', j.parent_key, 'schedulerId', j.scheduler_id)
      end as more
  ), told as (
    insert into event (queue, event, data, created_at_ms)
    select p_queue, 'active', jsonb_build_object('jobId', id, 'prev', 'waiting'), p_now from taken order by k
  )
  select case when t.k is null and v_ids[array_position(v_slots, c.n)] is not null then 1 else c.code end,
    case when c.code = 0 and t.k is null then
      (select min(process_at_ms) from job where queue = p_queue and state = 'delayed') end,
    t.id, t.name, t.data, t.opts, t.priority, t.added_at_ms, t.delay_ms, t.attempts_made, t.attempts_started,
    t.stalled_count, t.dedup_id, t.more
  from unnest(v_codes) with ordinality as c (code, n)
  left join taken t on v_slots[t.k] = c.n
  order by c.n;
end;
$$;
`;
