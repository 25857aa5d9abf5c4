import { COMMON } from './common';

/** Jobs let in by a change of policies; pumps let in the others. */
const MOST_ADMITTED = 64;

/**
 * Says that a worker lives. ARGV: 3 its id, 4 its concurrency (0: it leaves), 5 when its word is void, 6 `AHEAD`.
 * Answers the window.
 */
export const REGISTER = `${COMMON}
local WORKERS = P .. 'lanes:workers'
if ARGV[4] == '0' then call('HDEL', WORKERS, ARGV[3])
else call('HSET', WORKERS, ARGV[3], ARGV[4] .. ':' .. ARGV[5]) end
local all, sum = call('HGETALL', WORKERS), 0
for i = 1, #all, 2 do
  local concurrency, void = string.match(all[i + 1], '(.*):(.*)')
  if tonumber(void) < now then call('HDEL', WORKERS, all[i]) else sum = sum + tonumber(concurrency) end
end
local window = WINDOW
if sum > 0 then window = math.max(4, 2 * sum) end
call('HSET', STATE, 'window', window, 'ahead', ARGV[6])
return window`;

/**
 * Looks at what is held and frees what nobody holds any more; one page of it.
 * ARGV: 3 cursor of the ordering keys, 4 cursor of the spilled jobs; '' leaves them.
 * Answers both cursors, how many slots were freed, and how many spilled jobs were in no lane.
 */
export const HEAL = `${COMMON}
local freed, lost, next, spilled = 0, 0, '', ''
local page = { '', {} }
if ARGV[3] ~= '' then page = call('HSCAN', HEADS, ARGV[3], 'COUNT', 200) end
next = page[1]
for i = 1, #page[2], 2 do
  local name, head = page[2][i], page[2][i + 1]
  if head ~= '!' and not alive(head) then
    advance(name)
    freed = freed + 1
  end
end
if ARGV[3] == '0' then
  local known = call('HGETALL', POLICY)
  for i = 1, #known, 2 do
    if not string.match(known[i + 1], ':$') then
      for _, id in ipairs(call('SMEMBERS', P .. 'lane:' .. known[i] .. ':held')) do
        if not alive(id) then
          leave(known[i], id)
          freed = freed + 1
        end
      end
    end
  end
  for _, lane in ipairs(call('SMEMBERS', BLOCKED)) do
    call('SREM', BLOCKED, lane)
    if call('EXISTS', P .. 'lane:' .. lane) == 1 then line(lane) end
  end
  -- Nothing waits: what lanes had in a time of plenty is forgotten.
  if call('ZCARD', READY) == 0 and call('ZCARD', SPILLED) == 0 and call('ZCOUNT', PRIO, '-inf', '(0') == 0 then
    call('DEL', PASS)
    call('HDEL', STATE, 'v', 'last')
    clock, passes = nil, {}
  end
end
if ARGV[4] ~= '' then
  local ids = call('ZSCAN', SPILLED, ARGV[4], 'COUNT', 200)
  spilled = ids[1]
  for i = 1, #ids[2], 2 do
    local id = ids[2][i]
    local place = placeOf(id)
    if not place then
      call('ZREM', SPILLED, id)
    else
      local name = place.key and place.lane .. '/' .. place.key
      local known = call('ZSCORE', DUE, id) or call('ZSCORE', P .. 'lane:' .. place.lane, id)
        or (name and call('ZSCORE', P .. 'key:' .. name, id))
      if not known then
        if name and call('HGET', HEADS, name) ~= id then
          call('ZADD', P .. 'key:' .. name, 0, id)
          if call('HGET', HEADS, name) == false then advance(name) end
        else enter(id, place.lane, place.class, now - EARLIER) end
        lost = lost + 1
      end
    end
  end
end
admit(64)
return { next, spilled, freed, lost }`;

/** Jobs that one change of policies looks at. */
const MOST_RECALLED = 20_000;

/**
 * Brings the policies of lanes to what tenants configured. ARGV from 3: lane, `weight:cap`; others have the default.
 * Jobs that wait with a tag of the old policy go back to their lane, and get another.
 */
