import type { SpillwayEvent } from '@spillway/contracts';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../schema';
import type { Vault } from '../vault/vault';

export interface EventFilter {
  tenant?: string;
  source?: string;
  provider?: string;
  /** `*` stands for any characters. */
  type?: string;
  state?: string;
  subject?: string;
  providerId?: string;
  correlationId?: string;
  since?: Date;
  until?: Date;
  /** The last id of the page before. */
  before?: string;
  limit?: number;
}

export interface EventSummary {
  id: string;
  tenant: string;
  source: string;
  provider: string;
  type: string;
  subject: string | null;
  state: string;
  acceptedAt: Date;
  endedAt: Date | null;
  bytes: number;
}

export interface TimelineEntry {
  at: Date;
  /** accepted, routed, duplicate of other content, attempt, done, dead-letter, … */
  what: string;
  queue?: string;
  jobId?: string;
  route?: string;
  task?: string;
  attempt?: number;
  durationMs?: number;
  status?: number | null;
  repeat?: boolean;
  recorded?: boolean;
  error?: unknown;
}

export interface EventRecord extends EventSummary {
  event: SpillwayEvent;
  via: string;
  bodySha256: string;
  routedAt: Date | null;
  error: unknown;
  jobs: {
    id: string;
    queue: string;
    route: string;
    task: string;
    state: string;
    attempts: number;
    runId: string | null;
    error: unknown;
  }[];
  runs: { id: string; flow: string; state: string }[];
  timeline: TimelineEntry[];
}

/** Reads events and what became of them. */
export class EventRecords {
  constructor(
    private readonly db: Kysely<Schema>,
    private readonly vault: Vault,
  ) {}

  /** Whose events these are. */
  async tenantsOf(ids: string[]): Promise<Map<string, string>> {
    const uuids = ids.filter((id) => /^[0-9a-f-]{36}$/.test(id));
    if (uuids.length === 0) return new Map();
    const rows = await this.db.selectFrom('events').select(['id', 'tenant']).where('id', 'in', uuids).execute();
    return new Map(rows.map((row) => [row.id, row.tenant]));
  }

  /** Newest first. */
  async list(filter: EventFilter): Promise<EventSummary[]> {
    let query = this.db
      .selectFrom('events')
      .select(['id', 'tenant', 'source', 'provider', 'type', 'subject', 'state', 'bytes'])
      .select(['accepted_at as acceptedAt', 'ended_at as endedAt'])
      .orderBy('id', 'desc')
      .limit(Math.min(filter.limit ?? 50, 500));
    if (filter.tenant) query = query.where('tenant', '=', filter.tenant);
    if (filter.source) query = query.where('source', '=', filter.source);
    if (filter.provider) query = query.where('provider', '=', filter.provider);
    if (filter.type) query = query.where('type', 'like', likePattern(filter.type));
    if (filter.state) query = query.where('state', '=', filter.state);
    if (filter.subject) query = query.where('subject', '=', filter.subject);
    if (filter.providerId) query = query.where('provider_id', '=', filter.providerId);
    if (filter.correlationId) query = query.where('correlation_id', '=', filter.correlationId);
    if (filter.since) query = query.where('accepted_at', '>=', filter.since);
    if (filter.until) query = query.where('accepted_at', '<', filter.until);
    if (filter.before) query = query.where('id', '<', filter.before);
    return query.execute();
  }

