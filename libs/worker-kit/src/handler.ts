import type { ErrorRecord, Fact, Planning, QueueName, SpillwayError } from '@spillway/contracts';
import type { Log } from '@spillway/observability';
import type { JobData, NewFact } from '@spillway/queues';
import type { MayGoOn } from './on-the-spot';

/** One attempt of one job, as its handler sees it. */
export interface JobContext<Data> {
  id: string;
  queue: QueueName;
  data: Data;
  /** From 1. */
  attempt: number;
  /** An earlier attempt may have been cut off (its worker died), so what it did is not known. */
  interrupted: boolean;
  /** Nobody can have taken the job before: no attempt was made or waited, and it is no redrive. */
  isFirst: boolean;
  /** How many earlier attempts were cut off. */
  deaths: number;
  /** Aborts when the attempt's time is over or the job is cancelled: give it to every call that can hang. */
  signal: AbortSignal;
  log: Log;
  /** Whether a job that this one leads to may be given back as `next`; absent where none may. */
  mayGoOn?: MayGoOn;
  /** It is in no queue: it is done by who made it necessary. */
  isOnTheSpot: boolean;
  /** Of such a one: what was known when it was asked for. */
  known?: unknown;
}

/** A job that its worker does right after the one that led to it. */
export interface NextJob {
  queue: QueueName;
  id: string;
  data: JobData[QueueName];
  /** In place of the queue's own number. */
  attempts?: number;
  /** What its handler need not look up. */
  known?: unknown;
}

/** What a handler gives back when it is done. */
export interface Outcome {
  /** For the ledger, beside the attempt and the end, which the kit tells. */
  facts?: NewFact[];
  /** Nothing worth a line in the ledger. */
  silent?: boolean;
  /** Shown in the admin as the job's return value. */
  value?: unknown;
  response?: { status: number };
  /** The channel of a message to people, for the books. */
  channel?: string;
  /** The recorded result was returned, nothing was called. */
  recorded?: boolean;
  /** The other side may have seen this effect before. */
  repeat?: boolean;
  /** To be done in this one's place, as `JobContext.mayGoOn` said they may; they are in no queue. */
  next?: NextJob[];
}

export type GivenUp = 'dead-letter' | 'cancelled';

/**
 * What a queue's jobs do.
 * It throws a `SpillwayError` to say how its failure is to be handled; anything else thrown counts as transient.
 */
export interface Handler<Name extends QueueName = QueueName> {
  queue: Name;
  handle(context: JobContext<JobData[Name]>): Promise<Outcome>;
  /** Facts that tell of a job that failed for good or was cancelled; by default its end. */
  onGivenUp?(data: JobData[Name], jobId: string, state: GivenUp, error: ErrorRecord): NewFact[];
  /**
   * A job that is given up may have an end of its own: a call of a run answers with its failure. What this gives back
   * ends the job in place of a dead letter.
   */
  conclude?(data: JobData[Name], jobId: string, error: SpillwayError): Promise<Outcome | undefined>;
  /** What was planned with a job, where its end is to tell the ledger that. */
  planned?(data: JobData[Name], jobId: string): Planning | undefined;
  /** Whether the ledger has a line for each attempt. */
  tellsAttempts: boolean;
}

/** Who a job belongs to, for records about it. */
export function subjectOf(data: JobData[QueueName]): { tenant: string; eventId: string } {
  if ('facts' in data) {
    return { tenant: only(data.facts, 'tenant'), eventId: only(data.facts, 'eventId') };
  }
  if ('schedule' in data) return { tenant: data.meta.tenant, eventId: '' };
  return { tenant: data.meta.tenant, eventId: 'event' in data ? data.event.id : data.eventId };
}

/** What all facts of a batch have in common, or nothing. */
function only(facts: readonly Fact[], what: 'tenant' | 'eventId'): string {
  const first = facts[0]?.[what] ?? '';
  return facts.every((fact) => fact[what] === first) ? first : '';
}
