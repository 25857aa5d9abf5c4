import { currentTracing, measure, parseTraceparent, type RecordedSpan, tracestateOf } from '@spillway/observability';
import { problemOf } from '@spillway/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const spans = new WeakMap<FastifyRequest, RecordedSpan>();

/** Asked every few seconds by whoever watches over us: nothing to tell. */
function isQuiet({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url === undefined || routeOptions.url.startsWith('/health');
}

/** Tells of every request: how long it took, what was refused, and a span around what it led to. */
export function observeRequests(server: FastifyInstance): void {
  // The body is read between `onRequest` and here, and Node forgets what was active then.
  server.addHook('preHandler', (request, reply, done) => {
    const tracing = currentTracing();
    if (!tracing || isQuiet(request)) return done();
    const span = tracing.start(`${request.method} ${request.routeOptions.url}`, spanOptions(request, reply));
    spans.set(request, span);
    tracing.with(span, done);
  });
  server.addHook('onResponse', (request, reply, done) => {
    if (isQuiet(request) && reply.statusCode !== 404) return done();
    const status = reply.statusCode;
    const problem = status >= 400 ? (problemOf(request) ?? 'other') : '';
    const route = request.routeOptions.url ?? '';
    measure.serverDuration.record(reply.elapsedTime / 1_000, request.method, route, String(status));
    if (problem) measure.refused.add(1, problem, String(status));
    const span = spans.get(request);
    span?.setAttribute('http.response.status_code', status);
    // A refusal is the sender's error and no failure of ours.
    if (status >= 500) span?.fail(problem);
    else if (problem) span?.setAttribute('error.type', problem);
    span?.end();
    done();
  });
}

/**
 * A webhook begins a trace of ours and links to the provider's: whether that is sampled, and what else is in it, is not
 * ours to take over. A tenant's own service (`POST /v1/events`, with an API key) goes on with its own trace; whether we
 * sample it is for us to say there, too.
 */
function spanOptions(request: FastifyRequest, reply: FastifyReply) {
  const { traceparent, tracestate } = request.headers;
  const given = typeof traceparent === 'string' && parseTraceparent(traceparent) ? traceparent : undefined;
  const params = request.params as { tenant?: string; source?: string };
  const isOwn = request.routeOptions.url === '/v1/events';
  return {
    kind: 'server' as const,
    startedAt: performance.now() - reply.elapsedTime,
    untrusted: true,
    ...(given && isOwn ? { parent: given, tracestate: tracestateOf(tracestate) } : { root: true }),
    ...(given && !isOwn && { links: [{ traceparent: given }] }),
    attributes: {
      'http.request.method': request.method,
      'http.route': request.routeOptions.url,
      'url.scheme': request.protocol,
      ...(params.tenant && { 'spillway.tenant': params.tenant }),
      ...(params.source && { 'spillway.source': params.source }),
    },
  };
}
