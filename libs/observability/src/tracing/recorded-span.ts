import type {
  Attributes,
  AttributeValue,
  Exception,
  Link,
  Span,
  SpanContext,
  SpanStatus,
  TimeInput,
  TraceState,
} from '@opentelemetry/api';
import type { Segment } from './segment';
import { formatTraceparent, newSpanId, type TraceParent } from './trace-context';

/** As OpenTelemetry numbers them. */
export const KINDS = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const;
export type SpanKindName = keyof typeof KINDS;
/** `SpanStatusCode.ERROR`; the API is not loaded for a number. */
const STATUS_ERROR: number = 2;
const MOST_EVENTS = 32;
const MOST_LINKS = 128;

export interface SpanEvent {
  name: string;
  /** As `performance.now()`. */
  at: number;
  attributes?: Attributes;
}

/**
 * A span as it is recorded: a few fields, of which OpenTelemetry's form is made only when it is kept. (A span of the SDK
 * costs a multiple; every event has about twenty, and most are dropped.)
 */
export class RecordedSpan implements Span {
  attributes: Attributes;
  links?: Link[];
  events?: SpanEvent[];
  status: SpanStatus = { code: 0 };
  /** As `performance.now()`. */
  endedAt?: number;
  private id?: string;

  constructor(
    public name: string,
    /** As OpenTelemetry numbers it. */
    readonly kind: number,
    readonly segment: Segment,
    readonly parentSpanId: string | undefined,
    attributes: Attributes | undefined,
    /** As `performance.now()`. */
    readonly startedAt: number,
  ) {
    this.attributes = attributes ?? {};
  }

  get spanId(): string {
    return (this.id ??= newSpanId());
  }

  get traceparent(): string {
    const { traceId, sampled } = this.segment;
    return formatTraceparent({ traceId, spanId: this.spanId, sampled });
  }

  get tracestate(): string | undefined {
    return this.segment.tracestate;
  }

  /** Nothing of what went wrong but its kind: messages may repeat what others sent. */
  fail(errorType: string): this {
    this.attributes['error.type'] = errorType;
    return this.setStatus({ code: STATUS_ERROR, message: errorType });
  }

  /** Links to a trace of our own, and is kept if that one is. */
  follow({ traceId, spanId, sampled }: TraceParent): this {
    if (sampled) this.segment.keep();
    return this.addLink({ context: { traceId, spanId, traceFlags: sampled ? 1 : 0, isRemote: true } });
  }

  spanContext(): SpanContext {
    const { traceId, sampled, tracestate } = this.segment;
    return {
      traceId,
      spanId: this.spanId,
      traceFlags: sampled ? 1 : 0,
      ...(tracestate && { traceState: rawState(tracestate) }),
    };
  }

  setAttribute(key: string, value: AttributeValue): this {
    this.attributes[key] = value;
    return this;
  }

  setAttributes(attributes: Attributes): this {
    Object.assign(this.attributes, attributes);
    return this;
  }

  addEvent(name: string, attributes?: Attributes | TimeInput): this {
    const given = typeof attributes === 'object' && !Array.isArray(attributes) && !(attributes instanceof Date);
    this.events ??= [];
    if (this.events.length < MOST_EVENTS) {
      this.events.push({ name, at: performance.now(), ...(given && { attributes }) });
    }
    return this;
  }

  addLink(link: Link): this {
    this.links ??= [];
    if (this.links.length < MOST_LINKS) this.links.push(link);
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  setStatus(status: SpanStatus): this {
    this.status = status;
    if (Number(status.code) === STATUS_ERROR) this.segment.keep();
    return this;
  }

  updateName(name: string): this {
    this.name = name;
    return this;
  }

  isRecording(): boolean {
    return this.endedAt === undefined;
  }

  recordException(exception: Exception): void {
    const type = typeof exception === 'string' ? 'Error' : (exception.name ?? 'Error');
    this.addEvent('exception', { 'exception.type': type });
    if (Number(this.status.code) !== STATUS_ERROR) this.fail(type);
  }

  /** @param at as `performance.now()`; other forms of time count as now */
  end(at?: TimeInput): void {
    if (this.endedAt !== undefined) return;
    this.endedAt = typeof at === 'number' && at <= performance.now() ? at : performance.now();
    this.segment.ended(this);
  }
}

/** Passed on as it came. */
function rawState(text: string): TraceState {
  return { set: () => rawState(text), unset: () => rawState(text), get: () => undefined, serialize: () => text };
}
