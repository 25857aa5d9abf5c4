import { BadRequestError, PROBLEM_CONTENT_TYPE, SpillwayError, toProblem } from '@spillway/contracts';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Log } from '@spillway/observability';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';

const IDLE_LOOK_MS = 50;

/** Bodies arrive as bytes, whatever they claim to be: verification needs them as they were sent. */
export function takeRawBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/** Every error leaves as problem details; what we did not raise on purpose goes to the log with its stack. */
export class ProblemAdapter extends FastifyAdapter {
  /** @param hint what to say to who knocks at a path that is not there */
  constructor(options: FastifyServerOptions, log: Log, hint: string) {
    super(options as never);
    const server = this.getInstance();
    server.setErrorHandler((error, request, reply) => sendProblem(reply, error, request, log));
    server.setNotFoundHandler((request, reply) => {
      const message = `there is nothing at ${request.method} ${pathOf(request)}`;
      return sendProblem(
        reply,
        new BadRequestError(message, { code: 'not-found', status: 404, remedy: hint }),
        request,
        log,
      );
    });
  }

  /**
   * Node closes the connections that are idle when a server closes. Those that have a request under way at that moment
   * become idle later, and would keep the server, and all that waits for it, until their keep-alive is over (72 s).
   */
  override async close(): Promise<void> {
    const { server } = this.getInstance();
    const timer = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
    try {
      await super.close();
    } finally {
      clearInterval(timer);
    }
  }

  /** Nest would put its own in the place of ours. */
  override setErrorHandler() {
    return this.getInstance();
  }

  override setNotFoundHandler() {
    return this.getInstance();
  }
}

const problems = new WeakMap<FastifyRequest, string>();

/** The code of the error that a request was answered with. */
export function problemOf(request: FastifyRequest): string | undefined {
  return problems.get(request);
}

function sendProblem(reply: FastifyReply, error: unknown, request: FastifyRequest, log: Log): FastifyReply {
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
function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0]!;
}
