import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

export interface Call {
  path: string;
  method: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** Whether it had this Idempotency-Key before, and did nothing again. */
  replayed: boolean;
}

export interface ThirdPartyOptions {
  /** Does nothing again for a key it knows, as good APIs do. */
  honoursIdempotencyKey?: boolean;
  /** Before it answers, milliseconds. */
  delayMs?: number;
}

type Answer = { status: number; headers?: Record<string, string>; body?: string };

/** Somebody else's API over real HTTP: it counts what it is asked to do, and fails as it is told. */
export class ThirdParty {
  readonly calls: Call[] = [];
  /** How often each key had an effect. */
  readonly effects = new Map<string, number>();
  /** Gives the answer to a call; undefined means 200. */
  answer: (call: Call) => Answer | undefined | void = () => undefined;
  /** How long a call is kept waiting beyond `delayMs`, in milliseconds, or until when. */
  delay: (call: Call) => number | Promise<void> = () => 0;
  /** Told when a caller hangs up before it was answered. */
  onAbort: () => void = () => undefined;

  private constructor(
    private readonly server: Server,
    private readonly options: ThirdPartyOptions,
  ) {}

  static async start(options: ThirdPartyOptions = {}): Promise<ThirdParty> {
    const server = createServer();
    const self = new ThirdParty(server, options);
    server.on('request', (request, response) => void self.serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return self;
  }

  get url(): string {
    const address = this.server.address();
    if (typeof address !== 'object' || !address) throw new Error('it does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Keys that had an effect more than once. */
  repeated(): string[] {
    return [...this.effects].filter(([, count]) => count > 1).map(([key]) => key);
  }

  /** Keeps calls waiting (those to `path`, or all) until the function that it gives is called. */
  hold(path?: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.delay = (call) => (path === undefined || call.path === path ? promise : 0);
    return resolve;
  }

  /** Forgets what it was asked, and does well again. */
  reset(): void {
    this.calls.length = 0;
    this.effects.clear();
    this.answer = () => undefined;
    this.delay = () => 0;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.once('close', () => response.writableFinished || this.onAbort());
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const key = String(request.headers['idempotency-key'] ?? '');
    const replayed = this.options.honoursIdempotencyKey === true && this.effects.has(key);
    const body = Buffer.concat(chunks).toString('utf8');
    const call: Call = {
      path: request.url ?? '',
      method: request.method ?? '',
      headers: request.headers,
      body,
      replayed,
    };
    this.calls.push(call);
    const answer = this.answer(call) ?? { status: 200 };
    // It has happened before the caller hears of it: that is what makes crashes interesting.
    if (answer.status < 400 && !replayed) this.effects.set(key, (this.effects.get(key) ?? 0) + 1);
    const until = this.delay(call);
    if (this.options.delayMs) await wait(this.options.delayMs);
    if (until) await (typeof until === 'number' ? wait(until) : until);
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.body ?? '{"ok":true}');
  }
}
