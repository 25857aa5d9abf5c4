import { PermanentError, RateLimitedError, type SpillwayError, TransientError } from '@spillway/contracts';
import type * as Grpc from '@grpc/grpc-js';
import { traced } from '@spillway/observability';
import { z } from 'zod';
import { type Authenticator, authenticatorFor } from '../authentication/authenticator';
import { authenticationSchema } from '../authentication/policy';
import { carried } from '../outgoing';
import { argumentsOf, resourceSchema } from './arguments';
import { DEFAULT_RESPONSE_BYTES, type ProtocolContext, USER_AGENT } from './context';
import { EXCERPT_CHARACTERS, type FailureDetails, refuse, STANDARD_ERRORS } from './failure';
import { findMethod, loadProto, type ProtoMethod } from './proto-document';
import { redactor } from './redact';

const grpcArguments = z.object({
  proto: resourceSchema,
  service: z.object({
    name: z.string().min(1),
    // The pattern of the DSL's schema.
    host: z.string().regex(/^[a-zA-Z0-9](?:[a-zA-Z0-9-.]{0,61}[a-zA-Z0-9])?$/),
    port: z.int().min(1).max(65_535).optional(),
    authentication: authenticationSchema.optional(),
  }),
  method: z.string().min(1),
  arguments: z.record(z.string(), z.unknown()).nullish(),
});
export type GrpcArguments = z.input<typeof grpcArguments>;

/** The DSL does not say when to use TLS: ports that mean it, and 443 when no port is given. */
const TLS_PORTS = new Set([443, 8443]);
const DEFAULT_WAIT_MS = 5_000;

/** gRPC status → name and the HTTP status it stands for (google/rpc/code.proto). */
const STATUSES: Record<number, [name: string, http: number]> = {
  1: ['CANCELLED', 499],
  2: ['UNKNOWN', 500],
  3: ['INVALID_ARGUMENT', 400],
  4: ['DEADLINE_EXCEEDED', 504],
  5: ['NOT_FOUND', 404],
  6: ['ALREADY_EXISTS', 409],
  7: ['PERMISSION_DENIED', 403],
  8: ['RESOURCE_EXHAUSTED', 429],
  9: ['FAILED_PRECONDITION', 400],
  10: ['ABORTED', 409],
  11: ['OUT_OF_RANGE', 400],
  12: ['UNIMPLEMENTED', 501],
  13: ['INTERNAL', 500],
  14: ['UNAVAILABLE', 503],
  15: ['DATA_LOSS', 500],
  16: ['UNAUTHENTICATED', 401],
};
/** Those another try may change. */
const TRANSIENT = new Set([1, 2, 4, 10, 13, 14]);
const UNAUTHENTICATED = 16;
const RESOURCE_EXHAUSTED = 8;

/**
 * The DSL's gRPC call of a unary method. Messages are JSON: 64-bit numbers and bytes (base64) are text, enums names,
 * fields lowerCamelCase. TLS on ports 443 and 8443 and without a port, plain text on others.
 *
 * @throws SpillwayError classified by the status, its number in `details.grpcStatus`; PermanentError
 * `service-unknown`, `method-unknown`, `method-streams`, `argument-invalid`, `response-too-large`
 */
export async function callGrpc(args: unknown, context: ProtocolContext): Promise<unknown> {
  const call = argumentsOf('grpc', grpcArguments, args);
  const { host, port = 443, name, authentication } = call.service;
  const tls = TLS_PORTS.has(port);
  const method = findMethod(await loadProto(call.proto.endpoint, context), name, call.method);
  const message = method.serialize(call.arguments ?? {});
  const url = new URL(`${tls ? 'https' : 'http'}://${host}:${port}${method.path}`);
  const authenticator = authenticatorFor(authentication, context);
  const address = await context.addressOf?.(host, port);
  context.signal.throwIfAborted();

  const grpc = await import('@grpc/grpc-js');
  const mostBytes = context.limits?.responseBytes ?? DEFAULT_RESPONSE_BYTES;
  const client = new grpc.Client(
    address ? `${address.includes(':') ? 'ipv6:' : 'ipv4:'}${joined(address, port)}` : `${host}:${port}`,
    tls ? grpc.credentials.createSsl() : grpc.credentials.createInsecure(),
    {
      'grpc.max_receive_message_length': mostBytes,
      'grpc.primary_user_agent': USER_AGENT,
      // Rules on where calls may go are ours; a proxy from the environment would go round them.
      'grpc.enable_http_proxy': 0,
      // The name is still what is asked for, and what the certificate must be for.
      ...(address && { 'grpc.default_authority': `${host}:${port}`, 'grpc.ssl_target_name_override': host }),
      // Another try is the worker's.
      'grpc.enable_retries': 0,
    },
  );
  try {
    return await attempt(grpc, { client, method, message, url, authenticator, context, mostBytes }, true);
  } finally {
    client.close();
  }
}

