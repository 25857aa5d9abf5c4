import {
  BadRequestError,
  invalidInput,
  openApiDocument,
  type OpenApiOperation,
  problemSchema,
  type Scope,
} from '@spillway/contracts';
import { eachInTenants, inTenants } from '@spillway/persistence';
import type { Platform } from '@spillway/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Authenticator } from '../access/authenticator';
import { maskPayloads } from '../access/mask';
import { type Caller, may, requireScope, rowsOf } from '../access/principal';
import { type Note, Trail } from './trail';

export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  params: Params;
  query: Query;
  body: Body;
  principal: Caller;
  /** Tells the audit log more of a change than its path does; several notes become several entries. */
  note: (note: Note) => void;
}

/** What all operations have. The server, the OpenAPI document, masking and the audit log go by it. */
interface EndpointTraits {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`, parameters in braces. */
  path: string;
  /** Null: being known is enough. */
  scope: Scope | null;
  summary: string;
  /** What the audit log calls a change; every method but GET is one. */
  action?: string;
  /**
   * `payloads`: its answer holds what webhooks brought, or what was sent: masked for who has not `payloads:read`, and for
   * the others a look that is audited. `traces`: it may hold bits of it (error messages, subjects): masked only.
   */
  shows?: 'payloads' | 'traces';
}

/** One operation: what it takes, who may ask, what it does. */
export interface Endpoint extends EndpointTraits {
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  /** Gives an object, or, to be sent as lines of JSON, many. */
  handle(call: Call): Promise<unknown>;
}

/** An answer that is not JSON. */
export class TextAnswer {
  constructor(
    readonly contentType: string,
    readonly text: string,
  ) {}
}

type Nothing = z.ZodObject<Record<never, never>>;

/** Types what `handle` gets by the schemas beside it. */
export function endpoint<
  Params extends z.ZodType = Nothing,
  Query extends z.ZodType = Nothing,
  Body extends z.ZodType = Nothing,
>(
  definition: EndpointTraits & {
    params?: Params;
    query?: Query;
    body?: Body;
    handle(call: Call<z.infer<Params>, z.infer<Query>, z.infer<Body>>): Promise<unknown>;
  },
): Endpoint {
  return definition;
}

const BASE = '/api/v1';

type Books = Pick<Platform, 'audit' | 'facts' | 'log'>;

export function registerEndpoints(
  server: FastifyInstance,
  endpoints: Endpoint[],
  authenticator: Authenticator,
  books: Books,
): void {
  for (const one of endpoints) {
    server.route({
      method: one.method,
      url: BASE + one.path.replace(/\{(\w+)\}/g, ':$1'),
      handler: async (request, reply) => {
        const result = await answer(one, request, reply, authenticator, books);
        if (result instanceof TextAnswer) return reply.type(result.contentType).send(result.text);
        return isLines(result) ? sendLines(reply, result) : result;
      },
    });
  }
}

async function answer(
  one: Endpoint,
  request: FastifyRequest,
  reply: FastifyReply,
  authenticator: Authenticator,
  books: Books,
): Promise<unknown> {
  const principal: Caller = { ...(await authenticator.principal(request)), needs: one.scope };
  const change = one.method !== 'GET';
  const trail = new Trail(books, request, principal, one.action ?? (change ? one.path : 'payload.read'));
  let result: unknown;
  try {
    if (one.scope) requireScope(principal, one.scope);
    const call = {
      principal,
      params: check(one.params, request.params),
      query: check(one.query, request.query),
      body: check(one.body, request.body ?? {}),
      note: trail.note,
    };
    result = await inTenants(rowsOf(principal), () => one.handle(call));
    if (isLines(result)) result = eachInTenants(rowsOf(principal), result);
  } catch (error) {
    if (change) await trail.failed(error);
    throw error;
  }
  if (change) await trail.done();
  if (one.shows === undefined) return result ?? { ok: true };
  const shown = maskPayloads(result, (tenant) => may(principal, 'payloads:read', tenant));
  if (one.shows === 'payloads' && !change) await trail.looked(shown.tenants);
  if (shown.masked) reply.header('x-spillway-payloads', 'masked');
  return shown.value;
}

function isLines(result: unknown): result is AsyncIterable<unknown> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
}

function sendLines(reply: FastifyReply, items: AsyncIterable<unknown>): FastifyReply {
  async function* lines() {
    for await (const item of items) yield `${JSON.stringify(item)}\n`;
  }
  return reply.header('content-type', 'application/x-ndjson').send(Readable.from(lines()));
}

/** @throws BadRequestError `input-invalid` that names each field */
function check(schema: z.ZodType | undefined, value: unknown): unknown {
  if (!schema) return {};
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalidInput(parsed.error);
  return parsed.data;
}

/** @throws BadRequestError 404 */
export function notFound(what: string): never {
  throw new BadRequestError(`there is no ${what}`, { code: 'not-found', status: 404 });
}

/** The operations API, as OpenAPI 3.1. */
export function operationsOpenApi(endpoints: Endpoint[]): Record<string, unknown> {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const one of endpoints) {
    (paths[BASE + one.path] ??= {})[one.method.toLowerCase()] = {
      summary: one.summary,
      description: one.scope ? `Scope: \`${one.scope}\`.` : 'For everybody who is known.',
      security: ['apiKey'],
      parameters: [...parameters('path', one.params), ...parameters('query', one.query)],
      ...(one.body && { body: { schema: one.body } }),
      responses: {
        200: { description: 'Done.' },
        400: { description: 'The input is wrong; `errors` names the fields.', schema: problemSchema },
        401: { description: 'No API key or session.', schema: problemSchema },
        403: { description: 'Not with this key or role.', schema: problemSchema },
      },
    };
  }
  return openApiDocument({
    title: 'Spillway operations',
    description: 'Looks at events and jobs, and acts on them.',
    paths,
  });
}

function parameters(place: 'path' | 'query', schema: z.ZodType | undefined): Record<string, unknown>[] {
  if (!(schema instanceof z.ZodObject)) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, unknown>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: field,
  }));
}
