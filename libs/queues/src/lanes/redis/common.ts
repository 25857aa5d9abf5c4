import { TAGS } from './tags';

/**
 * What the lane scripts share. All keys of a queue's lanes begin with the queue's own prefix, so that they are in the
 * same hash slot of a cluster.
 *
 * A job waits in BullMQ's `prioritized` set with its start tag as the score, below all scores of BullMQ's own: those in
 * front are those whose lane has had least. It gets its tag when it is added, if nothing holds it back: then a lane costs
 * no more than the tag. Else it spills: a spilled job is a job of BullMQ's in the state `waiting-children` (which nothing
 * else here uses): its hash is there, so it is found, removed, counted and deduplicated like any other. To be let in is to
 * be taken out of that set, so nothing is let in twice.
 *
 * Keys: `lanes:ready` lane → start tag of its next spilled job; `lanes:pass` lane → finish tags (see `tags.ts`);
 * `lanes:blocked` lanes at their cap; `lanes:policy` lane → `weight:cap`, `lanes:applied` the same as it was last
 * configured; `lanes:due` id → time; `lanes:heads` ordering key → id of the job that holds it, `!` when parked;
 * `lanes:parked` ordering key → why; `lane:L` id → class and sequence; `lane:L:held` ids of a capped lane; `key:K` ids
 * behind the head of an ordering key → sequence.
 *
 * ARGV: 1 the queue's prefix, 2 the time.
 */
