import type { AttemptRecord, ErrorRecord, Fact, FactKind, PlannedJob } from '@spillway/contracts';

type FactOf<Kind extends FactKind> = Extract<Fact, { kind: Kind }>;

export interface FoldedJob {
  id: string;
  queue: string;
  tenant: string;
  eventId: string;
  route: string;
  task: string;
  target: number;
  runId: string | null;
  state: 'queued' | 'done' | 'dead-letter' | 'cancelled';
  createdAt: number;
  stateAt: number;
  error?: ErrorRecord;
  /** The attempt that did it, when that was the first and nothing about it is special. */
  first?: FoldedAttempt;
}

export interface FoldedAttempt extends AttemptRecord {
  /** The fact's. */
  id: string;
  at: number;
  tenant: string;
  eventId: string;
  jobId: string;
  queue: string;
  outcome: 'ok' | 'error';
  error?: ErrorRecord;
}

/** A batch of facts as the rows they come to: at most one row for each event and job. */
export interface Folded {
  /** All that the facts touch, sorted, so that two batches lock them in the same order. */
  eventIds: string[];
  accepted: FactOf<'event.accepted'>[];
  routed: FactOf<'event.routed'>[];
  failed: FactOf<'event.failed'>[];
  duplicates: FactOf<'event.duplicate'>[];
  attempts: FoldedAttempt[];
  jobs: FoldedJob[];
}

/** Sorts a batch of facts into rows. A job planned and ended in one batch becomes one row in its last state. */
export function fold(facts: Fact[]): Folded {
  const accepted = new Map<string, FactOf<'event.accepted'>>();
  const routed = new Map<string, FactOf<'event.routed'>>();
  const failed = new Map<string, FactOf<'event.failed'>>();
  const duplicates = new Map<string, FactOf<'event.duplicate'>>();
  const attempts = new Map<string, FoldedAttempt>();
  const jobs = new Map<string, FoldedJob>();

  for (const fact of facts) {
    if (fact.kind === 'event.accepted') accepted.set(fact.eventId, fact);
    else if (fact.kind === 'event.failed') failed.set(fact.eventId, fact);
    else if (fact.kind === 'event.duplicate') duplicates.set(fact.id, fact);
    else if (fact.kind === 'job.attempt') {
      attempts.set(fact.id, { ...fact, outcome: 'error' });
      mergePlanned(jobs, fact);
    } else if (fact.kind === 'run.ended' || fact.kind === 'audit') continue;
    else if (fact.kind === 'event.routed') {
      routed.set(fact.eventId, fact);
      for (const job of fact.jobs) mergeJob(jobs, plannedRow(fact, job));
    } else if (fact.kind === 'job.planned') mergeJob(jobs, plannedRow(fact, fact.job));
    else {
      const row = stateRow(fact);
      const attempt = attemptOf(fact);
      if (attempt && isPlainFirst(attempt) && (jobs.get(row.id)?.first?.id ?? attempt.id) === attempt.id)
        row.first = attempt;
      else if (attempt) attempts.set(attempt.id, attempt);
      mergePlanned(jobs, fact);
      mergeJob(jobs, row);
    }
  }
  const touched = facts.filter(isOfTheState);
  return {
    eventIds: [...new Set(touched.map((fact) => fact.eventId))].sort(),
    accepted: sortedById([...accepted.values()], (fact) => fact.eventId),
    routed: [...routed.values()],
    failed: [...failed.values()],
    duplicates: [...duplicates.values()],
    attempts: [...attempts.values()],
    jobs: sortedById([...jobs.values()], (job) => job.id),
  };
}

/** Whether it may say something of the state of its event. */
function isOfTheState(fact: Fact): boolean {
  if (fact.kind === 'job.attempt') return fact.planned !== undefined;
  return fact.kind !== 'event.duplicate' && fact.kind !== 'audit';
}

/**
 * A plan counts as older than everything else: a quick job may end before its plan is told, and clocks differ. Only a
 * redrive opens a job again.
 */
function plannedRow(fact: Fact, job: PlannedJob): FoldedJob {
  return {
    id: job.id,
    queue: job.queue,
    tenant: fact.tenant,
    eventId: fact.eventId,
    route: job.route,
    task: job.task,
    target: job.target,
    runId: job.run ?? null,
    state: 'queued',
    createdAt: fact.at,
    stateAt: 0,
  };
}

function stateRow(fact: FactOf<'job.ended'> | FactOf<'job.redriven'>): FoldedJob {
  return {
    id: fact.jobId,
    queue: fact.queue,
    tenant: fact.tenant,
    eventId: fact.eventId,
    route: '',
    task: '',
    target: 0,
    runId: null,
    state: fact.kind === 'job.ended' ? fact.state : 'queued',
    createdAt: fact.at,
    stateAt: fact.at,
    error: fact.kind === 'job.ended' ? fact.error : undefined,
  };
}

function attemptOf(fact: Fact): FoldedAttempt | undefined {
  if (fact.kind !== 'job.ended' || !fact.attempt) return undefined;
  const { id, at, tenant, eventId, jobId, queue, attempt } = fact;
  return { ...attempt, id, at, tenant, eventId, jobId, queue, outcome: 'ok' };
}

function isPlainFirst({ attempt, repeat, recorded }: FoldedAttempt): boolean {
  return attempt === 1 && !repeat && !recorded;
}

function mergePlanned(jobs: Map<string, FoldedJob>, fact: Fact): void {
  const planned = 'planned' in fact ? fact.planned : undefined;
  if (planned) mergeJob(jobs, { ...plannedRow(fact, planned.job), createdAt: planned.at });
}

function mergeJob(jobs: Map<string, FoldedJob>, next: FoldedJob): void {
  const known = jobs.get(next.id);
  if (!known) return void jobs.set(next.id, next);
  const [older, newer] = known.stateAt <= next.stateAt ? [known, next] : [next, known];
  jobs.set(next.id, {
    ...newer,
    route: newer.route || older.route,
    task: newer.task || older.task,
    target: Math.max(newer.target, older.target),
    runId: newer.runId ?? older.runId,
    createdAt: Math.min(newer.createdAt, older.createdAt),
    first: newer.first ?? older.first,
  });
}

function sortedById<Row>(rows: Row[], id: (row: Row) => string): Row[] {
  return rows.sort((a, b) => (id(a) < id(b) ? -1 : 1));
}