function joined(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

interface Attempt {
  client: Grpc.Client;
  method: ProtoMethod;
  message: Buffer;
  url: URL;
  authenticator?: Authenticator;
  context: ProtocolContext;
  mostBytes: number;
}

async function attempt(grpc: typeof Grpc, call: Attempt, first: boolean): Promise<unknown> {
  const { authenticator, context, url, message, method } = call;
  const credentials = (await authenticator?.authorize({ method: 'POST', url, body: message })) ?? {};
  const metadata = new grpc.Metadata();
  metadata.set('idempotency-key', context.idempotencyKey);
  if (context.traceparent) metadata.set('traceparent', context.traceparent);
  for (const [name, value] of Object.entries(credentials)) metadata.set(name, value);
  try {
    return await traced(method.path.slice(1), { kind: 'client', attributes: about(call) }, (span) => {
      for (const [name, value] of Object.entries(carried(span))) metadata.set(name, value);
      return unary(call, metadata);
    });
  } catch (cause) {
    const error = cause as Partial<Grpc.ServiceError>;
    if (typeof error.code !== 'number') throw cause;
    if (Number(error.code) === UNAUTHENTICATED && first && (await authenticator?.challenged({}))) {
      return attempt(grpc, call, false);
    }
    throw classify(error, call, Object.values(credentials));
  }
}

function about({ method, url }: Attempt) {
  return { 'rpc.system': 'grpc', 'rpc.method': method.path.slice(1), 'server.address': url.hostname };
}

function unary({ client, method, message, context }: Attempt, metadata: Grpc.Metadata): Promise<unknown> {
  const { signal } = context;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const call = client.makeUnaryRequest(
      method.path,
      (bytes: Buffer) => bytes,
      (bytes) => method.deserialize(bytes),
      message,
      metadata,
      {},
      (error, value) => {
        signal.removeEventListener('abort', cancel);
        if (signal.aborted) reject(signal.reason as Error);
        else if (error) reject(error);
        else resolve(value);
      },
    );
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
  });
}

function classify(error: Partial<Grpc.ServiceError>, call: Attempt, sent: string[]): SpillwayError {
  const { url, context, mostBytes } = call;
  const code = Number(error.code);
  const [name, status] = STATUSES[code] ?? [`status ${code}`, 500];
  const redact = redactor(
    context.secrets,
    sent,
    sent.map((value) => value.replace(/^\S+ /, '')),
  );
  const detail = redact((error.details ?? '').slice(0, EXCERPT_CHARACTERS));
  if (code === RESOURCE_EXHAUSTED && /larger than max/i.test(detail)) {
    const message = `${url.host} answered with more than ${mostBytes} bytes`;
    return refuse('communication', 'response-too-large', message, 'Ask for less, for instance a page.');
  }
  const details: FailureDetails = { ...STANDARD_ERRORS.communication, status, title: name, detail, grpcStatus: code };
  const message = `${url.host}${url.pathname} answered ${name}${detail ? `: ${detail.slice(0, 200)}` : ''}`;
  const options = { code: `grpc-${name.toLowerCase().replaceAll('_', '-')}`, details };
  if (code === RESOURCE_EXHAUSTED) {
    const pushback = Number(error.metadata?.get('grpc-retry-pushback-ms')[0] ?? DEFAULT_WAIT_MS);
    return new RateLimitedError(message, { ...options, retryAfterMs: pushback >= 0 ? pushback : DEFAULT_WAIT_MS });
  }
  return TRANSIENT.has(code) ? new TransientError(message, options) : new PermanentError(message, options);
}
