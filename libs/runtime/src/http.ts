import { PROBLEM_CONTENT_TYPE, SpillwayError, toProblem } from '@spillway/contracts';
import type { Log } from '@spillway/observability';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import type { ProblemAdapter } from './problem-adapter';

/** Bodies arrive as bytes, whatever they claim to be: verification needs them as they were sent. */
export function takeRawBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  // Both are every type there is. Fastify remembers which pattern a type fits; that nothing but `*` does it finds anew each time.
  for (const type of [/^/, '*']) {
    server.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  }
}

/**
 * An HTTP server whose errors are problem details. Fastify is loaded here: workers, which have no use for it, start without.
 *
 * @param hint what to say to who knocks at a path that is not there
 */
export function problemAdapter(options: FastifyServerOptions, log: Log, hint: string): ProblemAdapter {
  // A dynamic import of a relative path is not resolved to a .ts file when the sources are run as they are.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { ProblemAdapter: Adapter } = require('./problem-adapter') as typeof import('./problem-adapter');
  return new Adapter(options, log, hint);
}

const problems = new WeakMap<FastifyRequest, string>();

/** The code of the error that a request was answered with. */
export function problemOf(request: FastifyRequest): string | undefined {
  return problems.get(request);
}

export function sendProblem(reply: FastifyReply, error: unknown, request: FastifyRequest, log: Log): FastifyReply {
  const problem = toProblem(error);
  problems.set(request, problem.code);
  if (problem.code === 'payload-too-large') problem.remedy = 'Send less, or raise MAX_BODY.';
  if (problem.status >= 500 && !(error instanceof SpillwayError)) {
    log.error({ err: error, method: request.method, path: pathOf(request) }, 'request failed');
  }
  if (error instanceof SpillwayError && error.retryAfterMs !== undefined) {
    reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfterMs / 1_000))));
  }
  return reply
    .code(problem.status)
    .header('content-type', PROBLEM_CONTENT_TYPE)
    .send(JSON.stringify({ ...problem, instance: pathOf(request) }));
}

/** Without the query, which may hold secrets. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0]!;
}
