/** What workers, operators and the reconciler ask of the lanes. */
export const UPKEEP = `
drop function if exists spillway_lanes.register(text, text, integer, bigint, bigint);
create or replace function spillway_lanes.register(
  p_queue text, p_worker text, p_concurrency integer, p_void_at bigint, p_now bigint, p_ahead integer)
returns void language plpgsql as $$
declare
  v_sum integer;
begin
  delete from spillway_lanes.worker where queue = p_queue and (void_at < p_now or (id = p_worker and p_concurrency = 0));
  if p_concurrency > 0 then
    insert into spillway_lanes.worker (queue, id, concurrency, void_at)
    values (p_queue, p_worker, p_concurrency, p_void_at)
    on conflict (queue, id) do update set concurrency = excluded.concurrency, void_at = excluded.void_at;
  end if;
  v_sum := (select sum(concurrency) from spillway_lanes.worker where queue = p_queue);
  insert into spillway_lanes.state as s (queue, room, ahead) values (p_queue, coalesce(greatest(4, 2 * v_sum), 20), p_ahead)
  on conflict (queue) do update set room = excluded.room, ahead = excluded.ahead
  where s.room <> excluded.room or s.ahead <> excluded.ahead;
end;
$$;

-- Steps from one lane to the next in the index, however many jobs each has.
create or replace function spillway_lanes.lanes_with_jobs(p_queue text) returns setof text language sql stable as $$
  with recursive step as (
    (select coalesce(opts->>'lane', '-') as lane from bullmq.job
     where queue = p_queue and state = 'waiting-children' and process_at_ms is null
     order by queue, coalesce(opts->>'lane', '-') limit 1)
    union all
    select (select coalesce(opts->>'lane', '-') from bullmq.job
      where queue = p_queue and state = 'waiting-children' and process_at_ms is null
        and coalesce(opts->>'lane', '-') > step.lane
      order by queue, coalesce(opts->>'lane', '-') limit 1)
    from step where step.lane is not null
  )
  select lane from step where lane is not null
$$;

create or replace function spillway_lanes.keys_with_jobs(p_queue text) returns table (lane text, key text)
language sql stable as $$
  with recursive step as (
    (select coalesce(opts->>'lane', '-') as lane, opts->>'laneKey' as key from bullmq.job
     where queue = p_queue and state = 'waiting-children' and process_at_ms = -1
     order by queue, coalesce(opts->>'lane', '-'), opts->>'laneKey' limit 1)
    union all
    select next.lane, next.key from step cross join lateral (
      select coalesce(opts->>'lane', '-') as lane, opts->>'laneKey' as key from bullmq.job
      where queue = p_queue and state = 'waiting-children' and process_at_ms = -1
        and (coalesce(opts->>'lane', '-'), opts->>'laneKey') > (step.lane, step.key)
      order by queue, coalesce(opts->>'lane', '-'), opts->>'laneKey' limit 1) next
  )
  select * from step
$$;

create or replace function spillway_lanes.heal(
  p_queue text, p_deep boolean, p_now bigint, out freed integer, out lost integer) language plpgsql as $$
declare
  h record;
  v_lanes text[];
begin
  perform spillway_lanes.lock(p_queue);
  freed := 0;
  lost := 0;
  for h in select lane, key from spillway_lanes.head t
    where queue = p_queue and parked is null and not spillway_lanes.alive(p_queue, job) loop
    perform spillway_lanes.advance(p_queue, h.lane, h.key, p_now);
    freed := freed + 1;
  end loop;
  with gone as (
    delete from spillway_lanes.held t where queue = p_queue and not exists (
      select from bullmq.job j where j.queue = p_queue and j.id = t.job and j.state in ('waiting', 'active'))
    returning 1)
  select freed + count(*) into freed from gone;
  update spillway_lanes.lane set blocked = false where queue = p_queue and blocked;
  if p_deep then
    v_lanes := array(select lane from spillway_lanes.lanes_with_jobs(p_queue) as lane
      except select name from spillway_lanes.lane where queue = p_queue and ready);
    perform spillway_lanes.enter(p_queue, v_lanes);
    for h in select lane, key from spillway_lanes.keys_with_jobs(p_queue)
      except select lane, key from spillway_lanes.head where queue = p_queue loop
      insert into spillway_lanes.head (queue, lane, key, job) values (p_queue, h.lane, h.key, '');
      perform spillway_lanes.advance(p_queue, h.lane, h.key, p_now);
      lost := lost + 1;
    end loop;
    lost := lost + cardinality(v_lanes);
    -- Nothing waits: what lanes had in a time of plenty is forgotten.
    if (select seq from bullmq.job where queue = p_queue and state = 'waiting-children' order by seq limit 1) is null and not exists (
      select from bullmq.job where queue = p_queue and state = 'waiting' and priority = 1 and seq < 0) then
      delete from spillway_lanes.pass where queue = p_queue;
      delete from spillway_lanes.lane where queue = p_queue and weight = 1 and cap is null and applied is null;
      update spillway_lanes.lane set pass = 0, ready = false where queue = p_queue;
      update spillway_lanes.state set v = 0, last = 0 where queue = p_queue;
    end if;
  end if;
  perform spillway_lanes.admit(p_queue, 64);
end;
$$;

create or replace function spillway_lanes.configure(p_queue text, p_policies jsonb) returns void language plpgsql as $$
declare
  v_changed text[];
begin
  perform spillway_lanes.lock(p_queue);
  insert into spillway_lanes.lane (queue, name, weight, cap)
  select p_queue, lane, weight, cap
  from jsonb_to_recordset(p_policies) as t (lane text, weight double precision, cap integer)
  on conflict (queue, name) do update set weight = excluded.weight, cap = excluded.cap, blocked = false;
  update spillway_lanes.lane set weight = 1, cap = null, blocked = false
  where queue = p_queue and (weight <> 1 or cap is not null)
    and name not in (select lane from jsonb_to_recordset(p_policies) as t (lane text));
  delete from spillway_lanes.held h using spillway_lanes.lane l
  where h.queue = p_queue and l.queue = p_queue and l.name = h.lane and l.cap is null;
  -- Jobs that wait with a tag of the old policy go back to their lane, and get another. A job may have brought a policy
  -- before it came here: what counts is what was applied here before.
  with known as (
    select name, case when weight <> 1 or cap is not null then weight || ':' || coalesce(cap::text, '') end as policy
    from spillway_lanes.lane where queue = p_queue
  ), changed as (
    update spillway_lanes.lane l set applied = k.policy from known k
    where l.queue = p_queue and l.name = k.name and l.applied is distinct from k.policy returning l.name
  )
  select array_agg(name) into v_changed from changed;
  if v_changed is not null then
    delete from spillway_lanes.pass where queue = p_queue and name = any(v_changed);
    with recalled as (
      update bullmq.job set state = 'waiting-children', priority = coalesce((opts->>'priority')::integer, 0)
      where queue = p_queue and state = 'waiting' and priority = 1 and seq < 0
        and coalesce(opts->>'lane', '-') = any(v_changed)
      returning coalesce(opts->>'lane', '-') as lane
    )
    select array_agg(distinct lane) into v_changed from recalled;
    if v_changed is not null then perform spillway_lanes.enter(p_queue, v_changed); end if;
  end if;
  perform spillway_lanes.admit(p_queue, 64);
end;
$$;

create or replace function spillway_lanes.park(p_queue text, p_lane text, p_key text, p_parking jsonb)
returns boolean language plpgsql as $$
begin
  perform spillway_lanes.lock(p_queue);
  insert into spillway_lanes.head as h (queue, lane, key, job, parked)
  values (p_queue, p_lane, p_key, p_parking->>'job', p_parking)
  on conflict (queue, lane, key) do update set parked = excluded.parked where h.job = excluded.job;
  return found;
end;
$$;

create or replace function spillway_lanes.skip(p_queue text, p_lane text, p_key text, p_now bigint)
returns boolean language plpgsql as $$
begin
  perform spillway_lanes.lock(p_queue);
  if not exists (select from spillway_lanes.head
    where queue = p_queue and lane = p_lane and key = p_key and parked is not null) then return false; end if;
  perform spillway_lanes.advance(p_queue, p_lane, p_key, p_now);
  perform spillway_lanes.admit(p_queue, 16);
  return true;
end;
$$;
`;
