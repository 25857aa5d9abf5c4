import type { JobsOptions, Queue } from 'bullmq';
import type Redis from 'ioredis';

export interface NewJob {
  name: string;
  data: object;
  /** The data, as it is sent. */
  json: string;
  opts: JobsOptions & { jobId: string };
}

/**
 * What BullMQ's own `add` does, for many jobs of one queue in one script: a script a job costs Redis and Node more than
 * half of the whole. For jobs with an id, without a delay, a parent or a scheduler. `add-jobs.spec.ts` holds it against
 * BullMQ's scripts (addStandardJob, addPrioritizedJob), key by key.
 *
 * Each job is: id, name, data, options, timestamp, priority, deduplication id, its time to live in milliseconds.
 */
const SCRIPT = `
local call = redis.call
local prefix, events = ARGV[1], KEYS[8]
local most = call('HGET', KEYS[2], 'opts.maxLenEvents')
if not most then
  most = 10000
  call('HSET', KEYS[2], 'opts.maxLenEvents', most)
end
local ids, added = {}, 0
for i = 2, #ARGV, 8 do
  local id, dedupe, priority = ARGV[i], ARGV[i + 6], tonumber(ARGV[i + 5])
  local key, first = prefix .. id, nil
  call('INCR', KEYS[3])
  if call('EXISTS', key) == 1 then
    call('XADD', events, 'MAXLEN', '~', most, '*', 'event', 'duplicated', 'jobId', id)
    first = id
  elseif dedupe ~= '' then
    local holder = prefix .. 'de:' .. dedupe
    if not call('SET', holder, id, 'PX', ARGV[i + 7], 'NX') then
      first = call('GET', holder)
      call('XADD', events, 'MAXLEN', '~', most, '*', 'event', 'deduplicated', 'jobId', first,
        'deduplicationId', dedupe, 'deduplicatedJobId', id)
    end
  end
  if not first then
    if dedupe ~= '' then
      call('HMSET', key, 'name', ARGV[i + 1], 'data', ARGV[i + 2], 'opts', ARGV[i + 3], 'timestamp', ARGV[i + 4],
        'delay', 0, 'priority', priority, 'deid', dedupe)
    else
      call('HMSET', key, 'name', ARGV[i + 1], 'data', ARGV[i + 2], 'opts', ARGV[i + 3], 'timestamp', ARGV[i + 4],
        'delay', 0, 'priority', priority)
    end
    call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', ARGV[i + 1])
    if priority == 0 then
      call('LPUSH', KEYS[4], id)
    else
      call('ZADD', KEYS[5], priority * 0x100000000 + call('INCR', KEYS[6]) % 0x100000000, id)
    end
    call('XADD', events, 'MAXLEN', '~', most, '*', 'event', 'waiting', 'jobId', id)
    first, added = id, added + 1
  end
  ids[#ids + 1] = first
end
if added > 0 then
  local limits = call('HMGET', KEYS[2], 'paused', 'concurrency')
  local stopped = limits[1] or (limits[2] and call('LLEN', KEYS[7]) >= tonumber(limits[2]))
  if not stopped then call('ZADD', KEYS[1], 0, '0') end
end
return ids`;

const KEYS = ['marker', 'meta', 'id', 'wait', 'prioritized', 'pc', 'active', 'events'] as const;

type Scripted = Redis & { spillwayAddJobs(...args: (string | number)[]): Promise<string[]> };

/** Whether the script can take the job. */
export function isPlain({ opts }: NewJob): boolean {
  const dedupe = opts.deduplication;
  const deduped = dedupe && (!dedupe.ttl || dedupe.extend || dedupe.replace);
  return !opts.delay && !opts.parent && !opts.lifo && !opts.repeatJobKey && !deduped;
}

/** @returns for each job the id of the one that stands for it: its own, or that of the first with its deduplication id */
export function addJobs(redis: Redis, queue: Queue, jobs: NewJob[]): Promise<string[]> {
  const scripted = redis as Scripted;
  if (!scripted.spillwayAddJobs) redis.defineCommand('spillwayAddJobs', { numberOfKeys: KEYS.length, lua: SCRIPT });
  const now = Date.now();
  const args: (string | number)[] = KEYS.map((key) => queue.toKey(key));
  args.push(queue.toKey(''));
  for (const { name, json, opts } of jobs) {
    const { deduplication, ...rest } = opts;
    // BullMQ stores the option under its short name.
    const stored = JSON.stringify(deduplication ? { ...rest, de: deduplication } : rest);
    args.push(opts.jobId, name, json, stored, now, opts.priority ?? 0);
    args.push(deduplication?.id ?? '', deduplication?.ttl ?? 0);
  }
  return scripted.spillwayAddJobs(...args);
}
