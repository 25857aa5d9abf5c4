import { bullPriority } from '../../priority';
import { COMMON } from './common';

/** In a short queue these wait in BullMQ's plain list, which costs it less than its ordered set; urgent ones go in front. */
const NORMAL = bullPriority('normal');
/** Jobs that an urgent one looks at for its place. */
const MOST_AHEAD = 200;
/** Delayed jobs that BullMQ keeps itself; it lets in up to 1,000 that are due in one script, whosever they are. */
const MOST_DELAYED = 1_000;

/**
 * What BullMQ's own `add` does, for many jobs of one queue in one script, or the job's place in its lane.
 *
 * ARGV 3: whether the queue has lanes. Each job is: id, name, data, options, timestamp, priority, delay, deduplication id,
 * its time to live in milliseconds, place. A place is empty (no lane), or the lane, or lane, ordering key, weight and cap
 * with a tab between.
 *
 * Answers the ids.
 */
export const ADD = `${COMMON}
local most = maxEvents()
local ids, added, gone, room = {}, 0, 0, 0
-- What is in the list is taken before what has a tag: it takes no more while tags wait.
if ARGV[3] == '1' and call('ZCARD', READY) == 0 and call('ZCOUNT', PRIO, '-inf', '(0') == 0 then
  room = (tonumber(call('HGET', STATE, 'window')) or WINDOW) - call('LLEN', WAIT) - call('ZCARD', PRIO)
end

local function takeHead(name, id)
  local head = call('HGET', HEADS, name)
  if head == '!' then
    -- A redriven job takes the place it had.
    if cjson.decode(call('HGET', PARKED, name)).job ~= id then return false end
    call('HDEL', PARKED, name)
  elseif head and head ~= id then
    return false
  end
  call('HSET', HEADS, name, id)
  return true
end

local function setPolicy(lane, weight, cap)
  local text = weight .. ':' .. cap
  if text == '1:' then call('HDEL', POLICY, lane)
  elseif call('HGET', POLICY, lane) ~= text then call('HSET', POLICY, lane, text) end
end

local function delayIt(id, delay, timestamp)
  local due = timestamp + delay
  local score = due * 4096
  local last = call('ZREVRANGEBYSCORE', DELAYED, score + 4095, score, 'WITHSCORES', 'LIMIT', 0, 1)
  if last[2] then score = math.min(tonumber(last[2]) + 1, score + 4095) end
  call('ZADD', DELAYED, score, id)
  call('XADD', EVENTS, 'MAXLEN', '~', most, '*', 'event', 'delayed', 'jobId', id, 'delay', due)
  local first = call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
  call('ZADD', MARKER, tonumber(first[2]) / 4096, '1')
end

-- Behind those of its class, in front of the others. The queue is short when it takes a job so, and the walk with it.
local function pushAhead(id, priority)
  local front = call('LRANGE', WAIT, -${MOST_AHEAD}, -1)
  local pivot
  for n = #front, 1, -1 do
    local other = tonumber(call('HGET', P .. front[n], 'priority')) or 0
    if other == 0 or other > priority then break end
    pivot = front[n]
  end
  if pivot then call('LINSERT', WAIT, 'BEFORE', pivot, id) else call('RPUSH', WAIT, id) end
end

local count = math.floor((#ARGV - 3) / 10)
local seq = call('INCRBY', P .. 'id', count) - count
for i = 4, #ARGV, 10 do
  seq = seq + 1
  local id, dedupe, priority, delay = ARGV[i], ARGV[i + 7], tonumber(ARGV[i + 5]), tonumber(ARGV[i + 6])
  local key, first = P .. id, nil
  if call('EXISTS', key) == 1 then
    call('XADD', EVENTS, 'MAXLEN', '~', most, '*', 'event', 'duplicated', 'jobId', id)
    first = id
  elseif dedupe ~= '' then
    local holder = P .. 'de:' .. dedupe
    if not call('SET', holder, id, 'PX', ARGV[i + 8], 'NX') then
      first = call('GET', holder)
      call('XADD', EVENTS, 'MAXLEN', '~', most, '*', 'event', 'deduplicated', 'jobId', first,
        'deduplicationId', dedupe, 'deduplicatedJobId', id)
    end
  end
  if not first then
    if dedupe ~= '' then
      call('HMSET', key, 'name', ARGV[i + 1], 'data', ARGV[i + 2], 'opts', ARGV[i + 3], 'timestamp', ARGV[i + 4],
        'delay', delay, 'priority', priority, 'deid', dedupe)
    else
      call('HMSET', key, 'name', ARGV[i + 1], 'data', ARGV[i + 2], 'opts', ARGV[i + 3], 'timestamp', ARGV[i + 4],
        'delay', delay, 'priority', priority)
    end
    call('XADD', EVENTS, '*', 'event', 'added', 'jobId', id, 'name', ARGV[i + 1])
    local lane, ordered, cap = ARGV[i + 9], nil, ''
    if string.find(lane, '\\t', 1, true) then
      local l, k, w, c = string.match(lane, '^([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)\\t(.*)$')
      lane, cap = l, c
      if k ~= '' then ordered = l .. '/' .. k end
      setPolicy(l, w, c)
    end
    if ordered and not takeHead(ordered, id) then
      spill(id)
      call('ZADD', P .. 'key:' .. ordered, seq, id)
      local head = call('HGET', HEADS, ordered)
      if head ~= '!' and not alive(head) then advance(ordered) end
      gone = gone + 1
    elseif delay > 0 and (lane == '' or (cap == '' and call('ZCARD', DELAYED) < ${MOST_DELAYED})) then
      delayIt(id, delay, tonumber(ARGV[i + 4]))
    elseif delay > 0 then
      spill(id)
      call('ZADD', DUE, tonumber(ARGV[i + 4]) + delay, id)
    elseif lane == '' or (room > 0 and cap == '') then
      if priority == 0 or (lane ~= '' and priority == ${NORMAL}) then call('LPUSH', WAIT, id)
      elseif lane ~= '' and priority < ${NORMAL} then pushAhead(id, priority)
      else call('ZADD', PRIO, priority * 4294967296 + call('INCR', P .. 'pc') % 4294967296, id) end
      call('XADD', EVENTS, 'MAXLEN', '~', most, '*', 'event', 'waiting', 'jobId', id)
      added, room = added + 1, room - 1
    elseif cap == '' and join(id, lane, priority) then
      call('XADD', EVENTS, 'MAXLEN', '~', most, '*', 'event', 'waiting', 'jobId', id)
      added = added + 1
    else
      spill(id)
      enter(id, lane, priority, seq)
      gone = gone + 1
    end
    first = id
  end
  ids[#ids + 1] = first
end
if added > 0 then mark() end
if gone > 0 then admit(gone + 16) else settle() end
return ids`;

