import { type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { type SpillwayError, TransientError } from '@spillway/contracts';
import { Agent, type Dispatcher, request } from 'undici';
import { type Authenticator } from '../authentication/authenticator';
import { outgoing } from '../outgoing';
import { DEFAULT_RESPONSE_BYTES, type ProtocolContext } from './context';
import { ownErrorIn, refuse, STANDARD_ERRORS } from './failure';
import { redactor } from './redact';

export interface OutgoingRequest {
  method: string;
  url: URL;
  /** Names in lower case. */
  headers: Record<string, string>;
  body?: Buffer;
}

export interface IncomingAnswer {
  status: number;
  /** Names in lower case; a repeated header joined with commas. */
  headers: Record<string, string>;
  body: Buffer;
  /** Where it came from, after redirects. */
  url: URL;
  /** Blanks secrets in text that came from the other side. */
  redact(text: string): string;
}

export interface ExchangeOptions {
  follow?: boolean;
  authenticator?: Authenticator;
  /** Bytes; overrides the context's limit of one answer. */
  mostBytes?: number;
}

type ExchangeContext = Pick<ProtocolContext, 'signal' | 'limits' | 'dispatcher' | 'secrets'>;

const MOST_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What another origin may see of a request that was meant for the first one. */
const HARMLESS = new Set(['accept', 'accept-language', 'content-type', 'idempotency-key', 'traceparent', 'user-agent']);
const INVALID = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH']);

/** One for a process, as connections are worth keeping; a context may bring its own. */
let agent: Agent | undefined;

export function defaultDispatcher(): Dispatcher {
  return (agent ??= new Agent({ connections: 64, pipelining: 1, keepAliveTimeout: 10_000 }));
}

/** Closes kept connections, at the end of a process. */
export async function closeConnections(): Promise<void> {
  const closing = agent;
  agent = undefined;
  await closing?.close();
}

/**
 * Sends a request and reads the whole answer: credentials added for the origin they are meant for, a 401 tried once
 * more where the credentials can be renewed, redirects followed when asked.
 *
 * @throws TransientError `call-failed` when there is no answer; PermanentError `response-too-large`,
 * `too-many-redirects`, `redirect-refused`, `call-invalid`
 */
export async function exchange(
  first: OutgoingRequest,
  context: ExchangeContext,
  options: ExchangeOptions = {},
): Promise<IncomingAnswer> {
  const sensitive = new Set<string>();
  const redact = (text: string) => redactor(context.secrets, [...sensitive])(text);
  let current = first;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const authenticator = current.url.origin === first.url.origin ? options.authenticator : undefined;
    const answer = await authorized(current, context, options, authenticator, sensitive);
    const next = options.follow ? redirected(current, answer) : undefined;
    if (!next) return { ...answer, redact };
    current = next;
  }
  throw refuse(
    'communication',
    'too-many-redirects',
    `${first.url.origin} redirects more than ${MOST_REDIRECTS} times`,
  );
}

type Answer = Omit<IncomingAnswer, 'redact'>;

async function authorized(
  outgoing: OutgoingRequest,
  context: ExchangeContext,
  options: ExchangeOptions,
  authenticator: Authenticator | undefined,
  sensitive: Set<string>,
): Promise<Answer> {
  const mostBytes = options.mostBytes ?? context.limits?.responseBytes ?? DEFAULT_RESPONSE_BYTES;
  const attempt = async () => {
    const credentials = (await authenticator?.authorize(outgoing)) ?? {};
    for (const value of Object.values(credentials)) {
      sensitive.add(value).add(value.replace(/^\S+ /, ''));
    }
    return send({ ...outgoing, headers: { ...outgoing.headers, ...credentials } }, context, mostBytes);
  };
  const answer = await attempt();
  if (answer.status !== 401 || !authenticator) return answer;
  return (await authenticator.challenged(answer.headers)) ? attempt() : answer;
}

async function send(asked: OutgoingRequest, context: ExchangeContext, mostBytes: number): Promise<Answer> {
  const where = `${asked.method} ${asked.url.origin}`;
  try {
    const { method, url, headers: own, body: sent } = asked;
    const dispatcher = context.dispatcher ?? defaultDispatcher();
    const ask = (trace: Record<string, string>) =>
      request(url, { method, headers: { ...own, ...trace }, body: sent, signal: context.signal, dispatcher });
    const response = await outgoing(asked, ask, ({ statusCode }) => statusCode);
    const headers = flatten(response.headers);
    const body = await readAll(response.body, headers['content-encoding'], mostBytes, where);
    return { status: response.statusCode, headers, body, url: asked.url };
  } catch (cause) {
    const own = ownErrorIn(cause);
    if (own || context.signal.aborted) throw own ?? cause;
    throw notSent(cause as Error & { code?: string }, where);
  }
}

function notSent(cause: Error & { code?: string }, where: string): SpillwayError {
  const message = `${where} did not answer: ${cause.message || cause.code || cause.name}`;
  if (INVALID.has(cause.code ?? '')) {
    return refuse('configuration', 'call-invalid', `${where} was not sent: ${cause.message}`, 'Mend the call.', cause);
  }
  const details = { ...STANDARD_ERRORS.communication, title: 'No answer', detail: message };
  return new TransientError(message, { code: 'call-failed', details, cause });
}

/** Counts after decompression, so that a small answer cannot become a large one. */
async function readAll(body: Readable, encoding: string | undefined, mostBytes: number, where: string) {
  const decoder = decoderOf(encoding);
  if (decoder) body.once('error', (error) => decoder.destroy(error)).pipe(decoder);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of decoder ?? body) {
      bytes += (chunk as Buffer).length;
      if (bytes > mostBytes) {
        throw refuse(
          'communication',
          'response-too-large',
          `${where} answered with more than ${mostBytes} bytes`,
          'Ask for less, for instance with a page size.',
        );
      }
      chunks.push(chunk as Buffer);
    }
  } finally {
    if (decoder && !body.destroyed) body.destroy();
  }
  return Buffer.concat(chunks);
}

function decoderOf(encoding: string | undefined) {
  switch (encoding?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

/** The request a redirect asks for (RFC 9110 §15.4); undefined when the answer is none. */
function redirected(from: OutgoingRequest, answer: Answer): OutgoingRequest | undefined {
  const location = answer.headers['location'];
  if (!REDIRECTS.has(answer.status) || location === undefined) return undefined;
  const url = URL.parse(location, from.url.href);
  if (!url || !/^https?:$/.test(url.protocol) || (from.url.protocol === 'https:' && url.protocol === 'http:')) {
    throw refuse('communication', 'redirect-refused', `${from.url.origin} redirects to something we do not follow`);
  }
  const toGet = (answer.status === 303 && from.method !== 'HEAD') || (answer.status < 303 && from.method === 'POST');
  const names = Object.keys(from.headers)
    .filter((name) => url.origin === from.url.origin || HARMLESS.has(name))
    .filter((name) => !toGet || !name.startsWith('content-'));
  const headers = Object.fromEntries(names.map((name) => [name, from.headers[name]!]));
  return { method: toGet ? 'GET' : from.method, url, headers, body: toGet ? undefined : from.body };
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value!]));
}
