import type { AnalyticsJob, Fact } from '@spillway/contracts';
import { activeSpan, currentTracing, parseTraceparent } from '@spillway/observability';
import { type AuditEntry, batched } from '@spillway/persistence';
import { between, type Platform } from '@spillway/runtime';
import type { Handler, JobContext, Outcome } from '@spillway/worker-kit';

/** Jobs whose facts go into one transaction: as many as a process has at once. */
const MOST_JOBS = 50;
/** Under load. What came of one event in that time is one change to each of its rows. */
const LINGER_MS = 250;

type AuditFactOf = Extract<Fact, { kind: 'audit' }>;

function toEntry({ kind: _, tenant, eventId, id, entryId, details, ...entry }: AuditFactOf): AuditEntry {
  const about = { ...details, ...(eventId && { eventId }) };
  return { ...entry, id: entryId ?? id, tenant: tenant || undefined, details: about };
}

/** `analytics-events`: writes what happened into the ledger, what is at hand in one transaction. */
export class LedgerHandler implements Handler<'analytics-events'> {
  readonly queue = 'analytics-events';
  readonly tellsAttempts = false;
  private readonly write: (job: { id: string; facts: Fact[] }) => Promise<void>;

  constructor(platform: Pick<Platform, 'ledger' | 'audit'>) {
    this.write = batched(
      async (jobs: { id: string; facts: Fact[] }[]) => {
        // Told again, an entry is there already: it goes by its own id, and before the job counts as recorded.
        const entries = jobs.flatMap(({ facts }) => facts.filter((fact) => fact.kind === 'audit'));
        await platform.audit.record(...entries.map(toEntry));
        await platform.ledger.recordJobs(jobs);
        return jobs.map(() => undefined);
      },
      { most: MOST_JOBS, lingerMs: LINGER_MS },
    );
  }

  async handle({ id, data }: JobContext<AnalyticsJob>): Promise<Outcome> {
    const startedAt = performance.now();
    await between('ledger', () => this.write({ id, facts: data.facts }));
    tellTraces(data.traces, startedAt);
    return { value: data.facts.length };
  }

  /** Facts about facts would never end. */
  onGivenUp() {
    return [];
  }
}

/**
 * A batch belongs to no one trace: it links to those whose facts it holds, and each of them gets a span of its own for
 * what was written, which links back.
 */
function tellTraces(traces: readonly string[] = [], startedAt: number): void {
  const tracing = currentTracing();
  const batch = activeSpan();
  if (!tracing || !batch) return;
  for (const parent of traces) {
    const { traceId, spanId } = parseTraceparent(parent) ?? {};
    if (!traceId || !spanId) continue;
    batch.addLink({ context: { traceId, spanId, traceFlags: 1, isRemote: true } });
    const links = [{ traceparent: batch.traceparent, followed: true }];
    tracing.start('write ledger', { parent, startedAt, links, attributes: { 'db.system.name': 'postgresql' } }).end();
  }
}
