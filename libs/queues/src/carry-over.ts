import { type DeadLetter, QUEUE_NAMES, type QueueName } from '@spillway/contracts';
import type { Job, JobType } from 'bullmq';
import { DeadLetters } from './dead-letters';
import { changed } from './layout';
import type { Deduplication } from './deduplications';
import type { Queues } from './queues';

/** Whose these events are; of those that the records do not know, nothing. */
export type TenantsOf = (eventIds: string[]) => Promise<Map<string, string>>;

/**
 * Takes what outlives jobs from the queues of one number of partitions to those of another: dead letters,
 * deduplications, jobs that have not begun and wait for their time, facts that wait to be written, pauses. Done twice, or cut off, it comes to the same.
 *
 * @throws PermanentError `partitions-changed` while jobs are under way
 */
export async function carryOver(from: Queues, to: Queues, tenantsOf: TenantsOf): Promise<void> {
  const before = from.partitions.count;
  const left = await jobsUnderWay(from);
  if (left > 0) throw changed(before, to.partitions.count, `the queues hold ${left} jobs that are under way,`);
  // Before jobs are moved: BullMQ forgets a job's deduplication with it.
  for (const partition of from.partitions.all) await copyDeduplications(partition, from, to, tenantsOf);
  for (const name of QUEUE_NAMES) {
    for (const partition of from.partitions.all) {
      await moveWaiting(name, partition, from, to);
    }
    await moveDeadLetters(name, from, to);
    if ((await Promise.all(from.queuesOf(name).map((queue) => queue.isPaused()))).some(Boolean)) {
      await Promise.all(to.queuesOf(name).map((queue) => queue.pause()));
    }
  }
  const kept = new Set(to.partitions.all.map((partition) => to.partitions.group(partition)));
  for (const { queue, partition } of from.all()) {
    if (!kept.has(from.partitions.group(partition))) await queue.obliterate({ force: true });
  }
}

/** Jobs that have begun or could begin now; those that wait for their first attempt do not count. */
async function jobsUnderWay(queues: Queues): Promise<number> {
  let count = 0;
  for (const { name, queue, dead } of queues.all()) {
    if (dead) continue;
    // Those that wait in lanes are BullMQ's waiting-children.
    const waiting = name === FACTS ? [] : (['waiting', 'prioritized', 'waiting-children'] as const);
    const counts = await queue.getJobCounts('active', ...waiting);
    count += Object.values(counts).reduce((sum, one) => sum + one, 0);
    count += (await delayed(queue)).filter((job) => !isFresh(job)).length;
  }
  return count;
}

const PAGE = 500;
/** A process that stops tells what it held back: nobody may be left to write it down. Its jobs may be in any partition. */
const FACTS: QueueName = 'analytics-events';

function delayed(queue: ReturnType<Queues['queue']>): Promise<Job[]> {
  return inStates(queue, ['delayed']);
}

async function inStates(queue: ReturnType<Queues['queue']>, states: JobType[]): Promise<Job[]> {
  const found: Job[] = [];
  for (let start = 0; ; start += PAGE) {
    const page = await queue.getJobs(states, start, start + PAGE - 1, true);
    found.push(...page.filter((job) => job !== undefined));
    if (page.length < PAGE) return found;
  }
}

function isFresh(job: Job): boolean {
  return job.attemptsStarted === 0 && job.attemptsMade === 0;
}

async function moveWaiting(name: QueueName, partition: number, from: Queues, to: Queues): Promise<void> {
  const queue = from.queue(name, partition);
  // A schedule's next tick is made again where the schedule is now (workers' syncSchedules).
  for (const { key } of await queue.getJobSchedulers(0, -1, true)) await queue.removeJobScheduler(key);
  const states: JobType[] = name === FACTS ? ['delayed', 'waiting'] : ['delayed'];
  for (const job of await inStates(queue, states)) {
    const data = await to.read(name, job);
    const target = to.partitionFor(data, { id: job.id! });
    if (to.partitions.group(target) === from.partitions.group(partition)) continue;
    const meta = 'meta' in data ? data.meta : undefined;
    const delayMs = Math.max(0, job.timestamp + job.delay - Date.now());
    await to.add(name, data, { id: job.id!, priority: meta?.priority, attempts: job.opts.attempts, delayMs });
    await job.remove();
  }
}

async function moveDeadLetters(name: QueueName, from: Queues, to: Queues): Promise<void> {
  const [source, target] = [new DeadLetters(from), new DeadLetters(to)];
  const leaving: DeadLetter[] = [];
  for await (const letter of source.matching(name, {}, Infinity)) {
    if (from.partitions.groupOfTenant(letter.tenant) !== to.partitions.groupOfTenant(letter.tenant))
      leaving.push(letter);
  }
  for (const letter of leaving) {
    await target.put(name, letter);
    await source.remove(name, letter.job.id, letter.tenant);
  }
}

async function copyDeduplications(partition: number, from: Queues, to: Queues, tenantsOf: TenantsOf): Promise<void> {
  for await (const page of from.backend.deduplications(from.queue('ingress-events', partition))) {
    const tenants = await tenantsOf(page.map((one) => one.jobId));
    const byPartition = new Map<number, Deduplication[]>();
    for (const one of page) {
      const tenant = tenants.get(one.jobId);
      // Nobody knows whose it is: its id is unique among all tenants, so it may be kept everywhere.
      for (const target of tenant === undefined ? to.partitions.all : [to.partitions.of(tenant)]) {
        byPartition.set(target, [...(byPartition.get(target) ?? []), one]);
      }
    }
    for (const [target, known] of byPartition) {
      await to.backend.keepDeduplications(to.queue('ingress-events', target), known);
    }
  }
}
