import { BadRequestError, type DeadLetter, PermanentError, type QueueName } from '@spillway/contracts';
import { measure } from '@spillway/observability';
import type { Job, Queue } from 'bullmq';
import { deadLetterQueueOf } from './catalogue';
import { merged } from './merged';
import type { JobData, Queues } from './queues';

export interface DeadLetterFilter {
  tenant?: string;
  /** Event type; `*` stands for any characters. */
  type?: string;
  route?: string;
  errorClass?: string;
  errorCode?: string;
  since?: number;
  until?: number;
}

export interface DeadLetterSummary {
  id: string;
  queue: QueueName;
  tenant: string;
  eventId: string;
  type: string;
  route?: string;
  error: { class: string; code: string; message: string };
  attempts: number;
  /** Unix milliseconds. */
  failedAt: number;
}

const PAGE = 200;

/**
 * Failed jobs, kept with all that is known of them in a queue of their own that nobody works on. A job is put here before
 * BullMQ is told that it failed, under its own id: a crash in between leaves a job that runs again, never one that is gone.
 */
export class DeadLetters {
  constructor(private readonly queues: Queues) {}

  async put(queue: QueueName, letter: DeadLetter): Promise<void> {
    const { data } = await this.queues.codec.encode(deadLetterQueueOf(queue), letter.job.id, letter);
    // Its age is that of the failure, also when it is moved to another partition.
    const options = { jobId: letter.job.id, removeOnComplete: true, timestamp: letter.failedAt };
    const [kept] = this.of(queue, letter.tenant);
    await kept!.add(letter.error.code, data, options);
  }

  /** @param tenant whose it is; if that is not known, every partition is asked */
  async find(queue: QueueName, id: string, tenant?: string): Promise<DeadLetter | undefined> {
    const found = await Promise.all(this.of(queue, tenant).map((one) => one.getJob(id)));
    const job = found.find((one) => one !== undefined);
    return job && this.letterOf(queue, job);
  }

  /** Forgets a dead letter for good. @returns whether there was one */
  async remove(queue: QueueName, id: string, tenant?: string): Promise<boolean> {
    const removed = await Promise.all(this.of(queue, tenant).map((one) => one.remove(id)));
    return removed.includes(1);
  }

