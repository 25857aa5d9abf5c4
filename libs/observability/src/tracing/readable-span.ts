import type { HrTime } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { RecordedSpan } from './recorded-span';

const SCOPE = { name: 'spillway' };

/** A span that is kept, as OpenTelemetry's exporters want it. */
export function readable(span: RecordedSpan, resource: Resource): ReadableSpan {
  const { name, kind, status, attributes, links = [], events = [], startedAt } = span;
  const endedAt = span.endedAt ?? startedAt;
  // It is kept, whatever was thought when it began.
  const own = { ...span.spanContext(), traceFlags: 1 };
  const isChild = span.parentSpanId !== undefined;
  return {
    name,
    kind,
    status,
    attributes,
    links,
    events: events.map((event) => ({ name: event.name, time: wallTime(event.at), attributes: event.attributes })),
    spanContext: () => own,
    ...(isChild && { parentSpanContext: { ...own, spanId: span.parentSpanId } }),
    startTime: wallTime(startedAt),
    endTime: wallTime(endedAt),
    duration: hrTime(Math.max(0, endedAt - startedAt)),
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** @param at as `performance.now()` */
function wallTime(at: number): HrTime {
  return hrTime(performance.timeOrigin + at);
}

function hrTime(ms: number): HrTime {
  const seconds = Math.trunc(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
