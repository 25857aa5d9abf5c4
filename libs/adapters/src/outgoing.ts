import { currentTracing, errorTypeOf, measure, type RecordedSpan } from '@spillway/observability';

/** Where a request goes. Its path and query are told to nobody: other people's secrets travel in them. */
export interface Destination {
  method: string;
  url: URL;
}

/**
 * Makes one request to a third party and tells of it: a span, whose W3C context goes along, and how long it took until it
 * was answered.
 *
 * @param send gets the headers that carry the context; none while tracing is off
 */
export async function outgoing<T>(
  { method, url }: Destination,
  send: (context: Record<string, string>) => Promise<T>,
  statusOf: (answer: T) => number,
): Promise<T> {
  const startedAt = performance.now();
  const span = currentTracing()?.start(method, { kind: 'client', startedAt, attributes: about(method, url) });
  let status = '';
  let failure = '';
  try {
    const answer = await send(carried(span));
    status = String(statusOf(answer));
    if (Number(status) >= 400) failure = status;
    return answer;
  } catch (error) {
    failure = errorTypeOf(error);
    throw error;
  } finally {
    measure.clientDuration.record((performance.now() - startedAt) / 1_000, knownMethod(method), status, failure);
    if (status) span?.setAttribute('http.response.status_code', Number(status));
    if (failure) span?.fail(failure);
    span?.end();
  }
}

/** As headers, or as metadata of another protocol. */
export function carried(span: RecordedSpan | undefined): Record<string, string> {
  if (!span) return {};
  const { traceparent, tracestate } = span;
  return { traceparent, ...(tracestate && { tracestate }) };
}

function about(method: string, url: URL) {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  return { 'http.request.method': method, 'server.address': url.hostname, 'server.port': port };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** A flow may ask for any word. */
function knownMethod(method: string): string {
  return METHODS.has(method) ? method : '_OTHER';
}
