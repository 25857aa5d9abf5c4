/** Fields of a job's hash as they are answered, in this order; `decodeJob` reads them. */
export const FIELDS = [
  'name',
  'data',
  'opts',
  'timestamp',
  'delay',
  'priority',
  'ats',
  'atm',
  'attemptsMade',
  'stc',
  'deid',
  'pb',
  'progress',
  'rjk',
  'failedReason',
  'defa',
  'stacktrace',
  'returnvalue',
  'finishedOn',
  'parentKey',
  'parent',
] as const;

/** Where a field stands in what Lua reads. */
const at = (field: (typeof FIELDS)[number]) => FIELDS.indexOf(field) + 1;

/** Bytes of job data after which a script fetches no more: others wait meanwhile. The worker asks for the rest itself. */
const MOST_FETCHED = 2_000_000;

/**
 * What BullMQ's `moveToFinished` does, for many completed jobs of one queue: each is finished, and the next one is
 * fetched in its place. What BullMQ does for each (limits, old events, due jobs, old completed jobs) is done once.
 *
 * KEYS: the queue's `meta`. ARGV: 1 the queue's prefix, 2 the time, 3 milliseconds that a lock holds, 4 completed jobs
 * that stay, 5 the worker's name or empty; then of each job: id, token, result as JSON.
 *
 * Answers nothing, and does nothing, when one of the jobs is not plain: it has a parent, children, or a job that waits
 * for it under its deduplication id, or the queue has a rate limit. Otherwise for each job: an error code of BullMQ's
 * below 0; or 0 (nothing waits); or the time of the next delayed job, as text; or `{}` (the queue gives no more jobs now); or the
 * next job: id, attempts started, and its {@link FIELDS}.
 */