  /** One event with its jobs, runs and timeline; undefined when it is not in the ledger (yet). */
  async find(id: string): Promise<EventRecord | undefined> {
    const row = await this.db.selectFrom('events').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) return undefined;
    const [kept, attempted, runs, collisions] = await Promise.all([
      this.db.selectFrom('jobs').selectAll().where('event_id', '=', id).orderBy('created_at').orderBy('id').execute(),
      this.db.selectFrom('attempts').selectAll().where('event_id', '=', id).orderBy('at').execute(),
      this.db.selectFrom('runs').select(['id', 'flow', 'status']).where('event_id', '=', id).execute(),
      this.db.selectFrom('collisions').selectAll().where('event_id', '=', id).execute(),
    ]);
    const [event, error] = await Promise.all([
      this.vault.show<SpillwayEvent>(['event', id], row.event),
      this.vault.show(['event-error', id], row.error),
    ]);
    const jobs = await Promise.all(
      kept.map(async (job) => ({ ...job, error: await this.vault.show(['job-error', job.id], job.error) })),
    );
    const attempts = await Promise.all(
      attempted.map(async (one) => ({ ...one, error: await this.vault.show(['attempt-error', one.id], one.error) })),
    );
    const timeline: TimelineEntry[] = [
      { at: row.accepted_at, what: row.via === 'outbox' ? 'accepted (outbox)' : 'accepted' },
    ];
    if (row.routed_at) timeline.push({ at: row.routed_at, what: routedTo(jobs) });
    for (const one of collisions) timeline.push({ at: one.at, what: 'collision: same id, other content' });
    const byId = new Map(jobs.map((job) => [job.id, job]));
    for (const one of attempts) {
      const job = byId.get(one.job_id);
      timeline.push({
        at: one.at,
        what: one.outcome === 'ok' ? 'attempt succeeded' : 'attempt failed',
        queue: one.queue,
        jobId: one.job_id,
        route: job?.route,
        task: job?.task,
        attempt: one.attempt,
        durationMs: one.duration_ms,
        status: one.status,
        repeat: one.repeat,
        recorded: one.recorded,
        error: one.error,
      });
    }
    for (const job of jobs) {
      if (!job.first_at) continue;
      timeline.push({
        at: job.first_at,
        what: 'attempt succeeded',
        queue: job.queue,
        jobId: job.id,
        route: job.route,
        task: job.task,
        attempt: 1,
        durationMs: job.first_ms ?? undefined,
        status: job.first_status,
        repeat: false,
        recorded: false,
      });
    }
    for (const job of jobs.filter((one) => one.state !== 'queued')) {
      timeline.push({
        at: job.state_at,
        what: job.state,
        queue: job.queue,
        jobId: job.id,
        route: job.route,
        task: job.task,
      });
    }
    return {
      id: row.id,
      tenant: row.tenant,
      source: row.source,
      provider: row.provider,
      type: row.type,
      subject: row.subject,
      state: row.state,
      acceptedAt: row.accepted_at,
      endedAt: row.ended_at,
      bytes: row.bytes,
      event,
      via: row.via,
      bodySha256: row.body_sha256,
      routedAt: row.routed_at,
      error,
      jobs: jobs.map((job) => ({
        id: job.id,
        queue: job.queue,
        route: job.route,
        task: job.task,
        state: job.state,
        attempts: job.attempts,
        runId: job.run_id,
        error: job.error,
      })),
      runs: runs.map((run) => ({ id: run.id, flow: run.flow, state: run.status })),
      timeline: timeline.sort((a, b) => a.at.getTime() - b.at.getTime()),
    };
  }

  /** The event that a second copy, taken in while the queues were away, turned out to be. */
  async duplicateOf(id: string): Promise<string | undefined> {
    const row = await this.db
      .selectFrom('outbox')
      .select('duplicate_of')
      .where('event_id', '=', id)
      .where('duplicate_of', 'is not', null)
      .executeTakeFirst();
    return row?.duplicate_of ?? undefined;
  }

  /** Jobs that the ledger holds for unfinished, and were made before `time`: candidates of the reconciler. */
  async openJobs(before: Date, after: string, limit: number): Promise<OpenJob[]> {
    const { rows } = await sql<OpenJob>`
      select j.id, j.queue, j.route, j.target, j.run_id as "runId", j.event_id as "eventId", e.event
      from jobs j join events e on e.id = j.event_id
      where j.state = 'queued' and j.created_at < ${before} and j.state_at < ${before} and j.id > ${after}
      order by j.id limit ${limit}`.execute(this.db);
    return this.withEvents(rows, (row) => row.eventId);
  }

  /** Events that were recorded as accepted and never routed. */
  async unroutedEvents(
    before: Date,
    limit: number,
  ): Promise<{ event: SpillwayEvent; bodySha256: string; bytes: number }[]> {
    const rows = await this.db
      .selectFrom('events')
      .select(['id', 'event', 'body_sha256 as bodySha256', 'bytes'])
      .where('state', '=', 'accepted')
      .where('accepted_at', '<', before)
      .orderBy('id')
      .limit(limit)
      .execute();
    return this.withEvents(rows, (row) => row.id);
  }

  /** Those whose event can be read: of a shredded one nothing can be done again. */
  private async withEvents<Row extends { event: unknown }>(rows: Row[], idOf: (row: Row) => string) {
    const opened = await Promise.all(
      rows.map(async (row) => ({
        ...row,
        event: await this.vault.show<SpillwayEvent>(['event', idOf(row)], row.event),
      })),
    );
    return opened.filter(({ event }) => !('unreadable' in event));
  }
}

export interface OpenJob {
  id: string;
  queue: string;
  route: string;
  target: number;
  runId: string | null;
  eventId: string;
  event: SpillwayEvent;
}

/** `stripe.*` → a LIKE pattern, with LIKE's own signs escaped. */
function likePattern(pattern: string): string {
  return pattern.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}

/** Of a run only its beginning was made by the routes. */
function routedTo(jobs: { id: string; run_id: string | null }[]): string {
  const count = jobs.filter((job) => job.run_id === null || job.id === job.run_id).length;
  return `routed to ${count} ${count === 1 ? 'job' : 'jobs'}`;
}