export const CONFIGURE = `${COMMON}
local wanted, changed, any = {}, {}, false
for i = 3, #ARGV, 2 do wanted[ARGV[i]] = ARGV[i + 1] end
local known = call('HGETALL', POLICY)
for i = 1, #known, 2 do
  if not wanted[known[i]] then call('HDEL', POLICY, known[i]) end
  if not wanted[known[i]] or string.match(wanted[known[i]], ':$') then call('DEL', P .. 'lane:' .. known[i] .. ':held') end
end
for lane, text in pairs(wanted) do call('HSET', POLICY, lane, text) end

-- A job may have brought a policy before it came here: what counts is what was applied here before.
local applied = call('HGETALL', APPLIED)
for i = 1, #applied, 2 do
  if not wanted[applied[i]] then
    call('HDEL', APPLIED, applied[i])
    changed[applied[i]], any = true, true
  end
end
for lane, text in pairs(wanted) do
  if call('HGET', APPLIED, lane) ~= text then
    call('HSET', APPLIED, lane, text)
    changed[lane], any = true, true
  end
end
if any then
  for lane in pairs(changed) do call('HDEL', PASS, lane) end
  for i, id in ipairs(call('ZRANGEBYSCORE', PRIO, '-inf', '(0', 'LIMIT', 0, ${MOST_RECALLED})) do
    local opts = call('HGET', P .. id, 'opts')
    local lane = opts and string.match(opts, '"lane":"([^"]*)"')
    if lane and changed[lane] then
      call('ZREM', PRIO, id)
      spill(id)
      enter(id, lane, placeOf(id).class, i - EARLIER)
    end
  end
end

for _, lane in ipairs(call('SMEMBERS', BLOCKED)) do
  call('SREM', BLOCKED, lane)
  if call('EXISTS', P .. 'lane:' .. lane) == 1 then line(lane) end
end
return admit(${MOST_ADMITTED})`;

/** ARGV: 3 ordering key, 4 id of the job that is given up, 5 why, as JSON. Answers whether the lane is parked by it. */
export const PARK = `${COMMON}
local head = call('HGET', HEADS, ARGV[3])
if head and head ~= ARGV[4] then return 0 end
call('HSET', HEADS, ARGV[3], '!')
call('HSET', PARKED, ARGV[3], ARGV[5])
return 1`;

/** ARGV: 3 ordering key. Lets a parked lane go on with its next job; answers whether it was parked. */
export const SKIP = `${COMMON}
if call('HGET', HEADS, ARGV[3]) ~= '!' then return 0 end
call('HDEL', PARKED, ARGV[3])
advance(ARGV[3])
admit(16)
return 1`;

/**
 * What lanes there are. ARGV: 3 how many at most, 4 only this lane, 5 only this ordering key.
 * Answers lanes as `[name, spilled, held, blocked, policy]`, ordering keys as `[name, head, behind, why it is parked]`.
 */
export const LIST = `${COMMON}
local most, only, seen, lanes, keys = tonumber(ARGV[3]), ARGV[4], {}, {}, {}
local function add(lane)
  if seen[lane] or #lanes >= most or (only ~= '' and only ~= lane) then return end
  seen[lane] = true
  lanes[#lanes + 1] = { lane, call('ZCARD', P .. 'lane:' .. lane), call('SCARD', P .. 'lane:' .. lane .. ':held'),
    call('SISMEMBER', BLOCKED, lane), call('HGET', POLICY, lane) or '1:' }
end
local function addKey(name, head)
  if #keys >= most or (only ~= '' and string.sub(name, 1, #only + 1) ~= only .. '/') then return end
  local parked = head == '!' and call('HGET', PARKED, name) or ''
  keys[#keys + 1] = { name, head, call('ZCARD', P .. 'key:' .. name), parked }
end
if only ~= '' then add(only)
else
  for _, lane in ipairs(call('ZRANGE', READY, 0, most - 1)) do add(lane) end
  for _, lane in ipairs(call('SMEMBERS', BLOCKED)) do add(lane) end
end
if ARGV[5] ~= '' then
  local head = call('HGET', HEADS, ARGV[5])
  if head then addKey(ARGV[5], head) end
else
  for _, name in ipairs(call('HKEYS', PARKED)) do addKey(name, '!') end
  local cursor = '0'
  repeat
    local page = call('HSCAN', HEADS, cursor, 'COUNT', 500)
    cursor = page[1]
    for i = 1, #page[2], 2 do
      if page[2][i + 1] ~= '!' then addKey(page[2][i], page[2][i + 1]) end
    end
  until cursor == '0' or #keys >= most
end
return { lanes, keys, call('ZCARD', SPILLED), call('ZCARD', DUE), tonumber(call('HGET', STATE, 'window')) or WINDOW }`;

/** How many jobs of a lane wait, in it and in the queue. ARGV: 3 lane. */
export const WAITING = `${COMMON}
local ahead = passOf(ARGV[3])[4] - time().v
if ahead < 0 or call('ZCOUNT', PRIO, '-inf', '(0') == 0 then ahead = 0 end
return call('ZCARD', P .. 'lane:' .. ARGV[3]) + math.floor(ahead / policyOf(ARGV[3]).stride)`;