export const FINISH = `
local call = redis.call
local P, now, lockMs, keep, worker = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local META, WAIT, PRIO, ACTIVE, DELAYED = P .. 'meta', P .. 'wait', P .. 'prioritized', P .. 'active', P .. 'delayed'
local EVENTS, MARKER, COMPLETED = P .. 'events', P .. 'marker', P .. 'completed'

local meta = call('HMGET', META, 'paused', 'concurrency', 'max', 'opts.maxLenEvents')
if meta[3] then return false end
local paused, concurrency, maxEvents = meta[1], tonumber(meta[2]), meta[4]

-- Nothing is written until it is known that all are plain.
local locks, tied, jobs = {}, {}, {}
for i = 6, #ARGV, 3 do
  local key = P .. ARGV[i]
  local found = call('HMGET', key, 'name', 'parentKey', 'parent', 'deid', 'atm')
  if found[2] or found[3] then return false end
  jobs[#jobs + 1] = { id = ARGV[i], key = key, token = ARGV[i + 1], value = ARGV[i + 2], deid = found[4],
    atm = tonumber(found[5]) or 0, there = found[1] or call('EXISTS', key) == 1 }
  locks[#locks + 1] = key .. ':lock'
  tied[#tied + 1] = key .. ':dependencies'
  tied[#tied + 1] = key .. ':unsuccessful'
  if found[4] then tied[#tied + 1] = P .. 'dn:' .. found[4] end
end
if call('EXISTS', unpack(tied)) > 0 then return false end
locks = call('MGET', unpack(locks))

local freed, unlocked = {}, {}
for i, job in ipairs(jobs) do
  if not job.there then job.code = -1
  elseif locks[i] ~= job.token then job.code = locks[i] and -6 or -2
  else
    freed[#freed + 1] = job.key .. ':lock'
    unlocked[#unlocked + 1] = job.id
  end
end
if #freed > 0 then
  call('DEL', unpack(freed))
  call('SREM', P .. 'stalled', unpack(unlocked))
end

local promoted, waitIsEmpty, marked, fetched = false, false, false, 0
local completed = {}

local function isStopped()
  return paused or (concurrency and call('LLEN', ACTIVE) >= concurrency)
end

local function mark()
  if not marked then call('ZADD', MARKER, 0, '0') end
  marked = true
end

local function promoteDue(stopped)
  promoted = true
  local due = call('ZRANGEBYSCORE', DELAYED, 0, (tonumber(now) + 1) * 4096 - 1, 'LIMIT', 0, 1000)
  if #due == 0 then return end
  call('ZREM', DELAYED, unpack(due))
  for _, id in ipairs(due) do
    local priority = tonumber(call('HGET', P .. id, 'priority')) or 0
    if priority == 0 then call('LPUSH', WAIT, id)
    else call('ZADD', PRIO, priority * 4294967296 + call('INCR', P .. 'pc') % 4294967296, id) end
    call('XADD', EVENTS, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
    call('HSET', P .. id, 'delay', 0)
  end
  if not stopped then mark() end
end

local function take()
  while not waitIsEmpty do
    local id = call('RPOPLPUSH', WAIT, ACTIVE)
    if not id then waitIsEmpty = true
    -- Markers of BullMQ 4.
    elseif string.sub(id, 1, 2) == '0:' then call('LREM', ACTIVE, 1, id)
    else return id end
  end
  local id = call('ZPOPMIN', PRIO)[1]
  if id then call('LPUSH', ACTIVE, id)
  else call('DEL', P .. 'pc') end
  return id
end

local function fetch(token)
  local stopped = isStopped()
  if not promoted then promoteDue(stopped) end
  if stopped or fetched > ${MOST_FETCHED} then return {} end
  local id = take()
  if not id then
    local first = call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
    return first[2] and string.format('%.0f', math.floor(tonumber(first[2]) / 4096))
  end
  local key = P .. id
  call('SET', key .. ':lock', token, 'PX', lockMs)
  call('XADD', EVENTS, '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
  local job = call('HMGET', key, ${FIELDS.map((field) => `'${field}'`).join(', ')})
  local ats = (tonumber(job[${at('ats')}]) or 0) + 1
  if worker == '' then call('HSET', key, 'processedOn', now, 'ats', ats)
  else
    call('HSET', key, 'processedOn', now, 'pb', worker, 'ats', ats)
    job[${at('pb')}] = worker
  end
  job[${at('ats')}] = ats
  fetched = fetched + #(job[${at('data')}] or '')
  mark()
  return { id, job }
end

local function finish(job)
  if job.code then return job.code end
  if call('LREM', ACTIVE, -1, job.id) < 1 then return -3 end
  if #completed == 0 then
    if not maxEvents then
      maxEvents = 10000
      call('HSET', META, 'opts.maxLenEvents', maxEvents)
    end
    call('XTRIM', EVENTS, 'MAXLEN', '~', maxEvents)
  end
  if job.deid then
    local holder = P .. 'de:' .. job.deid
    local ttl = call('PTTL', holder)
    if ttl == 0 or (ttl == -1 and call('GET', holder) == job.id) then call('DEL', holder) end
  end
  call('HSET', job.key, 'atm', job.atm + 1, 'returnvalue', job.value, 'finishedOn', now)
  completed[#completed + 1] = now
  completed[#completed + 1] = job.id
  call('XADD', EVENTS, '*', 'event', 'completed', 'jobId', job.id, 'returnvalue', job.value, 'prev', 'active')
  local next = fetch(job.token)
  if next then return next end
  if call('LLEN', WAIT) == 0 and call('LLEN', ACTIVE) == 0 and call('ZCARD', PRIO) == 0 then
    call('XADD', EVENTS, '*', 'event', 'drained')
  end
  return 0
end

local answers = {}
for i, job in ipairs(jobs) do answers[i] = finish(job) end
if #completed == 0 then return answers end

call('ZADD', COMPLETED, unpack(completed))
local over = call('ZCARD', COMPLETED) - keep
if over > 0 then
  local old, gone = call('ZRANGE', COMPLETED, 0, math.min(over, 1000) - 1), {}
  for _, id in ipairs(old) do
    local key = P .. id
    local parent = call('HGET', key, 'parentKey')
    -- BullMQ itself removes a job that a parent still waits for, with the next one that it finishes.
    if parent and call('SISMEMBER', parent .. ':dependencies', key) == 1 then return answers end
    for _, suffix in ipairs({ '', ':logs', ':dependencies', ':processed', ':failed', ':unsuccessful' }) do
      gone[#gone + 1] = key .. suffix
    end
  end
  call('DEL', unpack(gone))
  call('ZREMRANGEBYRANK', COMPLETED, 0, #old - 1)
end
return answers`;
