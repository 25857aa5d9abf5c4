import { z } from 'zod';
import { authenticatorFor } from '../authentication/authenticator';
import { authenticationSchema } from '../authentication/policy';
import { argumentsOf, resourceSchema } from './arguments';
import { encodeBody, essence } from './content';
import { type ProtocolContext } from './context';
import { loadDocument } from './document';
import { exchange, type OutgoingRequest } from './exchange';
import { refuse } from './failure';
import { failed, headersOf, outputOf, urlOf } from './http';
import { nearestNames } from './nearest';
import { findOperation, type OperationModel } from './openapi-operation';
import { headerValue, pathValue, queryPairs } from './openapi-parameters';

const openApiArguments = z.object({
  document: resourceSchema,
  operationId: z.string().min(1),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  authentication: authenticationSchema.optional(),
  output: z.enum(['raw', 'content', 'response']).default('content'),
  redirect: z.boolean().default(false),
});
export type OpenApiArguments = z.input<typeof openApiArguments>;

/** What a request is made of, before it is bytes. */
export interface OperationRequest {
  url: string;
  headers: Record<string, string>;
  body?: { value: unknown; contentType: string };
}

/**
 * The DSL's OpenAPI call, for OpenAPI 3.0, 3.1 and Swagger 2.0 documents in JSON or YAML.
 *
 * `parameters` holds the operation's parameters by name, wherever they go. The body is the parameter `body` (Swagger
 * 2: also the name the document gives it) or, without one, an object of all names that are no other parameter.
 *
 * @throws PermanentError `operation-unknown`, `parameter-missing`, `parameter-unknown`, `document-invalid`; else as
 * `callHttp`
 */
export async function callOpenApi(args: unknown, context: ProtocolContext): Promise<unknown> {
  const call = argumentsOf('openapi', openApiArguments, args);
  const document = await loadDocument(call.document.endpoint, context);
  const operation = findOperation(document, call.operationId);
  const request = requestOf(operation, call.parameters ?? {});
  const outgoing: OutgoingRequest = {
    method: operation.method.toUpperCase(),
    url: urlOf(request.url),
    headers: headersOf(request.headers, context),
  };
  await addBody(outgoing, request.body);
  const authenticator = authenticatorFor(call.authentication, context);
  const answer = await exchange(outgoing, context, { follow: call.redirect, authenticator });
  failed(outgoing, answer, call.redirect);
  return outputOf(call.output, { ...outgoing, method: operation.method }, answer, context);
}

async function addBody(outgoing: OutgoingRequest, body: OperationRequest['body']): Promise<void> {
  if (!body) return;
  const given = outgoing.headers['content-type'] ?? body.contentType;
  // Here a text under a JSON type is a JSON string, as the schema says; only `call: http` may send JSON made by hand.
  const value = /json$/.test(essence(given)) ? JSON.stringify(body.value) : body.value;
  const encoded = await encodeBody(value, given);
  if (!encoded) return;
  outgoing.headers['content-type'] = encoded.contentType;
  outgoing.body = encoded.bytes;
}

/** Puts parameters where the operation wants them. @throws PermanentError `parameter-missing`, `parameter-unknown` */
export function requestOf(operation: OperationModel, given: Record<string, unknown>): OperationRequest {
  const rest = new Map(Object.entries(given).filter(([, value]) => value !== undefined && value !== null));
  const [query, cookies, headers] = [[] as string[], [] as string[], {} as Record<string, string>];
  let path = operation.path;
  const used = new Set<string>();
  for (const parameter of operation.parameters) {
    const value = rest.get(parameter.name);
    if (value === undefined) {
      if (parameter.required) throw missing(operation, parameter.name);
      continue;
    }
    used.add(parameter.name);
    if (parameter.in === 'path') path = path.replaceAll(`{${parameter.name}}`, () => segment(parameter, value));
    else if (parameter.in === 'query') query.push(...queryPairs(parameter, value));
    else if (parameter.in === 'cookie') cookies.push(...queryPairs(parameter, value));
    else headers[parameter.name.toLowerCase()] = headerValue(parameter, value);
  }
  for (const name of used) rest.delete(name);
  if (cookies.length > 0) headers.cookie = cookies.join('; ');
  if (operation.accepts.length > 0) headers.accept ??= [...new Set(operation.accepts)].join(', ');
  const base = operation.server.replace(/[?#].*$/s, '').replace(/\/$/, '');
  const url = `${base}${path}${query.length > 0 ? `${path.includes('?') ? '&' : '?'}${query.join('&')}` : ''}`;
  return { url, headers, body: bodyFrom(operation, rest) };
}

function segment(parameter: OperationModel['parameters'][number], value: unknown): string {
  const text = pathValue(parameter, value);
  if (text !== '.' && text !== '..' && text !== '') return text;
  const message = `the path parameter ${parameter.name} is ${text === '' ? 'empty' : 'made of dots'}`;
  throw refuse('validation', 'parameter-invalid', message);
}

function bodyFrom(operation: OperationModel, rest: Map<string, unknown>): OperationRequest['body'] {
  const { body } = operation;
  if (!body) {
    const [unknown] = rest.keys();
    if (unknown !== undefined) throw unknownParameter(operation, unknown);
    return undefined;
  }
  const contentType = body.contentTypes[0] ?? 'application/json';
  const named = [body.name, body.properties.includes('body') ? undefined : 'body'].find(
    (name) => name !== undefined && rest.has(name),
  );
  if (named !== undefined) {
    const value = rest.get(named);
    rest.delete(named);
    const [unknown] = rest.keys();
    if (unknown !== undefined) throw unknownParameter(operation, unknown);
    return { value, contentType };
  }
  if (rest.size > 0) return { value: Object.fromEntries(rest), contentType };
  if (body.required) throw missing(operation, body.name ?? 'body');
  return undefined;
}

function missing(operation: OperationModel, name: string) {
  const where = `${operation.method.toUpperCase()} ${operation.path}`;
  return refuse(
    'validation',
    'parameter-missing',
    `${where} needs the parameter ${name}`,
    `Add ${name} to parameters.`,
  );
}

function unknownParameter(operation: OperationModel, name: string) {
  const where = `${operation.method.toUpperCase()} ${operation.path}`;
  const near = nearestNames(name, [
    ...operation.parameters.map((one) => one.name),
    ...(operation.body ? ['body'] : []),
  ]);
  const hint = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : '';
  return refuse('configuration', 'parameter-unknown', `${where} has no parameter ${name}${hint}`);
}
