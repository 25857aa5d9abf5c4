import { ROOT_CONTEXT } from '@opentelemetry/api';
import { SpanKind, type Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';

type BullSpan = ReturnType<Telemetry['tracer']['startSpan']>;

/** What BullMQ does for itself (fetching, locks, stalled checks) is no step of anybody's event. */
const NOTHING: BullSpan = {
  setSpanOnContext: (context) => context as unknown,
  setAttribute: () => undefined,
  setAttributes: () => undefined,
  addEvent: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};

/**
 * BullMQ's own telemetry for workers, with one span for each attempt of a job. The kit says what is known of the job; what
 * BullMQ would say of it holds its result, which is somebody's data.
 */
export function bullmqTelemetry(): Telemetry {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: 'bullmq' });
  return {
    contextManager: {
      with: (context, work) => contextManager.with(context as never, work),
      active: () => contextManager.active(),
      root: () => ROOT_CONTEXT as never,
      getMetadata: (context) => contextManager.getMetadata(context as never),
      fromMetadata: (active, metadata) => contextManager.fromMetadata(active as never, metadata) as never,
    },
    tracer: {
      startSpan(name, options, context) {
        if (options?.kind !== SpanKind.CONSUMER) return NOTHING;
        const span = tracer.startSpan(name, options, context as never);
        return {
          ...NOTHING,
          setSpanOnContext: (inner) => span.setSpanOnContext(inner as never) as unknown,
          recordException: (exception) => span.recordException(exception),
          end: () => span.end(),
        };
      },
    },
  };
}
