/** How jobs get into the queue or their lanes, and come back to them. */
export const ENTRY = `
-- Jobs that find the queue short: in the order in which they come, behind all that have a tag, urgent ones a bit earlier.
create or replace function spillway_lanes.add_short(p_queue text, p_entries jsonb, p_gone text[])
returns void language sql as $$
  insert into bullmq.job (queue, id, seq, name, state, data, opts, priority, delay_ms, max_attempts, added_at_ms,
    process_at_ms, dedup_id)
  select p_queue, e.id,
    case when e.delay > 0 then nextval('bullmq.job_seq') else
      -1125899906842624 + coalesce(greatest(s.v, s.last), 0)
        + least(greatest(e.priority, 1), 4) * 65536 + nextval('bullmq.job_seq') % 65536 end,
    e.name, case when e.delay > 0 then 'delayed' else 'waiting' end::bullmq.job_state, e.data::jsonb, e.opts,
    case when e.delay > 0 then e.priority else 1 end, e.delay, e.attempts, e.timestamp,
    case when e.delay > 0 then e.timestamp + e.delay end, e."dedupId"
  from spillway_lanes.entries(p_entries) e left join spillway_lanes.state s on s.queue = p_queue
  where not e.id = any(p_gone)
  order by e.ord
  on conflict (queue, id) do nothing
$$;

-- Gives jobs their tags, lane by lane (see redis/tags.ts), and answers which; the others are to spill.
create or replace function spillway_lanes.join_queue(p_queue text, p_entries jsonb, p_gone text[])
returns text[] language plpgsql as $$
declare
  base constant bigint := -1125899906842624;
  v_state spillway_lanes.state;
  v_front bigint;
  v_top bigint;
  v_joined text[];
begin
  insert into spillway_lanes.state (queue) values (p_queue) on conflict do nothing;
  select * into v_state from spillway_lanes.state where queue = p_queue;
  select seq - base into v_front from bullmq.job
  where queue = p_queue and state = 'waiting' and priority = 1 and seq < 0 order by priority, seq limit 1;
  v_state.v := greatest(v_state.v, coalesce(v_front, v_state.last));
  with added as (
    select * from spillway_lanes.entries(p_entries) where not id = any(p_gone) and lane is not null
  ), head as (
    -- The first job of an ordering key that nobody holds.
    insert into spillway_lanes.head (queue, lane, key, job)
    select distinct on (lane, "laneKey") p_queue, lane, "laneKey", id from added where "laneKey" is not null
    order by lane, "laneKey", ord
    on conflict do nothing returning job
  ), candidate as (
    select e.*, least(greatest(e.priority, 1), 4) as class,
      greatest(1, floor(100000 / coalesce(e.weight, l.weight, 1)))::bigint as stride,
      coalesce(p.pass, '{0,0,0,0}') as pass, coalesce(l.ready, false) as ready
    from added e
    left join spillway_lanes.lane l on l.queue = p_queue and l.name = e.lane
    left join spillway_lanes.pass p on p.queue = p_queue and p.name = e.lane
    where e.delay = 0 and e.cap is null and l.cap is null
      and (e."laneKey" is null or e.id in (select job from head))
      and (l.ready is not true or least(greatest(e.priority, 1), 4) < (
        select j.priority from bullmq.job j
        where j.queue = p_queue and j.state = 'waiting-children' and j.process_at_ms is null
          and coalesce(j.opts->>'lane', '-') = e.lane
        order by j.priority, j.seq limit 1))
  ), placed as (
    select c.*, greatest(v_state.v, c.pass[c.class])
      + (row_number() over (partition by c.lane order by c.class, c.ord) - 1) * c.stride as tag
    from candidate c
  ), joined as (
    select * from placed where tag - v_state.v < v_state.ahead * stride
  ), inserted as (
    insert into bullmq.job (queue, id, seq, name, state, data, opts, priority, delay_ms, max_attempts, added_at_ms, dedup_id)
    select p_queue, id, tag + base, name, 'waiting', data::jsonb, opts, 1, 0, attempts, timestamp, "dedupId" from joined
    on conflict (queue, id) do nothing
  ), counted as (
    select lane, max(stride) as stride, max(pass) as pass, bool_or(ready) as ready,
      array[count(*) filter (where class = 1), count(*) filter (where class <= 2), count(*) filter (where class <= 3),
        count(*)] as n
    from joined group by lane
  ), charged as (
    insert into spillway_lanes.pass as p (queue, name, pass)
    select p_queue, c.lane, array(
      select case when c.n[i] > 0 then greatest(v_state.v, c.pass[i]) + c.n[i] * c.stride else c.pass[i] end
      from generate_series(1, 4) i)
    from counted c
    on conflict (queue, name) do update set pass = excluded.pass
  ), pushed as (
    update spillway_lanes.lane l set pass = l.pass + c.n[4] * c.stride
    from counted c where l.queue = p_queue and l.name = c.lane and c.ready
  )
  select array_agg(id), max(tag) into v_joined, v_top from joined;
  update spillway_lanes.state set v = v_state.v, last = greatest(v_state.last, v_top) where queue = p_queue;
  return coalesce(v_joined, '{}');
end;
$$;

-- Jobs of a queue without lanes, as BullMQ's \`add_jobs_bulk\` stores them, which makes two tables each time.
create or replace function spillway_lanes.store(p_queue text, p_entries jsonb) returns void language sql as $$
  insert into bullmq.job (queue, id, seq, name, state, data, opts, priority, delay_ms, max_attempts, added_at_ms,
    process_at_ms)
  select p_queue, e.id, nextval('bullmq.job_seq'), e.name,
    case when e.delay > 0 then 'delayed' else 'waiting' end::bullmq.job_state, e.data::jsonb, e.opts, e.priority, e.delay,
    e.attempts, e.timestamp, case when e.delay > 0 then e.timestamp + e.delay end
  from spillway_lanes.entries(p_entries) e order by e.ord
  on conflict (queue, id) do nothing;
  select pg_notify('bullmq_jobs', p_queue);
$$;

drop function if exists spillway_lanes.add(text, jsonb, boolean, bigint);
create or replace function spillway_lanes.add(
  p_queue text, p_entries jsonb, p_plain boolean, p_now bigint, out ids text[])
language plpgsql set search_path = bullmq as $$
declare
  v_count integer := jsonb_array_length(p_entries);
  v_room integer;
  v_gone text[] := '{}';
  v_fresh text[] := '{}';
  v_delayed boolean;
  v_deduplicated integer;
  v_keys integer[];
  v_joined text[];
  v_native boolean := true;
  e record;
  v_winner text;
  v_head spillway_lanes.head;
  v_behind boolean;
begin
  -- To read the entries is a good part of all this, so they are read as seldom as may be.
  select array_agg(id order by ord), bool_or(delay > 0), count(*) filter (where "dedupId" <> ''),
    array_agg(distinct hashtext('bullmq:dedup:' || p_queue || ':' || "dedupId")) filter (where "dedupId" is not null)
  into ids, v_delayed, v_deduplicated, v_keys
  from spillway_lanes.entries(p_entries);
  -- In one order, so that two calls cannot wait for each other.
  perform pg_advisory_xact_lock(key) from (select key from unnest(v_keys) as key order by 1) l;
  -- The first of their ids in one statement, as BullMQ would keep them one by one; it sees to the others.
  if v_deduplicated > 0 then
    with fresh as (
      insert into dedup (queue, dedup_id, job_id, expire_at_ms)
      select p_queue, "dedupId", id, case when d.ttl > 0 and d.keep is not true then timestamp + d.ttl end
      from spillway_lanes.entries(p_entries) cross join lateral (
        select nullif(opts->'deduplication'->>'ttl', '')::bigint as ttl,
          (opts->'deduplication'->>'keepLastIfActive')::boolean as keep) d
      where "dedupId" <> '' order by ord
      on conflict do nothing returning job_id
    )
    select coalesce(array_agg(job_id), '{}') into v_fresh from fresh;
  end if;
  if v_deduplicated > cardinality(v_fresh) then
    for e in
      select * from spillway_lanes.entries(p_entries) where "dedupId" <> '' and not id = any(v_fresh) order by ord
    loop
      v_winner := deduplicate_job(p_queue, e.opts->'deduplication', e.id, e.timestamp, e.name, '{}', e.opts);
      if v_winner is not null then
        ids[e.ord] := v_winner;
        v_gone := v_gone || e.id;
      end if;
    end loop;
  end if;

  if v_delayed then
    v_native := (select count(*) < 1000 from (
      select from job where queue = p_queue and state = 'delayed' order by process_at_ms limit 1000) d);
  end if;
  v_room := coalesce((select room from spillway_lanes.state where queue = p_queue), 20);
  if p_plain and v_native and not exists (select from spillway_lanes.lane where queue = p_queue and ready) and v_count + (
    -- In order, so that the index is used: most of the table may be in another state.
    select count(*) from (
      select from job where queue = p_queue and state = 'waiting' order by priority, seq limit v_room) w) <= v_room then
    perform spillway_lanes.add_short(p_queue, p_entries, v_gone);
    perform pg_notify('bullmq_jobs', p_queue);
    return;
  end if;

  perform spillway_lanes.lock(p_queue);
  -- As an array, so that the ids are looked up one by one and not the whole queue.
  v_gone := v_gone || array(select id from job where queue = p_queue and id = any(ids));
  v_joined := spillway_lanes.join_queue(p_queue, p_entries, v_gone);
  if cardinality(v_joined) > 0 then perform pg_notify('bullmq_jobs', p_queue); end if;

  v_gone := v_gone || v_joined;
  -- Not by their number: among these is also who stands for a duplicate.
  if not exists (select from spillway_lanes.entries(p_entries) where not id = any(v_gone)) then return; end if;
  insert into job (queue, id, seq, name, state, data, opts, priority, delay_ms, max_attempts, added_at_ms, process_at_ms,
    dedup_id)
  select p_queue, t.id, nextval('job_seq'), t.name, s.state, t.data::jsonb, t.opts, t.priority, t.delay, t.attempts,
    t.timestamp, case when s.state = 'delayed' then t.timestamp + t.delay end, t."dedupId"
  from spillway_lanes.entries(p_entries) t cross join lateral (select case
    when t.delay > 0 and (t.lane is null or (v_native and t."laneKey" is null and t.cap is null)) then 'delayed'
    when t.lane is null then 'waiting' else 'waiting-children' end::job_state as state) s
  where not t.id = any(v_gone) order by t.ord
  on conflict (queue, id) do nothing;
  for e in
    select *, timestamp + delay as due from spillway_lanes.entries(p_entries)
    where lane is not null and not id = any(v_gone)
      and ("laneKey" is not null or cap is not null or weight is not null or delay > 0)
    order by ord
  loop
    if e.weight is not null or e.cap is not null then
      insert into spillway_lanes.lane as l (queue, name, weight, cap) values (p_queue, e.lane, coalesce(e.weight, 1), e.cap)
      on conflict (queue, name) do update set weight = excluded.weight, cap = excluded.cap
      where l.weight <> excluded.weight or l.cap is distinct from excluded.cap;
    end if;
    v_behind := false;
    if e."laneKey" is not null then
      select * into v_head from spillway_lanes.head where queue = p_queue and lane = e.lane and key = e."laneKey";
      if not found then
        insert into spillway_lanes.head (queue, lane, key, job) values (p_queue, e.lane, e."laneKey", e.id);
      elsif v_head.job = e.id then
        -- A redriven job takes the place it had; one that was just made head has it.
        update spillway_lanes.head set parked = null where queue = p_queue and lane = e.lane and key = e."laneKey";
      else
        v_behind := true;
      end if;
    end if;
    if v_behind or e.delay > 0 then
      update job set process_at_ms = case when v_behind then -1 when e.due > p_now then e.due end
      where queue = p_queue and id = e.id and state::text = 'waiting-children';
    end if;
    if v_behind and v_head.parked is null and not spillway_lanes.alive(p_queue, v_head.job) then
      perform spillway_lanes.advance(p_queue, e.lane, e."laneKey", p_now);
    end if;
  end loop;
  perform spillway_lanes.enter(p_queue, array(
    select distinct lane from spillway_lanes.entries(p_entries) where lane is not null and not id = any(v_gone)));
  perform spillway_lanes.admit(p_queue, v_count + 16);
  perform pg_notify('bullmq_jobs', p_queue);
end;
$$;

-- A job that failed waits in its lane for its next attempt. Answers whether it still was this worker's.
create or replace function spillway_lanes.retry_later(
  p_queue text, p_id text, p_token text, p_due bigint, p_counts boolean, p_reason text, p_stack jsonb)
returns boolean language plpgsql as $$
declare
  v_lane text;
begin
  perform spillway_lanes.lock(p_queue);
  update bullmq.job set state = 'waiting-children', process_at_ms = p_due, failed_reason = p_reason, stacktrace = p_stack,
    lock_token = null, locked_until_ms = null, attempts_made = attempts_made + p_counts::integer,
    priority = coalesce((opts->>'priority')::integer, 0)
  where queue = p_queue and id = p_id and state = 'active' and lock_token = p_token
  returning coalesce(opts->>'lane', '-') into v_lane;
  if v_lane is null then return false; end if;
  delete from spillway_lanes.held where queue = p_queue and lane = v_lane and job = p_id;
  update spillway_lanes.lane set blocked = false where queue = p_queue and name = v_lane and blocked;
  perform spillway_lanes.admit(p_queue, 4);
  return true;
end;
$$;
`;
