import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** A request as it came in. */
export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  text: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** An object is sent as JSON. */
  body?: unknown;
}

/**
 * Somebody's API over real HTTP: a subclass answers as the real one is documented to, this class records, and fails when
 * it is told to. What it had done (`effects`) counts once per effect, so that a test sees a repeat.
 */
export abstract class FakeProvider {
  readonly asked: Asked[] = [];
  /** How many callers hung up before they had their answer. */
  aborted = 0;
  private readonly planned: (Reply | 'silence')[] = [];
  private readonly server: Server = createServer((request, response) => void this.serve(request, response));

  /** Listens on a free port of this machine. */
  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    const address = this.server.address();
    if (typeof address !== 'object' || !address) throw new Error('it does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  /** The next requests get this instead, and have no effect. */
  failNext(reply: Reply, times = 1): void {
    for (let time = 0; time < times; time += 1) this.planned.push(reply);
  }

  /** The next request is never answered. */
  hangNext(): void {
    this.planned.push('silence');
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** What the real one would do and say. */
  protected abstract answer(request: Asked): Reply;

  /** The body of a 429 or 500 as the real one words it. */
  abstract errorBody(status: number): unknown;

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.once('close', () => (this.aborted += response.writableFinished ? 0 : 1));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake');
    const asked: Asked = {
      method: request.method ?? '',
      path: pathname,
      query: searchParams,
      headers: request.headers,
      text: Buffer.concat(chunks).toString('utf8'),
    };
    this.asked.push(asked);
    const planned = this.planned.shift();
    if (planned === 'silence') return;
    const { status, headers, body } = planned ?? this.answer(asked);
    const text = typeof body === 'string' ? body : JSON.stringify(body ?? {});
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(status === 204 ? undefined : text);
  }
}

/** The body of a form, with Stripe's and Twilio's `a[b]` kept as they are. */
export function formOf(request: Asked): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(request.text));
}

export function jsonOf(request: Asked): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(request.text || '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function isForm(request: Asked): boolean {
  return String(request.headers['content-type']).startsWith('application/x-www-form-urlencoded');
}

export function isJson(request: Asked): boolean {
  return String(request.headers['content-type']).startsWith('application/json');
}
