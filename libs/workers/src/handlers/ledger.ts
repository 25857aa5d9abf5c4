import type { AnalyticsJob, Fact } from '@spillway/contracts';
import { batched } from '@spillway/persistence';
import type { Platform } from '@spillway/runtime';
import type { Handler, JobContext, Outcome } from '@spillway/worker-kit';
import { between } from '../faults';

/** Jobs whose facts go into one transaction: as many as a process has at once. */
const MOST_JOBS = 20;
/** DESIGN.md gives a batch 250 ms; the sooner an event is seen done, the better. */
const LINGER_MS = 100;

/** `analytics-events`: writes what happened into the ledger, what is at hand in one transaction. */
export class LedgerHandler implements Handler<'analytics-events'> {
  readonly queue = 'analytics-events';
  readonly tellsAttempts = false;
  private readonly write: (job: { id: string; facts: Fact[] }) => Promise<void>;

  constructor(platform: Pick<Platform, 'ledger'>) {
    this.write = batched(
      async (jobs: { id: string; facts: Fact[] }[]) => {
        await platform.ledger.recordJobs(jobs);
        return jobs.map(() => undefined);
      },
      { most: MOST_JOBS, lingerMs: LINGER_MS },
    );
  }

  async handle({ id, data }: JobContext<AnalyticsJob>): Promise<Outcome> {
    await between('ledger', () => this.write({ id, facts: data.facts }));
    return { value: data.facts.length };
  }

  /** Facts about facts would never end. */
  onGivenUp() {
    return [];
  }
}
