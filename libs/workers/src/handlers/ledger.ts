import type { AnalyticsJob, Fact } from '@spillway/contracts';
import { batched } from '@spillway/persistence';
import type { Platform } from '@spillway/runtime';
import type { Handler, JobContext, Outcome } from '@spillway/worker-kit';

/** Jobs whose facts go into one transaction. */
const MOST_JOBS = 10;

/** `analytics-events`: writes what happened into the ledger, what is at hand in one transaction. */
export class LedgerHandler implements Handler<'analytics-events'> {
  readonly queue = 'analytics-events';
  readonly tellsAttempts = false;
  private readonly write: (facts: Fact[]) => Promise<void>;

  constructor(platform: Pick<Platform, 'ledger'>) {
    this.write = batched(async (groups: Fact[][]) => {
      await platform.ledger.record(groups.flat());
      return groups.map(() => undefined);
    }, MOST_JOBS);
  }

  async handle({ data }: JobContext<AnalyticsJob>): Promise<Outcome> {
    await this.write(data.facts);
    return { value: data.facts.length };
  }

  /** Facts about facts would never end. */
  onGivenUp() {
    return [];
  }
}
