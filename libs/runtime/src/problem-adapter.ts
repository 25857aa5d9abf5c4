import { FastifyAdapter } from '@nestjs/platform-fastify';
import { BadRequestError } from '@spillway/contracts';
import type { Log } from '@spillway/observability';
import type { FastifyServerOptions } from 'fastify';
import { pathOf, sendProblem } from './http';

const IDLE_LOOK_MS = 50;

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
