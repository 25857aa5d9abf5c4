import type { Priority, SpillwayEvent } from './event';
import type { Task } from './task';

/** What every job carries beside its work. */
export interface JobMeta {
  tenant: string;
  priority: Priority;
  /** The role, key or person that made the job. */
  createdBy: string;
  /** Unix milliseconds. */
  createdAt: number;
  correlationId: string;
  /** Of one attempt, when it differs from the queue's. */
  timeoutMs?: number;
  /** Unix milliseconds after which the work is pointless; it then fails as permanent. */
  deadline?: number;
  /** How often it came back from the dead letters. */
  redrives?: number;
  /** Somebody may have begun it before it came into its queue, and died. */
  unsure?: boolean;
  /** Attempts that were made before it came into its queue. */
  tried?: number;
}

/** `ingress-events`: an accepted event on its way to the routes. */
export interface IngressJob {
  event: SpillwayEvent;
  meta: JobMeta;
  /** SHA-256 and length of the raw body. */
  body: { sha256: string; bytes: number };
  /** How it got into the queue. */
  via: 'queue' | 'outbox' | 'reconciler';
  /** Set when an operator sent the event through the routes again. */
  replay?: { id: string; /** Only these routes. */ routes?: string[] };
}

/** A schedule's tick in `ingress-events`; the worker makes an event of it. */
export interface ScheduleJob {
  schedule: { tenant: string; name: string };
  meta: JobMeta;
}

/** A run, as jobs name it. */
interface RunRef {
  id: string;
  flow: string;
}

/** `orchestration-flows`: a wake-up that takes a run on, or begins it. */
export interface FlowJob {
  run: RunRef;
  route: string;
  eventId: string;
  meta: JobMeta;
  /** Set when the run is to begin: with this version of the flow, and the event as its input. */
  start?: { hash: string; version: string; event: SpillwayEvent };
}

/** `integration-tasks` and `notifications`: what a task of a run calls. */
export interface CallJob {
  call: CallRequest;
  run: RunRef & {
    /** Of the task in this run. */
    node: number;
    /** JSON pointer to it. */
    path: string;
    /** The run waits for this one answer only: it is read whole before the call, to be taken on with the answer. */
    alone?: boolean;
  };
  route: string;
  eventId: string;
  meta: JobMeta;
}

export interface CallRequest {
  /** `http`, `openapi`, `spillway.notify`, `crm.upsertContact`, … */
  name: string;
  /** Evaluated, or, with `variables`, still to be: with the tenant's secrets, which only the worker has. */
  with: unknown;
  variables?: Record<string, unknown>;
  /** The task's input. */
  input: unknown;
  /** `use.authentications` of the flow, where the call names one of them. Templates over the secrets. */
  authentications?: Record<string, unknown>;
  /** The author's, in place of the job's id. */
  idempotencyKey?: string;
  /** What is called answers later, through a link. */
  callback?: boolean;
}

/** `integration-tasks` and `notifications`: one task over one event, as a route asks for it. */
export interface TaskJob {
  task: Task;
  route: string;
  event: SpillwayEvent;
  meta: JobMeta;
}

/** A queue of your own (`nx g spillway:queue`): an event to do something with. */
export interface EventJob {
  event: SpillwayEvent;
  meta: JobMeta;
}

/** `analytics-events`: facts for the ledger, many jobs' worth at once. */
export interface AnalyticsJob {
  facts: Fact[];
  /** W3C contexts of the sampled traces they are of. */
  traces?: string[];
}

export interface ErrorRecord {
  class: string;
  code: string;
  message: string;
  stack?: string;
}

/** What an event caused: one line of its timeline. */
export interface PlannedJob {
  id: string;
  queue: string;
  route: string;
  task: string;
  /** Index of the target within its route. */
  target: number;
  run?: string;
}

/** A job, and when it was planned. */
export interface Planning {
  job: PlannedJob;
  /** Unix milliseconds. */
  at: number;
}

interface FactBase {
  /** Makes recording it twice harmless. */
  id: string;
  /** Unix milliseconds. */
  at: number;
  tenant: string;
  eventId: string;
}

/** How an attempt went. */
export interface AttemptRecord {
  /** From 1. */
  attempt: number;
  durationMs: number;
  /** The other side may have seen this effect before: an earlier attempt was cut off in the middle. */
  repeat?: boolean;
  /** The recorded result was returned, nothing was called. */
  recorded?: boolean;
  response?: { status: number };
  /** Of a message to people. */
  channel?: string;
  worker: string;
}

export type Fact =
  | (FactBase & { kind: 'event.accepted'; event: SpillwayEvent; body: IngressJob['body']; via: IngressJob['via'] })
  | (FactBase & { kind: 'event.routed'; jobs: PlannedJob[]; replay?: string })
  | (FactBase & { kind: 'event.failed'; error: ErrorRecord })
  | (FactBase & { kind: 'event.duplicate'; source: string; collision?: { sha256: string } })
  | (FactBase & { kind: 'job.planned'; job: PlannedJob })
  | (FactBase &
      AttemptRecord & { kind: 'job.attempt'; jobId: string; queue: string; error: ErrorRecord; planned?: Planning })
  | (FactBase & {
      kind: 'job.ended';
      jobId: string;
      queue: string;
      state: 'done' | 'dead-letter' | 'cancelled';
      error?: ErrorRecord;
      /** The attempt that did it; one that failed is a fact of its own. */
      attempt?: AttemptRecord;
      /** What was planned, where that may not have been told. */
      planned?: Planning;
    })
  | (FactBase & { kind: 'job.redriven'; jobId: string; queue: string })
  /** The state of its event is to be worked out anew. */
  | (FactBase & { kind: 'run.ended'; runId: string })
  /** For the audit log, not for the ledger: what somebody did where the log could not be waited for. */
  | (FactBase & AuditFact & { kind: 'audit' });

/** What somebody did, as the audit log keeps it. The event it has to do with is `eventId`, or empty. */
export interface AuditFact {
  /** `key:ci`, `user:ana`, `link:Bo`: how they are called. */
  actor: string;
  /** The id of the key, when that is not its name. */
  actorId?: string;
  action: string;
  target: string;
  details?: Record<string, unknown>;
  address?: string;
  userAgent?: string;
  outcome?: 'done' | 'refused' | 'failed';
  /** The entry's id, when somebody tried to write it before; else it is the fact's. */
  entryId?: string;
}

export type FactKind = Fact['kind'];

/** What a dead letter queue keeps of a job. */
export interface DeadLetter {
  queue: string;
  job: { id: string; name: string; data: unknown; opts: Record<string, unknown> };
  tenant: string;
  eventId: string;
  error: ErrorRecord;
  attempts: number;
  /** Unix milliseconds. */
  failedAt: number;
  traceparent?: string;
}
