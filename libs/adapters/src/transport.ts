import { PermanentError, SpillwayError, TransientError, messageOf } from '@spillway/contracts';
import { Agent, fetch as undiciFetch } from 'undici';
import type { AdapterContext } from './adapter';
import { classifyResponse } from './http/classify';
import { outgoing } from './outgoing';
import { ownErrorIn } from './protocols/failure';

/** What the other side said, whole. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** How one provider words its answers. */
export interface Dialect {
  /** The provider's name, for messages. */
  name: string;
  /** What the JSON object of an error says: its code and message, never the request's data. */
  explain(body: Record<string, unknown>): string | undefined;
  /** What classify.ts cannot know; undefined leaves it to that. */
  classify?(answer: Answer, message: string): SpillwayError | undefined;
}

const MOST_ANSWER_BYTES = 5 * 1_048_576;
/** Connections are kept open over calls and tenants; idle ones do not keep the process alive. */
const agent = new Agent({ connections: 64, pipelining: 1, keepAliveTimeout: 10_000 });

/**
 * The HTTP of one call, whichever client makes it: every client is given `fetch`, so that the abort reaches the socket,
 * the base URL can be another, redirects do not carry credentials away, and errors are told from what the other side
 * answered and not from how a client worded it.
 */
export class Transport {
  private last: Answer | undefined;
  private failure: unknown;
  private asked = false;

  constructor(
    private readonly context: AdapterContext<{ baseUrl?: string }>,
    private readonly dialect: Dialect,
  ) {}

  readonly fetch = (async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = this.rebase(new URL(input instanceof Request ? input.url : input));
    const signal = init.signal ? AbortSignal.any([init.signal, this.context.signal]) : this.context.signal;
    const headers = new Headers(init.headers);
    if (this.context.traceparent) headers.set('traceparent', this.context.traceparent);
    if (!headers.has('user-agent')) headers.set('user-agent', 'Spillway/0.1');
    const started = performance.now();
    this.asked = true;
    this.last = undefined;
    this.failure = undefined;
    try {
      const method = init.method ?? 'GET';
      const ask = (trace: Record<string, string>) =>
        undiciFetch(url, {
          method,
          headers: { ...Object.fromEntries(headers), ...trace },
          body: init.body as string | undefined,
          signal,
          redirect: 'manual',
          dispatcher: this.context.dispatcher ?? agent,
        });
      const response = await outgoing({ method, url }, ask, ({ status }) => status);
      const body = await readAll(response.body, this.dialect.name);
      this.last = {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: body.toString('utf8'),
      };
      return remade(response.status, [...response.headers], body);
    } catch (cause) {
      this.failure = cause;
      throw cause;
    } finally {
      const ms = Math.round(performance.now() - started);
      // Without the path, which may hold what an event brought.
      const facts = { method: init.method ?? 'GET', host: url.host, status: this.last?.status, ms };
      this.context.log.debug(facts, `called ${this.dialect.name}`);
    }
  }) as typeof globalThis.fetch;

  /**
   * Does the work of a client and classifies what it throws.
   *
   * @throws SpillwayError permanent for a 4xx, rate-limited for a 429, transient for a 5xx, no answer or an abort
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw this.classified(cause);
    }
  }

  /** A request in JSON and its answer, for providers without a client. @throws SpillwayError as `run` does */
  async json(
    method: string,
    url: string,
    given: { headers?: Record<string, string>; body?: unknown } = {},
  ): Promise<unknown> {
    return this.run(async () => {
      const body = given.body === undefined ? undefined : asText(given.body);
      const headers = { accept: 'application/json', ...(body !== undefined && JSON_BODY), ...given.headers };
      const response = await this.fetch(url, { method, headers, body });
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      const text = await response.text();
      return text ? (JSON.parse(text) as unknown) : undefined;
    });
  }

  private classified(cause: unknown): SpillwayError {
    const { name } = this.dialect;
    if (cause instanceof SpillwayError) return cause;
    if (this.context.signal.aborted) {
      return new TransientError(`the call of ${name} was given up before it was answered`, {
        code: 'call-aborted',
        cause,
      });
    }
    const own = ownErrorIn(this.failure);
    if (own) return own;
    if (this.failure) {
      return new TransientError(`${name} did not answer: ${this.redacted(reasonOf(this.failure))}`, {
        code: 'call-failed',
        cause,
      });
    }
    const said = this.redacted(messageOf(cause)).slice(0, 300);
    if (this.last) return this.fromAnswer(this.last) ?? unreadable(name, said, cause);
    if (this.asked) return new TransientError(`${name} was not heard: ${said}`, { code: 'call-failed', cause });
    return new PermanentError(`${name} cannot be asked like this: ${said}`, {
      code: 'call-invalid',
      remedy: 'Mend the arguments of the task or the options of the adapter, then redrive the dead letter.',
      cause,
    });
  }

  private fromAnswer(answer: Answer): SpillwayError | undefined {
    const said = this.redacted(explained(answer, this.dialect)).slice(0, 300);
    const message = `${this.dialect.name} answered ${answer.status}${said && `: ${said}`}`;
    return (
      this.dialect.classify?.(answer, message) ??
      classifyResponse(answer.status, answer.headers, this.dialect.name, said)
    );
  }

  private rebase(url: URL): URL {
    const { baseUrl } = this.context.options;
    if (!baseUrl) return url;
    const base = new URL(baseUrl);
    const moved = new URL(base.pathname.replace(/\/+$/, '') + url.pathname + url.search, base.origin);
    return moved;
  }

  /** Providers repeat a wrong key in their message. */
  private redacted(text: string): string {
    return Object.values(this.context.secrets)
      .filter((secret) => secret.length >= 4)
      .reduce((kept, secret) => kept.replaceAll(secret, '[secret]'), text);
  }
}

const JSON_BODY = { 'content-type': 'application/json' };

/** Proxies answer with pages: what is no JSON object says nothing. */
function explained({ body }: Answer, dialect: Dialect): string {
  try {
    const value: unknown = JSON.parse(body);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return (isObject && dialect.explain(value as Record<string, unknown>)) || '';
  } catch {
    return '';
  }
}

function asText(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function unreadable(name: string, said: string, cause: unknown): SpillwayError {
  return new TransientError(`the answer of ${name} could not be read: ${said}`, { code: 'answer-unreadable', cause });
}

/** undici says "fetch failed" and keeps the reason in `cause`. */
function reasonOf(failure: unknown): string {
  const { cause } = failure as { cause?: unknown };
  return messageOf(cause instanceof Error && cause.message ? cause : failure);
}

async function readAll(body: AsyncIterable<Uint8Array> | null, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_ANSWER_BYTES) {
      throw new PermanentError(`${name} answered more than ${MOST_ANSWER_BYTES} bytes`, { code: 'answer-too-large' });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The answer again for the client, decoded already; a status without a body may not have one. */
function remade(status: number, headers: [string, string][], body: Buffer): Response {
  const kept = headers.filter(([name]) => name !== 'content-encoding' && name !== 'content-length');
  const empty = status === 204 || status === 205 || status === 304;
  return new Response(empty ? null : new Uint8Array(body), { status, headers: kept });
}
