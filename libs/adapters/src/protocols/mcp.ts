import { messageOf, PermanentError, SpillwayError, TransientError } from '@spillway/contracts';
import { z } from 'zod';
import { authenticatorFor } from '../authentication/authenticator';
import { argumentsOf, endpointSchema, normalEndpoint } from './arguments';
import { plain } from './content';
import { type ProtocolContext, USER_AGENT } from './context';
import { durationArgument } from './duration';
import { EXCERPT_CHARACTERS, ownErrorIn, refuse, STANDARD_ERRORS, withDetails } from './failure';
import { urlOf } from './http';
import { redactor } from './redact';
import { streamingFetch } from './streaming-fetch';
import { expandUriTemplate } from './uri-template';

const METHODS = [
  'tools/list',
  'tools/call',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/read',
  'resources/templates/list',
] as const;

const mcpArguments = z.object({
  protocolVersion: z.string().default('2025-06-18'),
  method: z.enum(METHODS),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  timeout: durationArgument.optional(),
  transport: z.object({
    http: z.object({ endpoint: endpointSchema, headers: z.record(z.string(), z.unknown()).nullish() }).optional(),
    stdio: z.unknown().optional(),
    options: z.record(z.string(), z.string()).optional(),
  }),
  client: z.object({ name: z.string(), version: z.string() }).optional(),
});
export type McpArguments = z.input<typeof mcpArguments>;

/** Without a timeout of its own a call waits as long as its signal lets it; the library wants a number. */
const NO_TIMEOUT_MS = 2_147_483_647;
const GOODBYE_MS = 2_000;
/** JSON-RPC and MCP codes that another try may change: connection closed, timeout, internal error. */
const PASSING = new Set([-32000, -32001, -32603]);

/**
 * The DSL's MCP call over Streamable HTTP: initialize, one request, goodbye. The result is the JSON-RPC result. A
 * tool that answers `isError` is an error, as is every JSON-RPC error; their type is `runtime`, as the reference says.
 *
 * @throws PermanentError `mcp-stdio-refused`, `mcp-tool-failed`, `mcp-error`; TransientError `mcp-error`,
 * `mcp-timeout`, `call-failed`; classified answers as `callHttp`
 */
export async function callMcp(args: unknown, context: ProtocolContext): Promise<unknown> {
  const call = argumentsOf('mcp', mcpArguments, args);
  const { http, stdio } = call.transport;
  if (!http) {
    if (stdio === undefined) throw refuse('configuration', 'call-invalid', 'call: mcp needs transport.http');
    throw refuse(
      'configuration',
      'mcp-stdio-refused',
      'the stdio transport starts a process on the worker, and workers start none',
      'Run the MCP server with Streamable HTTP and use transport.http.',
    );
  }
  context.signal.throwIfAborted();
  const endpoint = normalEndpoint(http.endpoint);
  const url = urlOf(expandUriTemplate(endpoint.uri, context.input));
  const failure = new AbortController();
  const timeout = call.timeout === undefined ? [] : [AbortSignal.timeout(call.timeout)];
  const signal = AbortSignal.any([context.signal, failure.signal, ...timeout]);
  const fetch = streamingFetch(context, {
    authenticator: authenticatorFor(endpoint.authentication, context),
    onFailure: (error) => failure.abort(error),
  });

  const [{ Client }, { StreamableHTTPClientTransport }, { ResultSchema }] = await Promise.all([
    import('@modelcontextprotocol/sdk/client/index.js'),
    import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
    import('@modelcontextprotocol/sdk/types.js'),
  ]);
  const client = new Client(call.client ?? { name: 'spillway', version: '0.1' });
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers: headersOf(http.headers ?? {}, context) },
    // Only the request itself carries the key: a gateway that knows it would answer `initialize` for the request.
    fetch: (target, init) => fetch(target, isRequest(init, call.method) ? withKey(init!, context) : init),
  });
  const send = transport.send.bind(transport);
  transport.send = (message, options) => send(withVersion(message, call.protocolVersion), options);
  const options = { signal, timeout: NO_TIMEOUT_MS };
  try {
    await client.connect(transport, options);
    const request = { method: call.method, params: call.parameters ?? {} };
    const result = await client.request(request, ResultSchema, options);
    if (result.isError === true) throw toolFailed(result.content, context);
    return result;
  } catch (error) {
    throw explain(error, { context, failure: failure.signal, timeout: timeout[0], ms: call.timeout, url });
  } finally {
    // The answer is there: how the session ends is of no interest to the flow, and must not keep it.
    const goodbye = transport.terminateSession().catch(() => undefined);
    const late = new Promise((resolve) => setTimeout(resolve, GOODBYE_MS).unref());
    void Promise.race([goodbye, late]).finally(() => void client.close().catch(() => undefined));
  }
}

