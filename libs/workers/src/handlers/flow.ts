import type { ErrorRecord, FlowJob } from '@spillway/contracts';
import { advance } from '@spillway/flows';
import type { NewFact } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';
import type { GivenUp, Handler, JobContext, Outcome } from '@spillway/worker-kit';

/** `orchestration-flows`: a wake-up makes the run's next task. */
export class FlowHandler implements Handler<'orchestration-flows'> {
  readonly queue = 'orchestration-flows';
  readonly tellsAttempts = true;

  constructor(private readonly platform: Pick<Platform, 'queues'>) {}

  async handle({ data }: JobContext<FlowJob>): Promise<Outcome> {
    const next = advance(data);
    await this.platform.queues.add(next.queue, next.data, {
      id: next.job.id,
      priority: next.data.meta.priority,
      delayMs: next.delayMs,
      attempts: next.attempts,
    });
    return {
      facts: [{ tenant: data.meta.tenant, eventId: data.event.id, kind: 'job.planned', job: next.job }],
      value: { task: next.job.id },
    };
  }

  onGivenUp({ meta, event, run }: FlowJob, jobId: string, state: GivenUp, error: ErrorRecord): NewFact[] {
    const about = { tenant: meta.tenant, eventId: event.id };
    return [
      { ...about, kind: 'job.ended', jobId, queue: this.queue, state, error },
      { ...about, kind: 'run.ended', runId: run.id, state: state === 'cancelled' ? 'cancelled' : 'failed' },
    ];
  }
}
