/** Letting in: the same rules as in the scripts for Redis (redis/common.ts), on sets of jobs. */
export const ADMISSION = `
create or replace function spillway_lanes.admit(p_queue text, p_most integer) returns integer language plpgsql as $$
declare
  base constant bigint := -1125899906842624;
  v_state spillway_lanes.state;
  v_waiting integer;
  v_take integer;
  v_low bigint;
  v_count integer;
  v_last bigint;
  v_front text[];
  v_changed integer;
  v_total integer := 0;
begin
  if not exists (select from spillway_lanes.lane where queue = p_queue and ready and not blocked) then return 0; end if;
  insert into spillway_lanes.state (queue) values (p_queue) on conflict do nothing;
  select * into v_state from spillway_lanes.state where queue = p_queue;
  select seq - base into v_low from bullmq.job
  where queue = p_queue and state = 'waiting' and priority = 1 and seq < 0 order by priority, seq limit 1;
  v_state.v := greatest(v_state.v, coalesce(v_low, v_state.last));
  for i in 1 .. 200 loop
    select count(*) into v_waiting
    from (select from bullmq.job where queue = p_queue and state = 'waiting' order by priority, seq limit v_state.room) w;
    v_take := least(p_most - v_total, 64);
    exit when v_take <= 0;
    with front as (
      select l.name, l.pass, greatest(1, floor(100000 / l.weight))::bigint as stride,
        case when l.cap is null then v_take else greatest(0, l.cap - (
          select count(*) from spillway_lanes.held h join bullmq.job j on j.queue = h.queue and j.id = h.job
          where h.queue = p_queue and h.lane = l.name and j.state in ('waiting', 'active'))) end as free, l.cap
      from spillway_lanes.lane l
      where l.queue = p_queue and l.ready and not l.blocked
      order by l.pass limit v_take
    ), candidate as (
      select f.name, f.stride, f.cap, j.id, f.pass + (j.n - 1) * f.stride as tag
      from front f cross join lateral (
        select id, row_number() over (order by priority, seq) as n from bullmq.job
        where queue = p_queue and state = 'waiting-children' and process_at_ms is null
          and coalesce(opts->>'lane', '-') = f.name
        order by priority, seq limit least(v_take, f.free)) j
      order by tag limit v_take
    ), allowed as materialized (
      -- There is room for the first ones; others when their lane is not too far ahead.
      select * from (select *, row_number() over (order by tag) as n from candidate) c
      where v_waiting + n <= v_state.room or tag - v_state.v < v_state.ahead * stride
    ), moved as (
      update bullmq.job j set state = 'waiting', priority = 1, seq = c.tag + base, delay_ms = 0
      from allowed c
      -- As text, so that jobs are looked up by their ids, whatever is known of how many are in this state.
      where j.queue = p_queue and j.id = c.id and j.state::text = 'waiting-children'
      returning j.id, c.name, c.tag, c.stride, c.cap
    ), charged as (
      update spillway_lanes.lane l set pass = m.pass
      from (select name, max(tag + stride) as pass from moved group by name) m
      where l.queue = p_queue and l.name = m.name
    ), noted as (
      insert into spillway_lanes.held (queue, lane, job) select p_queue, name, id from moved where cap is not null
      on conflict do nothing
    )
    select (select count(*) from moved), (select max(tag) from moved), (select array_agg(name) from front)
    into v_count, v_last, v_front;
    exit when v_front is null;
    v_total := v_total + v_count;
    v_state.last := greatest(v_state.last, v_last);
    if v_count < v_take then
      with now_ as (
        select l.name, l.cap is not null and l.cap <= (
            select count(*) from spillway_lanes.held h join bullmq.job j on j.queue = h.queue and j.id = h.job
            where h.queue = p_queue and h.lane = l.name and j.state in ('waiting', 'active')) as blocked,
          (select id from bullmq.job where queue = p_queue and state = 'waiting-children'
            and process_at_ms is null and coalesce(opts->>'lane', '-') = l.name
            order by priority, seq limit 1) is not null as ready
        from spillway_lanes.lane l where l.queue = p_queue and l.name = any(v_front)
      ), out_of_line as (
        update spillway_lanes.lane l set blocked = n.blocked, ready = n.ready from now_ n
        where l.queue = p_queue and l.name = n.name and (n.blocked or not n.ready)
        returning l.name, l.pass
      ), kept as (
        insert into spillway_lanes.pass as p (queue, name, pass)
        select p_queue, name, array[0, 0, pass, pass] from out_of_line
        on conflict (queue, name) do update set pass = p.pass[1:2] || excluded.pass[3:4]
      )
      select count(*) into v_changed from out_of_line;
      exit when v_changed = 0;
    end if;
  end loop;
  update spillway_lanes.state set v = v_state.v, last = v_state.last where queue = p_queue;
  if v_total > 0 then perform pg_notify('bullmq_jobs', p_queue); end if;
  return v_total;
end;
$$;

-- What BullMQ let in by itself (retries, timers, the last of a time without lanes) takes its place in its lane.
create or replace function spillway_lanes.call_back(p_queue text, p_most integer) returns void language plpgsql as $$
declare
  v_lanes text[];
begin
  if not exists (select from spillway_lanes.lane where queue = p_queue and ready) and not exists (
    select from bullmq.job where queue = p_queue and state = 'waiting' and priority = 1 and seq < 0) then return; end if;
  with others as (
    select id from bullmq.job where queue = p_queue and state = 'waiting' and (priority, seq) > (1, 0)
    order by priority, seq limit p_most for update skip locked
  ), moved as (
    update bullmq.job j set state = 'waiting-children', process_at_ms = null from others o
    where j.queue = p_queue and j.id = o.id
    returning j.id, coalesce(j.opts->>'lane', '-') as lane
  ), left_ as (
    delete from spillway_lanes.held h using moved m where h.queue = p_queue and h.lane = m.lane and h.job = m.id
  )
  select array_agg(lane) into v_lanes from moved;
  if v_lanes is not null then
    perform spillway_lanes.enter(p_queue, v_lanes);
    update spillway_lanes.lane set blocked = false where queue = p_queue and name = any(v_lanes) and blocked;
  end if;
end;
$$;

create or replace function spillway_lanes.promote_due(p_queue text, p_most integer, p_now bigint)
returns void language plpgsql as $$
declare
  v_lanes text[];
begin
  with due as (
    select id from bullmq.job
    where queue = p_queue and state = 'waiting-children' and process_at_ms > 0 and process_at_ms <= p_now
    order by process_at_ms limit p_most for update skip locked
  ), moved as (
    update bullmq.job j set process_at_ms = null, delay_ms = 0 from due d where j.queue = p_queue and j.id = d.id
    returning coalesce(j.opts->>'lane', '-') as lane
  )
  select array_agg(lane) into v_lanes from moved;
  if v_lanes is not null then perform spillway_lanes.enter(p_queue, v_lanes); end if;
end;
$$;

drop function if exists spillway_lanes.pump(text, jsonb, integer, bigint);
create or replace function spillway_lanes.pump(
  p_queue text, p_ended jsonb, p_most integer, p_now bigint,
  out admitted integer, out ready boolean, out next_due bigint) language plpgsql as $$
declare
  e record;
  v_head spillway_lanes.head;
begin
  perform spillway_lanes.lock(p_queue);
  -- What a crash of the server takes back of this is let in again.
  set local synchronous_commit = off;
  for e in select * from jsonb_to_recordset(p_ended) as t (id text, lane text, key text, succeeded boolean) loop
    continue when spillway_lanes.alive(p_queue, e.id);
    delete from spillway_lanes.held where queue = p_queue and lane = e.lane and job = e.id;
    if found then update spillway_lanes.lane set blocked = false where queue = p_queue and name = e.lane; end if;
    continue when e.key is null;
    select * into v_head from spillway_lanes.head where queue = p_queue and lane = e.lane and key = e.key;
    -- One that is parked by a job that succeeded was given up by a worker that died before it said so.
    if v_head.job = e.id and (v_head.parked is null or e.succeeded) then
      perform spillway_lanes.advance(p_queue, e.lane, e.key, p_now);
    end if;
  end loop;
  perform spillway_lanes.promote_due(p_queue, p_most, p_now);
  perform spillway_lanes.call_back(p_queue, p_most);
  admitted := spillway_lanes.admit(p_queue, p_most);
  ready := exists (select from spillway_lanes.lane l where l.queue = p_queue and l.ready and not l.blocked);
  next_due := (select min(process_at_ms) from bullmq.job
    where queue = p_queue and state = 'waiting-children' and process_at_ms > 0);
end;
$$;
`;
