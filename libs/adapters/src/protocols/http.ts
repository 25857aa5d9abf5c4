import { z } from 'zod';
import { authenticatorFor } from '../authentication/authenticator';
import { classifyResponse } from '../http/classify';
import { argumentsOf, endpointSchema, normalEndpoint } from './arguments';
import { decodeBody, encodeBody, isRecord, plain, textOf } from './content';
import { type ProtocolContext, USER_AGENT } from './context';
import { exchange, type IncomingAnswer, type OutgoingRequest } from './exchange';
import { describeAnswer, EXCERPT_CHARACTERS, refuse, withDetails } from './failure';
import { redactor } from './redact';
import { expandUriTemplate, percentEncode } from './uri-template';

const httpArguments = z.object({
  method: z.string().regex(/^[A-Za-z]+$/),
  endpoint: endpointSchema,
  headers: z.record(z.string(), z.unknown()).nullish(),
  query: z.record(z.string(), z.unknown()).nullish(),
  body: z.unknown().optional(),
  output: z.enum(['raw', 'content', 'response']).default('content'),
  redirect: z.boolean().default(false),
});
export type HttpArguments = z.input<typeof httpArguments>;
export type HttpOutput = 'raw' | 'content' | 'response';

/** "HTTP Response" of the DSL reference. */
export interface HttpResponseOutput {
  request: { method: string; uri: string; headers: Record<string, string> };
  statusCode: number;
  headers: Record<string, string>;
  content: unknown;
}

/**
 * The DSL's HTTP call. `output: content` (the default) parses JSON, gives text as text and other content as base64;
 * `raw` gives base64; `response` the whole answer, without the credentials that were sent.
 *
 * With `redirect: true` redirects are followed (credentials stay with the origin they were meant for) and what ends
 * outside 200–399 is an error; without it everything outside 200–299 is.
 *
 * @throws SpillwayError whose `details` are FailureDetails; classified by `classifyResponse`
 */
export async function callHttp(args: unknown, context: ProtocolContext): Promise<unknown> {
  const call = argumentsOf('http', httpArguments, args);
  const endpoint = normalEndpoint(call.endpoint);
  const url = urlOf(expandUriTemplate(endpoint.uri, context.input));
  addQuery(url, Object.entries(call.query ?? {}));
  const headers = headersOf(call.headers ?? {}, context);
  const encoded = await encodeBody(call.body, headers['content-type']);
  if (encoded) headers['content-type'] = encoded.contentType;
  const outgoing = { method: call.method.toUpperCase(), url, headers, body: encoded?.bytes };
  const authenticator = authenticatorFor(endpoint.authentication, context);
  const answer = await exchange(outgoing, context, { follow: call.redirect, authenticator });
  failed(outgoing, answer, call.redirect);
  return outputOf(call.output, { ...outgoing, method: call.method }, answer, context);
}

/** @throws SpillwayError for an answer that is no success */
export function failed(outgoing: OutgoingRequest, answer: IncomingAnswer, redirect: boolean): void {
  if (redirect && answer.status >= 300 && answer.status < 400) return;
  const type = answer.headers['content-type'];
  const excerpt = answer.redact(textOf(answer.body, type).slice(0, EXCERPT_CHARACTERS));
  const error = classifyResponse(answer.status, answer.headers, `${outgoing.method} ${outgoing.url.origin}`, excerpt);
  if (error) throw withDetails(error, describeAnswer(answer.status, type, excerpt));
}

/** What the call gives to the flow. */
export function outputOf(
  output: HttpOutput,
  outgoing: OutgoingRequest,
  answer: IncomingAnswer,
  context: ProtocolContext,
): unknown {
  if (output === 'raw') return answer.body.toString('base64');
  const content = decodeBody(answer.body, answer.headers['content-type']);
  if (output === 'content') return content;
  const redact = redactor(context.secrets);
  const request = {
    method: outgoing.method,
    uri: redact(outgoing.url.href),
    headers: Object.fromEntries(
      Object.entries(outgoing.headers).map(([name, value]) => [name, SECRET_HEADER.test(name) ? '***' : redact(value)]),
    ),
  };
  return { request, statusCode: answer.status, headers: answer.headers, content } satisfies HttpResponseOutput;
}

const SECRET_HEADER = /^(?:authorization|proxy-authorization|cookie|spillway-callback)$/;

/** @throws PermanentError `url-invalid` */
export function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw refuse('configuration', 'url-invalid', `not an http or https URL: ${text.slice(0, 200)}`);
  }
  if (url.username || url.password) {
    throw refuse('configuration', 'url-invalid', 'the URL carries a password', 'Use authentication: basic.');
  }
  return url;
}

/** Appends; arrays repeat the name, null and undefined are left out, objects are JSON. */
export function addQuery(url: URL, entries: [string, unknown][]): void {
  const pairs = entries.flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((one) => one !== undefined && one !== null)
      .map((one) => `${percentEncode(name)}=${percentEncode(plain(one))}`),
  );
  if (pairs.length > 0) url.search = [url.search.slice(1), ...pairs].filter(Boolean).join('&');
}

/** Ours, then the caller's over them. */
export function headersOf(given: Record<string, unknown>, context: ProtocolContext): Record<string, string> {
  const headers: Record<string, string> = {
    'user-agent': USER_AGENT,
    'idempotency-key': context.idempotencyKey,
    ...(context.traceparent && { traceparent: context.traceparent }),
    ...(context.callbackUrl && { 'spillway-callback': context.callbackUrl }),
  };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue;
    if (isRecord(value)) throw refuse('configuration', 'call-invalid', `the header ${name} is an object`);
    headers[name.toLowerCase()] = Array.isArray(value) ? value.map(plain).join(', ') : plain(value);
  }
  return headers;
}
