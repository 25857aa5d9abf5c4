import type { ErrorRecord, FlowJob } from '@spillway/contracts';
import { Driver } from '@spillway/flows';
import type { NewFact } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';
import type { GivenUp, Handler, JobContext, Outcome } from '@spillway/worker-kit';
import { between, crashPoint } from '../faults';
import { RunPublisher } from '../runs/run-publisher';
import { standingStill } from '../runs/stand-still';

/** `orchestration-flows`: a wake-up takes a run as far as it goes without waiting. */
export class FlowHandler implements Handler<'orchestration-flows'> {
  readonly queue = 'orchestration-flows';
  readonly tellsAttempts = true;
  private readonly driver: Driver;
  private readonly publisher: RunPublisher;

  constructor(platform: Platform) {
    this.driver = new Driver({
      runs: {
        load: (ids) => platform.runs.load(ids),
        definition: (tenant, hash) => platform.runs.definition(tenant, hash),
        keepVersion: (version) => platform.runs.keepVersion(version),
        commit: (changes) =>
          changes.length === 0 ? Promise.resolve(new Set()) : between('commit', () => platform.runs.commit(changes)),
      },
      wantsLifecycle: (tenant) => platform.directory.tenant(tenant)?.wantsLifecycle ?? false,
      resolve: (tenant, name, version) => {
        const flow = platform.directory.tenant(tenant)?.flows.get(name);
        return flow && (version === 'latest' || version === flow.version) ? flow : undefined;
      },
    });
    this.publisher = new RunPublisher(platform);
  }

  async handle({ id, data, log }: JobContext<FlowJob>): Promise<Outcome> {
    // A wake-up is no work of the event's: only the job that begins the run has a line in the ledger.
    const silent = !data.start;
    crashPoint('begin wake-up');
    const stepped = await standingStill(this.driver.advance(data));
    if (!stepped) return { silent, value: 'nothing to do' };
    if ('idle' in stepped) {
      const { wakeAt, seq } = stepped.idle;
      const isTimer = id.startsWith(`${data.run.id}.t${seq}`);
      if (isTimer && wakeAt) await this.publisher.early({ run: stepped.idle, seq, wakeAt });
      return { silent, value: 'nothing to do' };
    }
    const published = between('publishing', () => this.publisher.publish(stepped));
    const facts = await published.catch((cause: unknown) => {
      // It is stored, and made known again by the sweep: what failed here must not be taken for a step that failed.
      log.warn({ run: data.run.id, err: cause }, 'what the run asked for could not be made known yet');
      return [];
    });
    return { silent, facts, value: { status: stepped.run.status } };
  }

  /** A wake-up that is given up says nothing of its event: the sweep wakes the run again. */
  onGivenUp(data: FlowJob, jobId: string, state: GivenUp, error: ErrorRecord): NewFact[] {
    if (!data.start) return [];
    const about = { tenant: data.meta.tenant, eventId: data.eventId };
    return [{ ...about, kind: 'job.ended', jobId, queue: this.queue, state, error }];
  }
}