  async count(queue: QueueName): Promise<number> {
    const counts = await Promise.all(this.of(queue).map((one) => one.getWaitingCount()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Oldest first; stops after `limit` matches. */
  async *matching(queue: QueueName, filter: DeadLetterFilter, limit: number): AsyncGenerator<DeadLetter> {
    const matches = matcher(filter);
    const parts = this.of(queue, filter.tenant).map((one) => this.lettersOf(queue, one, matches));
    let found = 0;
    for await (const letter of merged(parts, (one) => one.failedAt)) {
      yield letter;
      if (++found >= limit) return;
    }
  }

  /**
   * Puts a job back into its queue with all its attempts, under its own id, then forgets the dead letter. Done twice, or
   * cut off in between, it comes to the same: one job.
   *
   * @param delayMs spreads many redrives over time
   * @throws BadRequestError `dead-letter-unknown` (404)
   */
  async redrive(queue: QueueName, id: string, delayMs = 0): Promise<DeadLetter> {
    const letter = await this.find(queue, id);
    if (!letter) {
      throw new BadRequestError(`there is no dead letter ${id} in ${deadLetterQueueOf(queue)}`, {
        code: 'dead-letter-unknown',
        status: 404,
      });
    }
    if (UNREADABLE.has(letter.error.code)) {
      throw new BadRequestError(`dead letter ${id} in ${deadLetterQueueOf(queue)} cannot be made a job again`, {
        code: 'dead-letter-unreadable',
        status: 409,
        remedy: letter.error.message,
      });
    }
    const data = letter.job.data as JobData[QueueName];
    const meta = 'meta' in data ? { ...data.meta, redrives: (data.meta.redrives ?? 0) + 1 } : undefined;
    const opts = letter.job.opts as { priority?: number; attempts?: number };
    await this.queues.add(
      queue,
      { ...data, ...(meta && { meta }) },
      {
        id: letter.job.id,
        priority: meta?.priority,
        attempts: opts.attempts,
        delayMs,
        ...(letter.traceparent && { began: [letter.traceparent] }),
      },
    );
    await this.remove(queue, id, letter.tenant);
    return letter;
  }

  /** Puts a job away that says nothing we can trust, or nothing at all any more. */
  async putUnreadable(queue: QueueName, job: Job, error: PermanentError): Promise<void> {
    const { id, name, opts, attemptsMade } = job;
    if (error.code === 'job-forged') measure.forged.add(1, queue);
    const tenant = error.code === 'data-shredded' ? ((job.data as { tenant?: string }).tenant ?? '') : '';
    await this.put(queue, {
      queue,
      job: { id: id!, name, data: { stored: job.data as unknown }, opts: { attempts: opts.attempts } },
      tenant,
      eventId: '',
      error: { class: error.class, code: error.code, message: error.message },
      attempts: attemptsMade + 1,
      failedAt: Date.now(),
    });
  }

  /** Drops what is older. @returns how many */
  async forgetBefore(queue: QueueName, time: number, most: number): Promise<number> {
    let left = most;
    for (const one of this.of(queue)) {
      if (left <= 0) break;
      left -= (await one.clean(Math.max(0, Date.now() - time), left, 'wait')).length;
    }
    return most - left;
  }

  /** Drops those of a tenant that are older, oldest first. @returns how many */
  async forgetOf(queue: QueueName, tenant: string, time: number, most: number): Promise<number> {
    const ids: string[] = [];
    for await (const letter of this.matching(queue, { tenant, until: time }, most)) ids.push(letter.job.id);
    for (const id of ids) await this.remove(queue, id, tenant);
    return ids.length;
  }

  private of(queue: QueueName, tenant?: string): Queue[] {
    const { partitions } = this.queues;
    const wanted = tenant === undefined ? partitions.all : [partitions.of(tenant)];
    return wanted.map((partition) => this.queues.deadLetters(queue, partition));
  }

  private async *lettersOf(
    name: QueueName,
    queue: Queue,
    matches: (letter: DeadLetter) => boolean,
  ): AsyncGenerator<DeadLetter> {
    for (let start = 0; ; start += PAGE) {
      const jobs = await queue.getJobs(['wait'], start, start + PAGE - 1, true);
      const letters = await Promise.all(jobs.map((job) => job && this.letterOf(name, job)));
      for (const letter of letters) if (letter && matches(letter)) yield letter;
      if (jobs.length < PAGE) return;
    }
  }

  /** One that cannot be read is shown as that. */
  private async letterOf(queue: QueueName, job: Job): Promise<DeadLetter> {
    try {
      return await this.queues.codec.decode<DeadLetter>(deadLetterQueueOf(queue), job.id!, job.data as object);
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      const { code, message } = error;
      const { tenant = '', eventId = '' } = job.data as { tenant?: string; eventId?: string };
      return {
        queue,
        job: { id: job.id!, name: job.name, data: {}, opts: {} },
        ...(code === 'data-shredded' ? { tenant, eventId } : { tenant: '', eventId: '' }),
        error: { class: error.class, code, message },
        attempts: 0,
        failedAt: job.timestamp,
      };
    }
  }
}

/** Nobody made these, or nobody can read them. */
const UNREADABLE = new Set(['job-forged', 'data-shredded']);

export function summarize(letter: DeadLetter): DeadLetterSummary {
  const data = letter.job.data as { event?: { type: string }; route?: string };
  return {
    id: letter.job.id,
    queue: letter.queue as QueueName,
    tenant: letter.tenant,
    eventId: letter.eventId,
    type: data.event?.type ?? letter.job.name,
    route: data.route,
    error: { class: letter.error.class, code: letter.error.code, message: letter.error.message },
    attempts: letter.attempts,
    failedAt: letter.failedAt,
  };
}

function matcher(filter: DeadLetterFilter): (letter: DeadLetter) => boolean {
  const type = filter.type && new RegExp(`^${filter.type.split('*').map(escape).join('.*')}$`, 's');
  return (letter) => {
    const summary = summarize(letter);
    return (
      (!filter.tenant || letter.tenant === filter.tenant) &&
      (!type || type.test(summary.type)) &&
      (!filter.route || summary.route === filter.route) &&
      (!filter.errorClass || letter.error.class === filter.errorClass) &&
      (!filter.errorCode || letter.error.code === filter.errorCode) &&
      (!filter.since || letter.failedAt >= filter.since) &&
      (!filter.until || letter.failedAt < filter.until)
    );
  };
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
