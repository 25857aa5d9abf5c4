import { type ErrorRecord, type FlowJob, PermanentError } from '@spillway/contracts';
import { quotaExceeded } from '@spillway/intake';
import type { NewFact } from '@spillway/queues';
import { crashPoint, type Platform } from '@spillway/runtime';
import { type GivenUp, givenUpFact, type Handler, type JobContext, type Outcome } from '@spillway/worker-kit';
import { afterCrash } from '../runs/after-crash';
import { type RunSteps, runStepsOf } from '../runs/run-steps';
import { standingStill } from '../runs/stand-still';

/** `orchestration-flows`: a wake-up takes a run as far as it goes without waiting. */
export class FlowHandler implements Handler<'orchestration-flows'> {
  readonly queue = 'orchestration-flows';
  readonly tellsAttempts = true;
  private readonly steps: RunSteps;

  constructor(private readonly platform: Platform) {
    this.steps = runStepsOf(platform);
  }

  async handle(context: JobContext<FlowJob>): Promise<Outcome> {
    const { id, data, attempt, isFirst } = context;
    // A wake-up is no work of the event's: only the job that begins the run has a line in the ledger.
    const silent = !data.start;
    crashPoint('begin wake-up');
    if (data.start) await this.mayBegin(data, attempt);
    // Who had it before may have died over a call that it made on the spot.
    if (!isFirst) await this.afterCrash(data);
    const stepped = await this.steps.advance(data, isFirst);
    // So may who routed the event, if the run has begun.
    if (isFirst && data.start && stepped && 'idle' in stepped) await this.afterCrash(data);
    if (!stepped) return { silent, value: 'nothing to do' };
    if ('idle' in stepped) {
      const { wakeAt, seq } = stepped.idle;
      const isTimer = id.startsWith(`${data.run.id}.t${seq}`);
      if (isTimer && wakeAt) await this.steps.publisher.early({ run: stepped.idle, seq, wakeAt });
      return { silent, value: 'nothing to do' };
    }
    const { facts, next } = await this.steps.makeKnown(stepped, context, context.mayGoOn);
    return { silent, facts, next, value: { status: stepped.run.status } };
  }

  private afterCrash({ run }: FlowJob): Promise<void> {
    return standingStill(afterCrash(this.platform, run.id));
  }

  /**
   * Quotas of runs. A run that is there has been let in.
   *
   * @throws RateLimitedError `quota-exceeded` where the policy is to wait; PermanentError `quota-exceeded` where it is not:
   * the job goes to the dead letters, and can be redriven
   */
  private async mayBegin({ run, meta }: FlowJob, attempt: number): Promise<void> {
    const tenant = this.platform.directory.tenant(meta.tenant);
    if (!tenant || (!tenant.quotas.openRuns && !tenant.quotas.runsPerDay)) return;
    if (attempt > 1 && (await standingStill(this.platform.runs.load([run.id]))).length > 0) return;
    const verdict = await this.platform.quotas.run(tenant);
    if (!verdict) return;
    const refusal = quotaExceeded(tenant.name, verdict);
    if (verdict.policy === 'delay') throw refusal;
    const { message, code, details } = refusal;
    const remedy = 'Redrive the dead letter when there is room, or raise the quota.';
    throw new PermanentError(message, { code, details, remedy });
  }

  /** A wake-up that is given up says nothing of its event: the sweep wakes the run again. */
  onGivenUp(data: FlowJob, jobId: string, state: GivenUp, error: ErrorRecord): NewFact[] {
    if (!data.start) return [];
    const about = { tenant: data.meta.tenant, eventId: data.eventId, jobId, queue: this.queue };
    return [givenUpFact(about, state, error)];
  }
}
