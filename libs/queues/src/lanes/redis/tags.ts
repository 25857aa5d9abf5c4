import { AHEAD } from '../lane-store';

/**
 * Start tags (start-time fair queueing): a lane's next job starts where its last one finishes, a stride later, or now if
 * that is later. The stride is the less the more weight a lane has. So jobs in the order of their tags are shared fairly,
 * however many a lane has.
 *
 * The clock `v` is the tag of the first job that waits. A lane has a finish tag for each class of priority: a job comes
 * behind those of its lane that are as urgent, and pushes back those that come after it. Those that are there already keep
 * their tags: a lane may so be ahead of its share by as many jobs as it has in the queue, and pays them back later.
 *
 * Kept as one number while the urgent classes have nothing ahead of the clock.
 */
export const TAGS = `
local clock
local function time()
  if not clock then
    local state = call('HMGET', STATE, 'v', 'last', 'window', 'ahead')
    clock = { v = tonumber(state[1]) or 0, last = tonumber(state[2]) or 0, window = tonumber(state[3]) or WINDOW,
      ahead = tonumber(state[4]) or ${AHEAD} }
    local first = call('ZRANGE', PRIO, 0, 0, 'WITHSCORES')
    local front = first[2] and tonumber(first[2])
    clock.v = math.max(clock.v, front and front < 0 and front - BASE or clock.last)
  end
  return clock
end

local passes = {}
local function passOf(lane)
  local pass = passes[lane]
  if not pass then
    local text = call('HGET', PASS, lane)
    local all = tonumber(text)
    if text and not all then
      pass = {}
      for one in string.gmatch(text, '%d+') do pass[#pass + 1] = tonumber(one) end
    else pass = { 0, 0, all or 0, all or 0 } end
    passes[lane] = pass
  end
  return pass
end

-- Writes what changed. Every script that touches tags ends with it.
local function settle()
  if not clock or not clock.changed then return end
  local v = clock.v
  local values = {}
  for lane, pass in pairs(passes) do
    if pass.changed then
      values[#values + 1] = lane
      if pass[1] <= v and pass[2] <= v and pass[3] == pass[4] then values[#values + 1] = string.format('%.0f', pass[4])
      else values[#values + 1] = string.format('%.0f %.0f %.0f %.0f', pass[1], pass[2], pass[3], pass[4]) end
      pass.changed = nil
    end
  end
  if #values > 0 then call('HSET', PASS, unpack(values)) end
  call('HSET', STATE, 'v', string.format('%.0f', v), 'last', string.format('%.0f', clock.last))
  clock.changed = nil
end

local function put(id, tag)
  call('ZADD', PRIO, BASE + tag, id)
  if tag > time().last then clock.last = tag end
  clock.changed = true
end

local function classOf(score)
  return math.floor(score / CLASS + 0.5)
end

-- The least class of a lane's spilled jobs; false without any.
local spilledClass = {}
local function firstSpilled(lane)
  if spilledClass[lane] == nil then
    local first = call('ZRANGE', P .. 'lane:' .. lane, 0, 0, 'WITHSCORES')
    spilledClass[lane] = first[2] and classOf(tonumber(first[2])) or false
  end
  return spilledClass[lane]
end

-- Gives a job its tag in the queue, if nothing of its lane is to come before it and the lane is not too far ahead.
local function join(id, lane, priority)
  if policyOf(lane).cap then return false end
  local class = math.min(math.max(priority, 1), 4)
  local before = firstSpilled(lane)
  if before and before <= class then return false end
  local pass, stride, v = passOf(lane), policyOf(lane).stride, time().v
  local tag = math.max(pass[class], v)
  if tag - v >= clock.ahead * stride then return false end
  put(id, tag)
  for c = class, 4 do pass[c] = math.max(pass[c], v) + stride end
  pass.changed = true
  if before then call('ZINCRBY', READY, stride, lane) end
  return true
end

-- A lane that has something to let in stands in line.
local inLine = {}
local function line(lane)
  if inLine[lane] then return end
  if not call('ZSCORE', READY, lane) then
    if call('SISMEMBER', BLOCKED, lane) == 1 then return end
    call('ZADD', READY, math.max(passOf(lane)[4], time().v), lane)
  end
  inLine[lane] = true
end

-- While a lane stands in line, its score there is its finish tag.
local function leaveLine(lane, tag)
  inLine[lane] = nil
  local pass = passOf(lane)
  pass[3], pass[4] = tag, tag
  pass.changed = true
  time().changed = true
end
`;
