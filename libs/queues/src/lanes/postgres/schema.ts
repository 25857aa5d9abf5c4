import { AHEAD } from '../lane-store';

/**
 * Tables and functions of the lanes beside BullMQ's in PostgreSQL; made again whenever this text changes.
 *
 * As on Redis, a job waits as one with a priority, the first, with its start tag as `seq`, below all numbers of BullMQ's own; a
 * spilled job is a job of BullMQ's in the state `waiting-children`. Its lane is in its options, and where it
 * stands in `process_at_ms`: null can be let in, a time is when it is due, -1 is behind another of its ordering key. So
 * lanes are no more than indexes, and hold what BullMQ's table holds. No events are written for BullMQ's `QueueEvents` when a
 * job is added or let in: nobody here listens, and they cost as much as the job.
 *
 * All that changes lanes holds one advisory lock per queue.
 */
export const TABLES = `
create schema if not exists spillway_lanes;

create table if not exists spillway_lanes.state (
  queue text primary key, v bigint not null default 0, last bigint not null default 0,
  room integer not null default 20);

create table if not exists spillway_lanes.lane (
  queue text, name text, weight double precision not null default 1, cap integer, pass bigint not null default 0,
  ready boolean not null default false, blocked boolean not null default false, primary key (queue, name))
  with (fillfactor = 50);
create index if not exists lane_front on spillway_lanes.lane (queue, pass) where ready and not blocked;

alter table spillway_lanes.state add column if not exists ahead integer not null default ${AHEAD};
-- The policy as it was last configured.
alter table spillway_lanes.lane add column if not exists applied text;

-- Finish tags of a lane's jobs, for each class of priority. While the lane stands in line, its own \`pass\` counts.
create table if not exists spillway_lanes.pass (
  queue text, name text, pass bigint[] not null, primary key (queue, name)) with (fillfactor = 50);

-- Who holds an ordering key; when it is parked, why.
create table if not exists spillway_lanes.head (
  queue text, lane text, key text, job text not null, parked jsonb, primary key (queue, lane, key));

-- Jobs of capped lanes that are let in.
create table if not exists spillway_lanes.held (queue text, lane text, job text, primary key (queue, lane, job));

create table if not exists spillway_lanes.worker (
  queue text, id text, concurrency integer not null, void_at bigint not null, primary key (queue, id));

create index if not exists lanes_waiting on bullmq.job (queue, (coalesce(opts->>'lane', '-')), priority, seq)
  where state = 'waiting-children' and process_at_ms is null;
create index if not exists lanes_due on bullmq.job (queue, process_at_ms)
  where state = 'waiting-children' and process_at_ms > 0;
create index if not exists lanes_behind on bullmq.job (queue, (coalesce(opts->>'lane', '-')), (opts->>'laneKey'), seq)
  where state = 'waiting-children' and process_at_ms = -1;

create or replace function spillway_lanes.entries(p_entries jsonb) returns table (
  ord bigint, id text, name text, data text, opts jsonb, priority integer, delay bigint, "timestamp" bigint,
  attempts integer, "dedupId" text, lane text, "laneKey" text, weight double precision, cap integer)
language sql immutable as $$
  select ord, id, name, data, opts, priority, delay, "timestamp", attempts, "dedupId", lane, "laneKey", weight, cap
  from rows from (jsonb_to_recordset(p_entries) as (
    id text, name text, data text, opts jsonb, priority integer, delay bigint, "timestamp" bigint, attempts integer,
    "dedupId" text, lane text, "laneKey" text, weight double precision, cap integer)) with ordinality
    as e (id, name, data, opts, priority, delay, "timestamp", attempts, "dedupId", lane, "laneKey", weight, cap, ord)
$$;

create or replace function spillway_lanes.alive(p_queue text, p_id text) returns boolean language sql stable as $$
  select exists (select from bullmq.job where queue = p_queue and id = p_id and state not in ('completed', 'failed'))
$$;

create or replace function spillway_lanes.lock(p_queue text) returns void language sql as $$
  select pg_advisory_xact_lock(hashtext('spillway:lanes'), hashtext(p_queue))
$$;

-- A job that comes back has its own priority again, and its tag no more.
create or replace function spillway_lanes.come_back() returns trigger language plpgsql as $$
begin
  new.priority := coalesce((new.opts->>'priority')::integer, 0);
  new.seq := nextval('bullmq.job_seq');
  return new;
end;
$$;
create or replace trigger spillway_lanes_come_back before update of state on bullmq.job for each row
  when (old.state = 'active' and new.state in ('waiting', 'delayed') and old.seq < 0 and old.opts ? 'lane')
  execute function spillway_lanes.come_back();

-- The lane has a job to give. One that had none begins at the time it is now: nothing is saved up.
create or replace function spillway_lanes.enter(p_queue text, p_lanes text[]) returns void language sql as $$
  insert into spillway_lanes.lane as l (queue, name, ready, pass)
  select p_queue, n.name, true, greatest(s.v, p.pass[4], 0)
  from (select distinct unnest(p_lanes) as name) n left join spillway_lanes.state s on s.queue = p_queue
  left join spillway_lanes.pass p on p.queue = p_queue and p.name = n.name
  on conflict (queue, name) do update set ready = true, pass = greatest(l.pass, excluded.pass) where not l.ready
$$;

-- The next job of an ordering key becomes its head.
create or replace function spillway_lanes.advance(p_queue text, p_lane text, p_key text, p_now bigint)
returns void language plpgsql as $$
declare
  v_id text;
begin
  update bullmq.job set process_at_ms = case when added_at_ms + delay_ms > p_now then added_at_ms + delay_ms end
  where queue = p_queue and id = (
    select id from bullmq.job where queue = p_queue and state = 'waiting-children' and process_at_ms = -1
      and coalesce(opts->>'lane', '-') = p_lane and opts->>'laneKey' = p_key
    order by seq limit 1 for update)
  returning id into v_id;
  if v_id is null then
    delete from spillway_lanes.head where queue = p_queue and lane = p_lane and key = p_key;
  else
    update spillway_lanes.head set job = v_id, parked = null
    where queue = p_queue and lane = p_lane and key = p_key;
    perform spillway_lanes.enter(p_queue, array[p_lane]);
  end if;
end;
$$;
`;