/**
 * Lets jobs in. ARGV 3: how many at most; then what ended: id, lane, ordering key (or empty), and 1 if it succeeded.
 * Answers: let in, when the next one is due (0: none), how many lanes have jobs to give.
 */
export const PUMP = `${COMMON}
local most = tonumber(ARGV[3])
for i = 4, #ARGV, 4 do
  local id, lane, key = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if not alive(id) then
    if policyOf(lane).cap then leave(lane, id) end
    if key ~= '' then
      local name = lane .. '/' .. key
      local head = call('HGET', HEADS, name)
      if head == '!' and ARGV[i + 3] == '1' and cjson.decode(call('HGET', PARKED, name)).job == id then
        -- It was given up, its worker died before it said so, and it succeeded after all.
        call('HDEL', PARKED, name)
        advance(name)
      elseif head == id then advance(name) end
    end
  end
end
promoteDue(most)
callBack(most)
local admitted = admit(most)
local due = call('ZRANGE', DUE, 0, 0, 'WITHSCORES')
return { admitted, math.floor(tonumber(due[2]) or 0), call('ZCARD', READY) }`;

/**
 * A job that failed waits in its lane for its next attempt. ARGV: 3 id, 4 the worker's token, 5 when it is due, 6 whether
 * the attempt counts, 7 why it failed, 8 stack traces as JSON. Answers 0, or BullMQ's error code.
 */
export const RETRY_LATER = `${COMMON}
local id = ARGV[3]
local key = P .. id
if call('EXISTS', key) == 0 then return -1 end
local token = call('GET', key .. ':lock')
if token ~= ARGV[4] then return token and -6 or -2 end
if call('LREM', ACTIVE, -1, id) < 1 then return -3 end
call('DEL', key .. ':lock')
call('SREM', P .. 'stalled', id)
if ARGV[6] == '1' then call('HINCRBY', key, 'atm', 1) end
call('HSET', key, 'failedReason', ARGV[7], 'stacktrace', ARGV[8], 'delay', 0)
call('ZADD', SPILLED, now, id)
call('ZADD', DUE, tonumber(ARGV[5]), id)
event('delayed', 'jobId', id, 'delay', ARGV[5])
leave(placeOf(id).lane, id)
admit(4)
return 0`;