function headersOf(given: Record<string, unknown>, context: ProtocolContext): Record<string, string> {
  const own = { 'user-agent': USER_AGENT, ...(context.traceparent && { traceparent: context.traceparent }) };
  const named = Object.entries(given).map(([name, value]) => [name.toLowerCase(), plain(value)]);
  return { ...own, ...(Object.fromEntries(named) as Record<string, string>) };
}

function isRequest(init: RequestInit | undefined, method: string): boolean {
  if (typeof init?.body !== 'string') return false;
  return (JSON.parse(init.body) as { method?: unknown }).method === method;
}

function withKey(init: RequestInit, context: ProtocolContext): RequestInit {
  const headers = new Headers(init.headers);
  if (!headers.has('idempotency-key')) headers.set('idempotency-key', context.idempotencyKey);
  return { ...init, headers };
}

/** The library asks for the newest version it knows; the flow says which one it was written for. */
function withVersion<T extends object>(message: T, protocolVersion: string): T {
  if (!('method' in message) || message.method !== 'initialize') return message;
  const { params } = message as T & { params?: object };
  return { ...message, params: { ...params, protocolVersion } };
}

interface Circumstances {
  context: ProtocolContext;
  failure: AbortSignal;
  timeout?: AbortSignal;
  ms?: number;
  url: URL;
}

function explain(error: unknown, { context, failure, timeout, ms, url }: Circumstances): Error {
  if (context.signal.aborted) return context.signal.reason as Error;
  if (failure.aborted) return failure.reason as Error;
  if (timeout?.aborted) {
    const details = { ...STANDARD_ERRORS.timeout, title: 'Timeout' };
    return new TransientError(`${url.origin} did not answer in ${ms} ms`, { code: 'mcp-timeout', details });
  }
  const type = STANDARD_ERRORS.runtime.type;
  const own = ownErrorIn(error);
  if (own?.code === 'egress-refused') return own;
  if (error instanceof SpillwayError) {
    return error.code === 'mcp-tool-failed' || !error.details?.status
      ? error
      : withDetails(error, { ...error.details, type, status: Number(error.details.status) });
  }
  const redact = redactor(context.secrets);
  const message = redact(messageOf(error));
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'number') {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${redact(error.cause.message)}` : '';
    const details = { ...STANDARD_ERRORS.runtime, title: 'No answer', detail: message };
    return new TransientError(`${url.origin} did not answer: ${message}${cause}`, { code: 'call-failed', details });
  }
  const details = { ...STANDARD_ERRORS.runtime, title: `MCP error ${code}`, detail: message, mcpCode: code };
  const options = { code: 'mcp-error', details };
  return PASSING.has(code) ? new TransientError(message, options) : new PermanentError(message, options);
}

/** "Tool execution errors" of the MCP specification: the tool ran and says that it failed. */
function toolFailed(content: unknown, context: ProtocolContext): SpillwayError {
  const texts = (Array.isArray(content) ? content : []).map((part: { text?: unknown }) => part.text);
  const said = texts.filter((text) => typeof text === 'string').join('\n');
  const detail = redactor(context.secrets)(said.slice(0, EXCERPT_CHARACTERS));
  const details = { ...STANDARD_ERRORS.runtime, title: 'The tool failed', detail };
  return new PermanentError(`the tool failed: ${detail.slice(0, 200)}`, { code: 'mcp-tool-failed', details });
}
