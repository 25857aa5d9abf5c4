import type { Attributes } from '@opentelemetry/api';
import type { Telemetry } from 'bullmq';
import type { RecordedSpan, SpanKindName } from './recorded-span';

export interface SpanLink {
  traceparent: string;
  attributes?: Attributes;
  /** Whether the new trace is sampled because the linked one is. Never of what came from outside. */
  followed?: boolean;
}

export interface SpanOptions {
  kind?: SpanKindName;
  attributes?: Attributes;
  /** W3C; left out: the active span, if there is one. */
  parent?: string;
  /** Begins a trace, whatever is active. */
  root?: boolean;
  tracestate?: string;
  links?: SpanLink[];
  /** The parent is somebody else's: whether the trace is sampled is ours to say. */
  untrusted?: boolean;
  /** As `performance.now()`; now if left out. */
  startedAt?: number;
}

/** Tracing as it is when it is on; see `startTelemetry`. */
export interface Tracing {
  start(name: string, options: SpanOptions): RecordedSpan;
  with<T>(span: RecordedSpan, work: () => T): T;
  /** Outside of every span. */
  outside<T>(work: () => T): T;
  active(): RecordedSpan | undefined;
  /** For BullMQ's workers. */
  readonly telemetry: Telemetry;
}

let tracing: Tracing | undefined;

/** Undefined while tracing is off: then nothing of it is loaded, and nothing is to be done for it. */
export function currentTracing(): Tracing | undefined {
  return tracing;
}

export function useTracing(next: Tracing | undefined): void {
  tracing = next;
}

export function activeSpan(): RecordedSpan | undefined {
  return tracing?.active();
}

/** W3C, of the active span. */
export function activeTraceparent(): string | undefined {
  return tracing?.active()?.traceparent;
}

/** Does `work` in a span of its own, which fails when it throws. */
export async function traced<T>(
  name: string,
  options: SpanOptions,
  work: (span: RecordedSpan | undefined) => Promise<T>,
): Promise<T> {
  const on = tracing;
  if (!on) return work(undefined);
  const span = on.start(name, options);
  try {
    return await on.with(span, () => work(span));
  } catch (error) {
    span.fail(errorTypeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** A short word for what went wrong, without its message. */
export function errorTypeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  return typeof name === 'string' && name !== '' ? name : 'Error';
}
