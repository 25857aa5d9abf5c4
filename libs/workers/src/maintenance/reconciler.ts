import { type IngressJob, PermanentError, QUEUE_NAMES, type QueueName } from '@spillway/contracts';
import { answerKey } from '@spillway/flows';
import type { OpenJob } from '@spillway/persistence';
import type { Job } from '@spillway/queues';
import { plan, type Planned, type StartableFlow } from '@spillway/routing';
import type { Platform } from '@spillway/runtime';
import { deadLetterOf, givenUpFact, subjectOf, triedBefore } from '@spillway/worker-kit';

const PAGE = 500;

/** What a pass found and repaired. */
export interface Reconciled {
  /** Failed jobs that were not in the dead letters. */
  failed: number;
  /** Events stored and never routed. */
  unrouted: number;
  /** Jobs of the ledger that were in no queue: made again. */
  missing: number;
  /** Jobs whose end the ledger had not heard of. */
  told: number;
  /** Slots of lanes whose job was gone, and spilled jobs that were in no lane. */
  lanes: number;
}

/**
 * Finds what a crash left between two steps and repairs it (docs/architecture.md, "Reconciling"). Every repair does what
 * the cut-off step would have done, under the same ids, so that repairing what was not broken changes nothing.
 */
export class Reconciler {
  constructor(private readonly platform: Platform) {}

  /** @param olderThanMs younger work is taken to be on its way */
  async pass(olderThanMs: number): Promise<Reconciled> {
    const result: Reconciled = { failed: 0, unrouted: 0, missing: 0, told: 0, lanes: 0 };
    for (const queue of QUEUE_NAMES) {
      result.failed += await this.sweepFailed(queue);
      result.lanes += await this.healLanes(queue);
    }
    const before = new Date(Date.now() - olderThanMs);
    result.unrouted = await this.routeAgain(before);
    await this.findMissing(before, result);
    const { failed, unrouted, missing, told, lanes } = result;
    if (failed + unrouted + missing + told + lanes > 0)
      this.platform.log.warn(result, 'reconciler repaired what a crash had left');
    return result;
  }

  private async healLanes(queue: QueueName): Promise<number> {
    const { lanes } = this.platform.queues;
    if (!lanes.has(queue)) return 0;
    let count = 0;
    for (const store of lanes.all(queue)) {
      const { freed, lost } = await store.heal(true);
      count += freed + lost;
    }
    return count;
  }

  /** BullMQ's own failed set stays empty, unless a crash came between "failed" and "dead letter". */
  private async sweepFailed(queue: QueueName): Promise<number> {
    let count = 0;
    for (const one of this.platform.queues.queuesOf(queue)) {
      const jobs = await one.getJobs(['failed'], 0, PAGE - 1);
      for (const job of jobs) await this.bury(queue, job);
      count += jobs.length;
    }
    return count;
  }

  /** One that is not ours, or that nobody can read any more, is put away as that. */
  private async readable(queue: QueueName, job: Job) {
    try {
      return await this.platform.queues.read(queue, job);
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      await this.platform.deadLetters.putUnreadable(queue, job, error);
      await job.remove();
      return undefined;
    }
  }

  private async bury(queue: QueueName, job: Job): Promise<void> {
    const data = await this.readable(queue, job);
    if (!data) return;
    const subject = subjectOf(data);
    const error = { class: 'transient', code: 'unexpected', message: job.failedReason ?? 'the job failed' };
    if (!(await this.platform.deadLetters.find(queue, job.id!, subject.tenant))) {
      const letter = deadLetterOf(queue, job, data, error, job.attemptsMade + triedBefore(data));
      await this.platform.deadLetters.put(queue, { ...letter, failedAt: job.finishedOn ?? letter.failedAt });
    }
    if (subject.eventId && queue !== 'ingress-events' && queue !== 'analytics-events') {
      await this.platform.facts.record([givenUpFact({ ...subject, jobId: job.id!, queue }, 'dead-letter', error)]);
    }
    await job.remove();
  }

  /** Events in the ledger that never got past their first job. */
  private async routeAgain(before: Date): Promise<number> {
    const { events, queues, deadLetters } = this.platform;
    let count = 0;
    for (const { event, bodySha256, bytes } of await events.unroutedEvents(before, PAGE)) {
      if (await queues.find('ingress-events', event.id, event.tenant)) continue;
      if (await deadLetters.find('ingress-events', event.id, event.tenant)) continue;
      const createdAt = Date.now();
      const meta = {
        tenant: event.tenant,
        priority: 'normal',
        createdBy: 'reconciler',
        createdAt,
        correlationId: event.correlationid,
        unsure: true,
      } as const;
      const job: IngressJob = { event, meta, body: { sha256: bodySha256, bytes }, via: 'reconciler' };
      await queues.add('ingress-events', job, { id: event.id });
      count += 1;
    }
    return count;
  }

