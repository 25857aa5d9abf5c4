import { context, propagation, ROOT_CONTEXT, type Span, trace, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import type { Config } from '@spillway/config';
import { bullmqTelemetry } from './bullmq-telemetry';
import { readable } from './readable-span';
import { KINDS, RecordedSpan } from './recorded-span';
import { Sampling } from './sampling';
import { Segment } from './segment';
import { newTraceId, parseTraceparent, type TraceParent } from './trace-context';
import { TraceKeeper } from './trace-keeper';
import type { SpanLink, SpanOptions, Tracing } from './tracing';

const KIND_OF = Object.values(KINDS);
/** Spans that wait to be sent; more are dropped and never hold up work. */
const MOST_WAITING = 16_384;

/** Tracing that is on. Loaded only then: docs/operate/observe.md. */
export class TracingSdk implements Tracing {
  readonly telemetry;
  private readonly processor: BatchSpanProcessor;
  private readonly sampling: Sampling;
  private readonly keeper: TraceKeeper;

  constructor(
    private readonly config: Config['telemetry'],
    resource: Resource,
  ) {
    const exporter = new OTLPTraceExporter({ url: config.tracesUrl, headers: config.headers });
    this.processor = new BatchSpanProcessor({
      exporter,
      maxQueueSize: MOST_WAITING,
      scheduledDelayMillis: config.exportDelayMs,
    });
    this.sampling = new Sampling(config.sampler);
    this.keeper = new TraceKeeper((spans) => {
      for (const span of spans) this.processor.onEnd(readable(span, resource));
    });
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    trace.setGlobalTracerProvider({ getTracer: () => this.tracer });
    this.telemetry = bullmqTelemetry();
  }

  start(name: string, options: SpanOptions): RecordedSpan {
    const { parent, kind = 'internal', attributes, startedAt = performance.now() } = options;
    const local = parent === undefined && !options.root ? this.active() : undefined;
    const links = (options.links ?? []).flatMap((link) => linkOf(link) ?? []);
    const span = local
      ? new RecordedSpan(name, KINDS[kind], local.segment, local.spanId, attributes, startedAt)
      : this.begin(
          name,
          KINDS[kind],
          options.root ? undefined : parseTraceparent(parent ?? activeParent()),
          { ...options, startedAt },
          links,
        );
    for (const { link } of links) span.addLink(link);
    return span;
  }

  with<T>(span: RecordedSpan, work: () => T): T {
    return context.with(trace.setSpan(context.active(), span), work);
  }

  outside<T>(work: () => T): T {
    return context.with(ROOT_CONTEXT, work);
  }

  active(): RecordedSpan | undefined {
    const span = trace.getActiveSpan();
    return span instanceof RecordedSpan ? span : undefined;
  }

  flush(): Promise<void> {
    return this.processor.forceFlush();
  }

  async shutdown(): Promise<void> {
    trace.disable();
    propagation.disable();
    context.disable();
    await this.processor.shutdown();
  }

  /** A segment of a trace: a new one, or what comes from outside this process. */
  private begin(
    name: string,
    kind: number,
    parent: TraceParent | undefined,
    { untrusted, tracestate, attributes, startedAt }: SpanOptions,
    links: { parent: TraceParent; followed: boolean }[],
  ): RecordedSpan {
    const traceId = parent?.traceId ?? newTraceId();
    const trusted =
      parent && !untrusted ? { ...parent, traceFlags: parent.sampled ? 1 : 0, isRemote: true } : undefined;
    const sampled =
      links.some((link) => link.followed && link.parent.sampled) || this.sampling.isSampled(traceId, name, trusted);
    const segment = new Segment(traceId, sampled, tracestate, this.keeper, this.config.slowMs);
    return segment.begin(new RecordedSpan(name, kind, segment, parent?.spanId, attributes, startedAt!));
  }

  /** For BullMQ, and for whoever uses OpenTelemetry's API in code of their own. */
  private readonly tracer: Tracer = {
    startSpan: (name, options = {}, around = context.active()): Span => {
      const parent = options.root ? undefined : trace.getSpan(around);
      const { attributes } = options;
      if (parent instanceof RecordedSpan) {
        const kind = options.kind ?? KINDS.internal;
        return new RecordedSpan(name, kind, parent.segment, parent.spanId, attributes, performance.now());
      }
      const remote = parent?.spanContext();
      const known = remote && { ...remote, sampled: (remote.traceFlags & 1) === 1 };
      const about = { attributes, tracestate: remote?.traceState?.serialize(), startedAt: performance.now() };
      return this.begin(name, KIND_OF[options.kind ?? 0]!, known, about, []);
    },
    startActiveSpan: (name: string, ...rest: unknown[]): never => {
      const work = rest.at(-1) as (span: Span) => never;
      const [options, around = context.active()] = rest.slice(0, -1) as [never, never];
      const span = this.tracer.startSpan(name, options, around);
      return context.with(trace.setSpan(around, span), work, undefined, span);
    },
  };
}

/** Of a context that somebody else's code made active. */
function activeParent(): string | undefined {
  const remote = trace.getActiveSpan()?.spanContext();
  return remote && `00-${remote.traceId}-${remote.spanId}-0${remote.traceFlags & 1}`;
}

function linkOf({ traceparent, attributes, followed = false }: SpanLink) {
  const parent = parseTraceparent(traceparent);
  if (!parent) return undefined;
  const { traceId, spanId, sampled } = parent;
  const link = { context: { traceId, spanId, traceFlags: sampled ? 1 : 0, isRemote: true }, attributes };
  return { parent, followed, link };
}
