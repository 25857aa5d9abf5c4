import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Log } from '../logging/log';
import type { Health } from './health';

export interface MonitorOptions {
  host: string;
  port: number;
  /** Another port is taken when this one is: somebody runs several processes on one machine. */
  mayMove: boolean;
  health: Health;
  metricsText: () => Promise<string>;
  log: Log;
}

/** What watches over a process asks here: `/health/live`, `/health/ready`, `/metrics`. Not for the outside. */
export class Monitor {
  private constructor(private readonly server: Server) {}

  /** @throws an error of Node's when the port is taken and may not move */
  static async start(options: MonitorOptions): Promise<Monitor> {
    const server = createServer((request, response) => {
      void answer(request.url ?? '/', options, response);
    });
    server.unref();
    try {
      await listen(server, options.port, options.host);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || !options.mayMove) throw error;
      await listen(server, 0, options.host);
      const { port } = server.address() as { port: number };
      options.log.warn({ port }, `port ${options.port} is taken: health and metrics of this process are at ${port}`);
    }
    return new Monitor(server);
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function answer(url: string, { health, metricsText, log }: MonitorOptions, response: ServerResponse) {
  const path = url.split('?', 1)[0];
  try {
    if (path === '/health/live') return sendJson(response, 200, { status: 'ok' });
    if (path === '/health/ready') {
      const readiness = await health.readiness();
      return sendJson(response, readiness.status === 'ok' ? 200 : 503, readiness);
    }
    if (path === '/metrics') {
      await health.readiness();
      const text = await metricsText();
      return response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
    }
    return sendJson(response, 404, { status: 'there are /health/live, /health/ready and /metrics' });
  } catch (error) {
    log.error({ err: error, path }, 'the monitor could not answer');
    return sendJson(response, 500, { status: 'error' });
  }
}

function sendJson(response: ServerResponse, status: number, body: object): ServerResponse {
  return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
