import {
  type IngressJob,
  isIdOfContent,
  newEventId,
  type Priority,
  SpillwayError,
  type SpillwayEvent,
  timeOfId,
  TransientError,
} from '@spillway/contracts';
import { activeSpan, measure, parseTraceparent, tracestateOf } from '@spillway/observability';
import type { Platform } from '@spillway/runtime';
import { hash } from 'node:crypto';
import { OutboxOrder } from './outbox-order';
import { RecentEvents } from './recent-events';
import { SecondPlace } from './second-place';

/** An event before it has our id. */
export interface Incoming {
  tenant: string;
  source: string;
  provider: string;
  /** With the provider's name in front. */
  type: string;
  subject?: string;
  time?: string;
  providerId?: string;
  /** What makes two deliveries the same event. */
  dedupeKey: string;
  orderingKey?: string;
  data: unknown;
  correlationId?: string;
  causationId?: string;
  /** W3C, as the sender gave them. */
  traceparent?: string;
  tracestate?: string;
  priority: Priority;
  /** Milliseconds. */
  dedupeWindow: number;
  body: IngressJob['body'];
  createdBy: string;
  /** The `source` that a flow gave to an event it emits. */
  originSource?: string;
  delayMs?: number;
  /** The quota that keeps it aside until an operator releases it. */
  parkedFor?: string;
}

export interface Accepted {
  /** The event's id, or that of the first one when this is a duplicate. */
  id: string;
  duplicate: boolean;
}

/** Events remembered. */
const MOST_RECENT = 50_000;
/** Not asked more often than this how full the outbox is. */
const DEPTH_CACHE_MS = 1_000;

/**
 * Takes events in for good (docs/architecture.md, "Accepting"): into the queue, or, while that is away, into the
 * outbox. Whoever gets an answer from here may tell the sender 202.
 */
export class Acceptor {
  private outboxDepth = { value: 0, at: 0 };
  /** Until when a partition's queues are taken for away, so that not every request waits for them in vain. */
  private readonly awayUntil = new Map<number, number>();
  /** For when the queue, which knows them all, cannot be asked. */
  private readonly recent = new RecentEvents(MOST_RECENT);
  /** The same, of events that went to the outbox: the queue may not know them yet. */
  private readonly inOutbox = new RecentEvents(MOST_RECENT);

  private readonly order: OutboxOrder;
  private readonly second: SecondPlace;

  constructor(
    private readonly platform: Pick<
      Platform,
      'queues' | 'outbox' | 'kept' | 'facts' | 'log' | 'config' | 'signals' | 'database'
    >,
  ) {
    this.order = new OutboxOrder(platform);
    this.second = new SecondPlace(platform);
  }

  /** @throws TransientError `unavailable` (503, with a time to come back) when the event could not be made durable */
  async accept(incoming: Incoming): Promise<Accepted> {
    const job = toJob(incoming);
    const dedupeId = dedupeIdOf(incoming);
    const id = await this.store(job, dedupeId, incoming);
    this.recent.keep(dedupeId, id);
    activeSpan()?.setAttributes({ 'spillway.event.id': id, 'spillway.event.type': job.event.type });
    if (id === job.event.id) {
      measure.accepted.add(1, incoming.provider, this.inOutbox.has(dedupeId) ? 'outbox' : 'queue');
      measure.tenantEvents.add(1, incoming.tenant);
      return { id, duplicate: false };
    }
    this.tellDuplicate(id, incoming);
    return { id, duplicate: true };
  }

  private async store(job: IngressJob, dedupeId: string, incoming: Incoming): Promise<string> {
    const waiting = this.inOutbox.size > 0 ? this.stillKnown(this.inOutbox, dedupeId, incoming) : undefined;
    if (waiting) return waiting;
    const ahead = await this.order.ahead(job.event);
    const parkedFor = incoming.parkedFor ?? ahead?.parkedFor;
    if (parkedFor !== undefined) {
      const parked = await this.park(job, dedupeId, incoming, parkedFor);
      if (parked) return parked;
    }
    const partition = this.platform.queues.partitions.of(incoming.tenant);
    const isAsked = this.platform.config.ingress.acceptInto !== 'outbox' && !ahead;
    let kept: string | undefined;
    if (isAsked && Date.now() >= (this.awayUntil.get(partition) ?? 0)) {
      kept = await this.second.keep(job, dedupeId, incoming.source, incoming.dedupeWindow);
      if (kept !== undefined && kept !== job.event.id) return kept;
      try {
        const standing = await this.storeInQueue(job, dedupeId, incoming);
        if (kept !== undefined && standing !== kept) this.second.drop(kept);
        return standing;
      } catch (error) {
        this.awayUntil.set(partition, Date.now() + 500);
        this.platform.log.warn({ err: error }, 'the queues are away: events go to the outbox');
      }
    }
    try {
      return await this.storeInOutbox(job, dedupeId, incoming, kept !== undefined);
    } catch (error) {
      this.platform.log.warn({ err: error }, 'the outbox is away, too');
    }
    try {
      // Once more: the queues may be back, or may have taken it without being able to say so. It is the same job.
      return await this.storeInQueue(job, dedupeId, incoming);
    } catch (cause) {
      throw new TransientError('the event could not be stored: neither the queues nor PostgreSQL took it', {
        code: 'unavailable',
        status: 503,
        retryAfterMs: 5_000,
        remedy: 'Send it again later; nothing was kept.',
        cause,
      });
    }
  }