export const COMMON = `
local call = redis.call
local P, now = ARGV[1], tonumber(ARGV[2])
local META, WAIT, PRIO, ACTIVE, DELAYED = P .. 'meta', P .. 'wait', P .. 'prioritized', P .. 'active', P .. 'delayed'
local EVENTS, MARKER, SPILLED = P .. 'events', P .. 'marker', P .. 'waiting-children'
local READY, PASS, STATE, POLICY = P .. 'lanes:ready', P .. 'lanes:pass', P .. 'lanes:state', P .. 'lanes:policy'
local BLOCKED, DUE, HEADS, PARKED = P .. 'lanes:blocked', P .. 'lanes:due', P .. 'lanes:heads', P .. 'lanes:parked'
local APPLIED = P .. 'lanes:applied'
-- Start tags count up from here: all are below 0, and whole numbers of a double.
local BASE = -1125899906842624
local STRIDE, CLASS, EARLIER = 100000, 17592186044416, 8796093022208
local WINDOW = 20

local function maxEvents()
  local most = call('HGET', META, 'opts.maxLenEvents')
  if not most then
    most = 10000
    call('HSET', META, 'opts.maxLenEvents', most)
  end
  return most
end

local function event(...)
  call('XADD', EVENTS, 'MAXLEN', '~', 10000, '*', 'event', ...)
end

local function mark()
  local limits = call('HMGET', META, 'paused', 'concurrency')
  local stopped = limits[1] or (limits[2] and call('LLEN', ACTIVE) >= tonumber(limits[2]))
  if not stopped then call('ZADD', MARKER, 0, '0') end
end

local policies = {}
local function policyOf(lane)
  local policy = policies[lane]
  if not policy then
    local text = call('HGET', POLICY, lane)
    local weight, cap = string.match(text or '1:', '([^:]*):(.*)')
    policy = { stride = math.floor(STRIDE / tonumber(weight)), cap = tonumber(cap) }
    policies[lane] = policy
  end
  return policy
end

local function placeOf(id)
  local found = call('HMGET', P .. id, 'opts', 'priority', 'delay', 'timestamp')
  if not found[1] then return nil end
  local opts = cjson.decode(found[1])
  local delay = tonumber(found[3]) or 0
  local due = 0
  if delay > 0 then due = tonumber(found[4]) + delay end
  return { lane = opts.lane or '-', key = opts.laneKey, class = tonumber(found[2]) or 0, due = due }
end

local function alive(id)
  local found = call('HMGET', P .. id, 'name', 'finishedOn')
  return found[1] and not found[2]
end

${TAGS}
-- What waits holds no slot: a job of the same id may have died before it gave back its own.
local function enter(id, lane, class, seq)
  if policyOf(lane).cap and call('SREM', P .. 'lane:' .. lane .. ':held', id) == 1 then call('SREM', BLOCKED, lane) end
  call('ZADD', P .. 'lane:' .. lane, class * CLASS + seq, id)
  local first = spilledClass[lane]
  if first ~= nil then spilledClass[lane] = math.min(first or class, class) end
  line(lane)
end

local function spill(id)
  call('ZADD', SPILLED, now, id)
end

-- The next job of an ordering key becomes its head.
local function advance(name)
  while true do
    local next = call('ZPOPMIN', P .. 'key:' .. name)
    local id = next[1]
    if not id then
      call('HDEL', HEADS, name)
      return
    end
    if call('ZSCORE', SPILLED, id) then
      local place = placeOf(id)
      call('HSET', HEADS, name, id)
      if place.due > now then call('ZADD', DUE, place.due, id)
      else enter(id, place.lane, place.class, tonumber(next[2])) end
      return
    end
  end
end

local function leave(lane, id)
  call('SREM', P .. 'lane:' .. lane .. ':held', id)
  if call('SREM', BLOCKED, lane) == 1 and call('EXISTS', P .. 'lane:' .. lane) == 1 then line(lane) end
end

local function promoteDue(most)
  local due = call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, most)
  for _, id in ipairs(due) do
    call('ZREM', DUE, id)
    local place = call('ZSCORE', SPILLED, id) and placeOf(id)
    if place then
      call('HSET', P .. id, 'delay', 0)
      enter(id, place.lane, place.class, now - EARLIER)
    end
  end
end

-- What BullMQ let in by itself (retries, timers, the last of a time without lanes) takes its place in its lane.
local function callBack(most)
  if call('ZCARD', READY) == 0 then
    local first = call('ZRANGE', PRIO, 0, 0, 'WITHSCORES')
    if not first[2] or tonumber(first[2]) >= 0 then return end
  end
  local others = call('ZRANGEBYSCORE', PRIO, 0, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  for i = 1, #others, 2 do
    local id = others[i]
    local place = placeOf(id)
    if place and not join(id, place.lane, place.class) then
      call('ZREM', PRIO, id)
      call('ZADD', SPILLED, now, id)
      leave(place.lane, id)
      enter(id, place.lane, place.class, tonumber(others[i + 1]) % 4294967296 - EARLIER)
    end
  end
end

-- Lets spilled jobs in while there is room, from the lane that has had least for its weight.
local function admit(most)
  local admitted = 0
  local waiting
  while admitted < most do
    local lanes = call('ZRANGE', READY, 0, 0, 'WITHSCORES')
    local lane, tag = lanes[1], tonumber(lanes[2])
    if not lane then break end
    waiting = waiting or call('LLEN', WAIT) + call('ZCARD', PRIO)
    local policy = policyOf(lane)
    if waiting >= time().window and tag - clock.v >= clock.ahead * policy.stride then break end
    local held = P .. 'lane:' .. lane .. ':held'
    local next = {}
    if policy.cap and call('SCARD', held) >= policy.cap then
      call('SADD', BLOCKED, lane)
    else
      next = call('ZPOPMIN', P .. 'lane:' .. lane)
      spilledClass[lane] = nil
    end
    local id = next[1]
    if not id then
      call('ZREM', READY, lane)
      leaveLine(lane, tag)
    elseif call('ZREM', SPILLED, id) == 1 then
      call('ZADD', READY, tag + policy.stride, lane)
      if policy.cap then call('SADD', held, id) end
      put(id, tag)
      event('waiting', 'jobId', id, 'prev', 'waiting-children')
      admitted, waiting = admitted + 1, waiting + 1
    end
  end
  settle()
  if admitted > 0 then mark() end
  return admitted
end
`;
