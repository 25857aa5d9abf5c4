import { type HttpCall, PermanentError, SpillwayError, TransientError } from '@spillway/contracts';
import { compileTemplate, type Template } from '@spillway/jq';
import { type Dispatcher, request } from 'undici';
import { outgoing } from '../outgoing';
import { classifyResponse } from './classify';

/** What is kept of an answer: enough to see what happened, not a copy of the other side's data. */
export interface HttpResult {
  status: number;
  contentType?: string;
  /** The first characters of the body. */
  excerpt: string;
}

export interface HttpCallContext {
  /** What templates see as their input: the event. */
  input: unknown;
  /** `$secrets`, `$task`. */
  variables: Record<string, unknown>;
  idempotencyKey: string;
  /** W3C, of the event; while tracing is on the call's own is sent. */
  traceparent?: string;
  tracestate?: string;
  signal: AbortSignal;
  /** Makes the connections, and says where they may go. */
  dispatcher: Dispatcher;
  /** Headers that depend on the body as it is sent: a signature. */
  sign?(body: string): Record<string, string>;
}

const VARIABLES = ['secrets', 'task'];
const EXCERPT_CHARACTERS = 2_048;
const MOST_RESPONSE_BYTES = 1_048_576;
const MOST_TEMPLATES = 1_000;
const BODYLESS = new Set(['GET', 'DELETE']);

/** Calls third parties over HTTP as tasks describe it. One for a process: it keeps what it compiled. */
export class HttpAdapter {
  private readonly compiled = new Map<string, Template>();

  /**
   * @throws SpillwayError classified by what the other side said: permanent for a 4xx, rate-limited for a 429,
   * transient for a 5xx or no answer
   */
  async call(call: HttpCall, context: HttpCallContext): Promise<HttpResult> {
    const { url, headers, body } = this.prepare(call, context);
    try {
      const { method } = call;
      const { signal } = context;
      const send = (trace: Record<string, string>) =>
        request(url, { method, headers: { ...headers, ...trace }, body, signal, dispatcher: context.dispatcher });
      const response = await outgoing({ method, url }, send, ({ statusCode }) => statusCode);
      const excerpt = await readExcerpt(response.body);
      const error = classifyResponse(response.statusCode, response.headers, `${call.method} ${url.origin}`, excerpt);
      if (error) throw error;
      const contentType = response.headers['content-type'];
      return { status: response.statusCode, contentType: first(contentType), excerpt };
    } catch (cause) {
      if (cause instanceof SpillwayError || context.signal.aborted) throw cause;
      throw new TransientError(`${call.method} ${url.origin} did not answer: ${(cause as Error).message}`, {
        code: 'call-failed',
        cause,
      });
    }
  }

  /** @throws PermanentError `template-failed` or `url-invalid` */
  private prepare(call: HttpCall, context: HttpCallContext) {
    const rendered = this.render({ url: call.url, headers: call.headers, body: call.body ?? null }, context) as {
      url: string;
      headers: Record<string, unknown>;
      body: unknown;
    };
    const url = parseUrl(String(rendered.url));
    const headers: Record<string, string> = {
      'user-agent': 'Spillway/0.1',
      'idempotency-key': context.idempotencyKey,
      ...(context.traceparent && { traceparent: context.traceparent }),
      ...(context.tracestate && { tracestate: context.tracestate }),
    };
    for (const [name, value] of Object.entries(rendered.headers)) headers[name.toLowerCase()] = String(value);
    if (BODYLESS.has(call.method)) return { url, headers, body: undefined };
    const content = call.body === undefined ? context.input : rendered.body;
    headers['content-type'] ??= typeof content === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
    const body = typeof content === 'string' ? content : JSON.stringify(content);
    return { url, headers: { ...headers, ...context.sign?.(body) }, body };
  }

  private render(template: unknown, { input, variables }: HttpCallContext): unknown {
    const key = JSON.stringify(template);
    try {
      let compiled = this.compiled.get(key);
      if (!compiled) {
        compiled = compileTemplate(template, { variables: VARIABLES });
        if (this.compiled.size >= MOST_TEMPLATES) this.compiled.clear();
        this.compiled.set(key, compiled);
      }
      return compiled.render(input, variables);
    } catch (cause) {
      throw new PermanentError(`a template of the call failed: ${(cause as Error).message}`, {
        code: 'template-failed',
        remedy: 'Mend the route or flow, then redrive the dead letter.',
        cause,
      });
    }
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new PermanentError(`the URL of the call is not one: ${text.slice(0, 200)}`, { code: 'url-invalid' });
}

async function readExcerpt(body: AsyncIterable<Buffer> & { dump?(): Promise<void> }): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    if (bytes < EXCERPT_CHARACTERS * 4) chunks.push(chunk);
    bytes += chunk.length;
    // Somebody streams without end: we have the status, and that is what counts.
    if (bytes > MOST_RESPONSE_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, EXCERPT_CHARACTERS);
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