  private async findMissing(before: Date, result: Reconciled): Promise<void> {
    let after = '';
    for (;;) {
      const open = await this.platform.events.openJobs(before, after, PAGE);
      for (const job of open) await this.lookFor(job, result);
      if (open.length < PAGE) return;
      after = open.at(-1)!.id;
    }
  }

  private async lookFor(open: OpenJob, result: Reconciled): Promise<void> {
    const { queues, deadLetters, facts } = this.platform;
    const queue = open.queue as QueueName;
    const about = { tenant: open.event.tenant, eventId: open.eventId, jobId: open.id, queue };
    const letter = await deadLetters.find(queue, open.id, about.tenant);
    if (letter) {
      await facts.record([givenUpFact(about, 'dead-letter', letter.error)]);
      result.told += 1;
      return;
    }
    const job = await queues.find(queue, open.id, about.tenant);
    if (job?.finishedOn) {
      await facts.record([{ ...about, kind: 'job.ended', state: 'done' }]);
      result.told += 1;
      return;
    }
    if (job) return;
    // Calls of runs are made again from what the run asked for (runs/sweep.ts), and a run that is there has begun.
    if (open.runId) return this.settleRunJob(open, result);
    if (await this.isOnTheSpot(open)) return;
    const again = await this.rebuild(open);
    if (again) {
      await queues.add(again.queue, again.data, {
        id: again.job.id,
        priority: again.data.meta.priority,
        attempts: again.attempts,
      });
      result.missing += 1;
      return;
    }
    const error = {
      class: 'permanent',
      code: 'route-gone',
      message: 'the job was lost, and its route or flow is gone',
    };
    const lost = givenUpFact(about, 'cancelled', error);
    await facts.record([lost]);
    result.told += 1;
  }

  /** Whether the worker that routed the event still has it: it may be doing this itself. */
  private async isOnTheSpot(open: OpenJob): Promise<boolean> {
    const replay = replayOf(open);
    const host = replay ? `${open.eventId}.replay.${replay}` : open.eventId;
    const job = await this.platform.queues.find('ingress-events', host, open.event.tenant);
    return job !== undefined && !job.finishedOn;
  }

  private async settleRunJob(open: OpenJob, result: Reconciled): Promise<void> {
    const [run] = await this.platform.runs.load([open.runId!]);
    const begins = open.id === open.runId;
    if (!run && begins) {
      const again = await this.rebuild(open);
      if (!again) return;
      await this.platform.queues.add(again.queue, again.data, { id: again.job.id, priority: again.data.meta.priority });
      result.missing += 1;
      return;
    }
    const node = Number(open.id.slice(open.runId!.length + 1));
    const isOpen = !begins && (await this.platform.runs.callRecord({ runId: open.runId!, node, key: answerKey(node) }));
    if (isOpen && isOpen.state === 'open') return;
    const about = { tenant: open.event.tenant, eventId: open.eventId, jobId: open.id, queue: open.queue };
    await this.platform.facts.record([{ ...about, kind: 'job.ended', state: 'done' }]);
    result.told += 1;
  }

  /** The job as its route made it. */
  private async rebuild(open: OpenJob): Promise<Pick<Planned, 'queue' | 'data' | 'job' | 'attempts'> | undefined> {
    const { event, route } = open;
    const meta = {
      tenant: event.tenant,
      priority: 'normal' as const,
      createdBy: 'reconciler',
      createdAt: Date.now(),
      correlationId: event.correlationid,
    };
    const tenant = this.platform.directory.tenant(event.tenant);
    const source = event.source.slice(event.source.lastIndexOf('/') + 1);
    const matching = tenant?.routes.filter((one) => one.name === route) ?? [];
    const flows = tenant?.flows ?? new Map<string, StartableFlow>();
    return plan(event, source, matching, flows, meta, replayOf(open)).jobs.find((one) => one.job.id === open.id);
  }
}

/** The replay of its event that a job belongs to: the id's last part. */
function replayOf({ id, eventId, route }: OpenJob): string | undefined {
  return id.slice(`${eventId}.${route}.`.length).split('.')[1];
}
