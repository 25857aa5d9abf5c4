/** How jobs get into lanes and come back to them. */
export const ENTRY = `
-- Entries are those of BullMQ's add_flow, with lane, laneKey, weight and cap beside.
create or replace function spillway_lanes.add(
  p_queue text, p_entries jsonb, p_plain boolean, p_now bigint, out ids text[], out spilled boolean)
language plpgsql set search_path = bullmq as $$
declare
  v_count integer := jsonb_array_length(p_entries);
  v_known text[];
  v_native boolean := true;
  e record;
  v_head spillway_lanes.head;
  v_behind boolean;
begin
  if exists (select from jsonb_array_elements(p_entries) t where (t->>'delay')::bigint > 0) then
    v_native := (select count(*) < 1000 from (
      select from job where queue = p_queue and state = 'delayed' limit 1000) d);
  end if;
  spilled := exists (select from spillway_lanes.lane where queue = p_queue and ready);
  if p_plain and v_native and not spilled and (
    select count(*) from (select from job where queue = p_queue and state = 'waiting'
      limit coalesce((select room from spillway_lanes.state where queue = p_queue), 100)) w
    ) + v_count <= coalesce((select room from spillway_lanes.state where queue = p_queue), 100) then
    -- Not add_jobs_bulk, which makes temporary tables: every plan of every session is looked at again then.
    ids := array(select add_flow(p_entries));
    return;
  end if;

  perform spillway_lanes.lock(p_queue);
  -- As an array, so that the ids are looked up one by one and not the whole queue.
  v_known := array(select t->>'id' from jsonb_array_elements(p_entries) t);
  v_known := array(select id from job where queue = p_queue and id = any(v_known));
  ids := array(select add_flow((select jsonb_agg(
    case when t->>'lane' is null or (v_native and (t->>'delay')::bigint > 0 and t->>'laneKey' is null and t->>'cap' is null)
      then t else t || '{"addToWaitingChildren": true}' end order by ord)
    from jsonb_array_elements(p_entries) with ordinality as a (t, ord))));
  for e in
    select t->>'id' as id, t->>'lane' as lane, t->>'laneKey' as key, (t->>'weight')::double precision as weight,
      (t->>'cap')::integer as cap, (t->>'timestamp')::bigint + (t->>'delay')::bigint as due, (t->>'delay')::bigint as delay
    from jsonb_array_elements(p_entries) with ordinality as a (t, ord)
    where t->>'lane' is not null and t->>'id' = ids[ord] and not t->>'id' = any(v_known)
      and (t->>'laneKey' is not null or t->>'cap' is not null or t->>'weight' is not null or (t->>'delay')::bigint > 0)
    order by ord
  loop
    if e.weight is not null or e.cap is not null then
      insert into spillway_lanes.lane as l (queue, name, weight, cap) values (p_queue, e.lane, coalesce(e.weight, 1), e.cap)
      on conflict (queue, name) do update set weight = excluded.weight, cap = excluded.cap
      where l.weight <> excluded.weight or l.cap is distinct from excluded.cap;
    end if;
    v_behind := false;
    if e.key is not null then
      select * into v_head from spillway_lanes.head where queue = p_queue and lane = e.lane and key = e.key;
      if not found then
        insert into spillway_lanes.head (queue, lane, key, job) values (p_queue, e.lane, e.key, e.id);
      elsif v_head.job = e.id then
        -- A redriven job takes the place it had.
        update spillway_lanes.head set parked = null where queue = p_queue and lane = e.lane and key = e.key;
      else
        v_behind := true;
      end if;
    end if;
    if v_behind or e.delay > 0 then
      update job set process_at_ms = case when v_behind then -1 when e.due > p_now then e.due end
      where queue = p_queue and id = e.id and state = 'waiting-children';
    end if;
    if v_behind and v_head.parked is null and not spillway_lanes.alive(p_queue, v_head.job) then
      perform spillway_lanes.advance(p_queue, e.lane, e.key, p_now);
    end if;
  end loop;
  perform spillway_lanes.enter(p_queue, array(
    select distinct t->>'lane' from jsonb_array_elements(p_entries) t where t->>'lane' is not null));
  perform spillway_lanes.admit(p_queue, v_count + 16);
  spilled := exists (select from job where queue = p_queue and state = 'waiting-children');
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
