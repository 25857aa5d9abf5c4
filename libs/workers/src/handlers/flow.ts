import { type FlowJob, TransientError } from '@spillway/contracts';
import { Driver } from '@spillway/flows';
import type { Platform } from '@spillway/runtime';
import type { Handler, JobContext, Outcome } from '@spillway/worker-kit';
import { RunPublisher } from '../runs/run-publisher';

/** `orchestration-flows`: a wake-up takes a run as far as it goes without waiting. */
export class FlowHandler implements Handler<'orchestration-flows'> {
  readonly queue = 'orchestration-flows';
  readonly tellsAttempts = true;
  private readonly driver: Driver;
  private readonly publisher: RunPublisher;

  constructor(platform: Platform) {
    this.driver = new Driver({
      runs: platform.runs,
      resolve: (tenant, name, version) => {
        const flow = platform.directory.tenant(tenant)?.flows.get(name);
        return flow && (version === 'latest' || version === flow.version) ? flow : undefined;
      },
    });
    this.publisher = new RunPublisher(platform);
  }

  async handle({ data, log }: JobContext<FlowJob>): Promise<Outcome> {
    const stepped = await this.driver.advance(data);
    // A wake-up is no work of the event's: only the job that begins the run has a line in the ledger.
    const silent = !data.start;
    if (!stepped) return { silent, value: 'nothing to do' };
    const facts = await this.publisher.publish(stepped).catch((cause: unknown) => {
      // It is stored, and made known again by the sweep: what failed here must not be taken for a step that failed.
      log.warn({ run: data.run.id, err: cause }, 'what the run asked for could not be made known yet');
      if (!stepped.ended) return [];
      throw new TransientError('the end of the run could not be told', { code: 'queues-unavailable', cause });
    });
    return { silent, facts, value: { status: stepped.run.status } };
  }
}
