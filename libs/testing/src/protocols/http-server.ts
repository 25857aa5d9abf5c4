import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface ServedRequest {
  method: string;
  /** Path and query as they came. */
  path: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

type Handler = (request: ServedRequest, response: ServerResponse) => unknown;

/** A real HTTP server on a free port of this machine; it remembers what it was asked. */
export class HttpServer {
  readonly requests: ServedRequest[] = [];

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** Paths are looked up without their query; anything else is a 404. */
  static async start(handlers: Record<string, Handler> = {}): Promise<HttpServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('it does not listen');
    const self = new HttpServer(server, address.port);
    server.on('request', (request, response) => void self.serve(handlers, request, response));
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get last(): ServedRequest {
    const last = this.requests.at(-1);
    if (!last) throw new Error('nothing was asked');
    return last;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(handlers: Record<string, Handler>, incoming: IncomingMessage, response: ServerResponse) {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const [method, path, headers] = [incoming.method ?? '', incoming.url ?? '', incoming.headers];
    const request = { method, path, headers, body: Buffer.concat(chunks) };
    this.requests.push(request);
    const handler = handlers[path.split('?', 1)[0]!];
    if (handler) return void handler(request, response);
    sendJson(response, { message: 'nothing here' }, 404);
  }
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