  /** @returns undefined when PostgreSQL does not take it: then it goes the way of all */
  private async park(
    job: IngressJob,
    dedupeId: string,
    { source, dedupeWindow }: Incoming,
    quota: string,
  ): Promise<string | undefined> {
    try {
      const id = await this.platform.outbox.put({ ...job, via: 'outbox' }, dedupeId, source, dedupeWindow, quota);
      await this.order.wentIn(job.event);
      return id;
    } catch (error) {
      this.platform.log.warn({ err: error, event: job.event.id }, 'the event could not be parked');
      return undefined;
    }
  }

  private storeInQueue(job: IngressJob, dedupeId: string, incoming: Incoming): Promise<string> {
    return this.platform.queues.add('ingress-events', job, {
      id: job.event.id,
      priority: incoming.priority,
      deduplication: { id: dedupeId, ttl: incoming.dedupeWindow },
      delayMs: incoming.delayMs,
    });
  }

  /** @param isKept whether it is there already, as what a queue has taken */
  private async storeInOutbox(job: IngressJob, dedupeId: string, incoming: Incoming, isKept: boolean): Promise<string> {
    const known = this.stillKnown(this.recent, dedupeId, incoming);
    if (known) return known;
    if ((await this.depth()) >= this.platform.config.ingress.maxOutbox) throw new Error('the outbox is full');
    const { outbox, kept } = this.platform;
    const id =
      isKept && (await kept.relayLater(job.event.id))
        ? job.event.id
        : await outbox.put({ ...job, via: 'outbox' }, dedupeId, incoming.source, incoming.dedupeWindow);
    this.inOutbox.keep(dedupeId, id);
    await this.order.wentIn(job.event);
    return id;
  }

  private stillKnown(events: RecentEvents, dedupeId: string, { dedupeWindow }: Incoming): string | undefined {
    const id = events.get(dedupeId);
    return id && Date.now() - (timeOfId(id) ?? 0) < dedupeWindow ? id : undefined;
  }

  private async depth(): Promise<number> {
    const now = Date.now();
    if (now - this.outboxDepth.at > DEPTH_CACHE_MS) {
      this.outboxDepth = { value: await this.platform.outbox.depth(), at: now };
    }
    return this.outboxDepth.value;
  }

  /** For the ledger; the sender has its answer whether or not it can be told. */
  private tellDuplicate(eventId: string, incoming: Incoming): void {
    const collision = isIdOfContent(eventId, incoming.body.sha256)
      ? {}
      : { collision: { sha256: incoming.body.sha256 } };
    const { tenant, source } = incoming;
    measure.duplicates.add(1, incoming.provider, 'collision' in collision ? 'true' : 'false');
    this.platform.facts
      .record([{ kind: 'event.duplicate', tenant, eventId, source, ...collision }])
      .catch((error: unknown) => this.platform.log.warn({ err: error, event: eventId }, 'duplicate not recorded'));
  }
}

/** A type is a word in routes, job names and metric labels: control characters have no place in it. */
const CONTROL = /[\u0000-\u001f\u007f]/g;

function toJob(incoming: Incoming): IngressJob {
  const now = Date.now();
  const id = newEventId(incoming.body.sha256, now);
  const correlationId = incoming.correlationId ?? id;
  const event: SpillwayEvent = {
    specversion: '1.0',
    id,
    source: `/tenants/${incoming.tenant}/sources/${incoming.source}`,
    type: incoming.type.replace(CONTROL, '').slice(0, 255),
    subject: incoming.subject,
    time: incoming.time ?? new Date(now).toISOString(),
    data: incoming.data,
    tenant: incoming.tenant,
    provider: incoming.provider,
    providerid: incoming.providerId,
    idempotencykey: incoming.dedupeKey,
    orderingkey: incoming.orderingKey,
    correlationid: correlationId,
    causationid: incoming.causationId,
    ...traceOf(incoming),
    originsource: incoming.originSource,
  };
  return {
    event,
    meta: {
      tenant: incoming.tenant,
      priority: incoming.priority,
      createdBy: incoming.createdBy,
      createdAt: now,
      correlationId,
    },
    body: incoming.body,
    via: 'queue',
  };
}

/** Of the request that is being served; while tracing is off, what the sender gave is passed on as it is. */
function traceOf({ traceparent, tracestate }: Incoming): Pick<SpillwayEvent, 'traceparent' | 'tracestate'> {
  const span = activeSpan();
  if (span) return { traceparent: span.traceparent, ...(span.tracestate && { tracestate: span.tracestate }) };
  if (!parseTraceparent(traceparent)) return {};
  const state = tracestateOf(tracestate);
  return { traceparent, ...(state !== undefined && { tracestate: state }) };
}

/** One key for (tenant, source, event), of a fixed size whatever the provider calls its events. */
export function dedupeIdOf(incoming: Pick<Incoming, 'tenant' | 'source' | 'dedupeKey'>): string {
  return hash('sha256', `${incoming.tenant}\0${incoming.source}\0${incoming.dedupeKey}`, 'base64url');
}

/** Whether the sender should come back later. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof SpillwayError && error.code === 'unavailable';
}
