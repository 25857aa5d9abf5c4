import {
  BadRequestError,
  invalidInput,
  openApiDocument,
  type OpenApiOperation,
  problemSchema,
  type Scope,
} from '@spillway/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Authenticator } from '../access/authenticator';
import { type Principal, requireScope } from '../access/principal';

export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  params: Params;
  query: Query;
  body: Body;
  principal: Principal;
  /** Where it came from, for the audit log. */
  address: string;
}

/** One operation: what it takes, who may ask, what it does. The server and the OpenAPI document are made from it. */
export interface Endpoint {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`, parameters in braces. */
  path: string;
  scope: Scope;
  summary: string;
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
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
>(definition: {
  method: Endpoint['method'];
  path: string;
  scope: Scope;
  summary: string;
  params?: Params;
  query?: Query;
  body?: Body;
  handle(call: Call<z.infer<Params>, z.infer<Query>, z.infer<Body>>): Promise<unknown>;
}): Endpoint {
  return definition;
}

const BASE = '/api/v1';

export function registerEndpoints(server: FastifyInstance, endpoints: Endpoint[], authenticator: Authenticator): void {
  for (const one of endpoints) {
    server.route({
      method: one.method,
      url: BASE + one.path.replace(/\{(\w+)\}/g, ':$1'),
      handler: async (request, reply) => {
        const result = await answer(one, request, authenticator);
        return result instanceof TextAnswer ? reply.type(result.contentType).send(result.text) : result;
      },
    });
  }
}

async function answer(one: Endpoint, request: FastifyRequest, authenticator: Authenticator): Promise<unknown> {
  const principal = await authenticator.principal(request);
  requireScope(principal, one.scope);
  const result = await one.handle({
    principal,
    params: check(one.params, request.params),
    query: check(one.query, request.query),
    body: check(one.body, request.body ?? {}),
    address: request.ip,
  });
  return result ?? { ok: true };
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
      description: `Scope: \`${one.scope}\`.`,
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
