import { type FlowJob, SpillwayError } from '@spillway/contracts';
import { traced } from '@spillway/observability';
import { FreeQueues, type NewFact } from '@spillway/queues';
import type { Planned } from '@spillway/routing';
import { between, type LiveTenant, type Platform } from '@spillway/runtime';
import { doneFact, type JobContext, type NextJob } from '@spillway/worker-kit';
import type { Published } from './run-publisher';
import { type RunSteps, runStepsOf } from './run-steps';

const QUEUE = 'orchestration-flows';
/** After PostgreSQL did not answer all runs begin through their queue for so long. Milliseconds. */
const AWAY_MS = 5_000;

/** A run that has begun, and what the ledger is to know of that. */
export interface Begun {
  planned: Planned;
  facts: NewFact[];
  /** Calls of it that may be made on the spot. */
  next?: NextJob[];
}

/**
 * Begins runs in the worker that routes their event, which saves a job for each: the same step under the same id as the job in
 * `orchestration-flows` would make, so that who does it a second time finds it done. The job it is where the queue has a
 * say: it is paused or has a backlog, the tenant has a cap or quotas of runs there, events have an order, the run is to
 * begin later or within a time; where a worker failed or died over this event before; and while PostgreSQL is away.
 */
export class Beginnings {
  private readonly steps: RunSteps;
  private readonly free: FreeQueues;
  private awayUntil = 0;

  constructor(private readonly platform: Platform) {
    this.steps = runStepsOf(platform);
    this.free = new FreeQueues(platform.queues);
  }

  /** @returns those that have begun; the others are to be begun by their jobs */
  async begin(tenant: LiveTenant, planned: readonly Planned[], context: JobContext<unknown>): Promise<Begun[]> {
    if (!context.isFirst || Date.now() < this.awayUntil) return [];
    const own = planned.filter((one) => isOfOurs(one) && !this.isLimited(tenant, one));
    if (own.length === 0 || !(await this.free.isFree(QUEUE, tenant.name))) return [];
    const begun = await Promise.all(own.map((one) => this.one(one, context)));
    return begun.filter((one) => one !== undefined);
  }

  private async one(planned: Planned, context: JobContext<unknown>): Promise<Begun | undefined> {
    const startedAt = performance.now();
    const data = planned.data as FlowJob;
    try {
      const attributes = { 'spillway.run.id': data.run.id, 'spillway.flow': data.run.flow };
      const { facts, next } = await traced('begin run', { attributes }, async (): Promise<Published> => {
        const stepped = await between('beginning', () => this.steps.advance(data, true));
        if (!stepped || 'idle' in stepped) return { facts: [] };
        return this.steps.makeKnown(stepped, context, context.mayGoOn);
      });
      return { planned, next, facts: [endedFact(data, performance.now() - startedAt), ...facts] };
    } catch (cause) {
      if (cause instanceof SpillwayError && cause.code === 'records-unavailable') this.awayUntil = Date.now() + AWAY_MS;
      context.log.warn({ run: data.run.id, err: cause }, 'the run could not be begun at once: it begins by its job');
      return undefined;
    }
  }

  /** Whether there is a limit that only the queue, or its handler, keeps. */
  private isLimited({ name, quotas }: LiveTenant, { data }: Planned): boolean {
    const { lanes } = this.platform.queues;
    const place = lanes.placeOf(QUEUE, data);
    return Boolean(
      quotas.openRuns || quotas.runsPerDay || place?.key !== undefined || lanes.capOf(QUEUE, name) !== undefined,
    );
  }
}

/** A run that begins now, and may take as long as others do. */
function isOfOurs({ queue, delayMs, data: { meta } }: Planned): boolean {
  return queue === QUEUE && !delayMs && meta.timeoutMs === undefined && meta.deadline === undefined;
}

/** As the job would have told it. */
function endedFact({ run, eventId, meta }: FlowJob, durationMs: number): NewFact {
  const about = { tenant: meta.tenant, eventId, jobId: run.id, queue: QUEUE } as const;
  return doneFact(about, { attempt: 1, durationMs: Math.round(durationMs) });
}
