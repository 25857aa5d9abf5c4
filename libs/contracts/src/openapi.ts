import { z } from 'zod';
import { PROBLEM_CONTENT_TYPE, problemSchema } from './problem';

export interface OpenApiOperation {
  summary: string;
  description?: string;
  parameters?: Record<string, unknown>[];
  /** Names of security schemes; `apiKey` is a bearer token. */
  security?: string[];
  body?: { description?: string; schema?: z.ZodType; content?: Record<string, unknown> };
  responses: Record<number, { description: string; schema?: z.ZodType }>;
}

type Method = 'get' | 'post' | 'put' | 'delete' | 'options';

/** An OpenAPI 3.1 document (its schemas are JSON Schema 2020-12, which zod writes). */
export function openApiDocument(api: {
  title: string;
  description: string;
  paths: Record<string, Partial<Record<Method, OpenApiOperation>>>;
}): Record<string, unknown> {
  const paths = Object.fromEntries(
    Object.entries(api.paths).map(([path, operations]) => [
      path,
      Object.fromEntries(Object.entries(operations).map(([method, operation]) => [method, toOperation(operation)])),
    ]),
  );
  return {
    openapi: '3.1.0',
    info: {
      title: api.title,
      description: api.description,
      version: '0.1.0',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: namedSchemas(),
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key of Spillway: `spw_…`.' } },
    },
  };
}

function toOperation({ body, responses, security, ...rest }: OpenApiOperation): Record<string, unknown> {
  return {
    ...rest,
    ...(security && { security: security.map((name) => ({ [name]: [] })) }),
    ...(body && {
      requestBody: {
        required: true,
        ...(body.description && { description: body.description }),
        content: body.content ?? { 'application/json': { schema: reference(body.schema!) } },
      },
    }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, { description, schema }]) => {
        const type = schema === problemSchema ? PROBLEM_CONTENT_TYPE : 'application/json';
        return [status, { description, ...(schema && { content: { [type]: { schema: reference(schema) } } }) }];
      }),
    ),
  };
}

const REFERENCES = { uri: (id: string) => `#/components/schemas/${id}` };

/** Inputs: what a client may leave out is optional. */
const OPTIONS = { io: 'input', unrepresentable: 'any', ...REFERENCES } as const;

/** Every schema that has an id, and what zod found that they share. */
function namedSchemas(): Record<string, unknown> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, OPTIONS);
  const { __shared: shared, ...named } = schemas as Record<string, Record<string, unknown>>;
  const all = { ...named, ...(shared?.['$defs'] as Record<string, Record<string, unknown>> | undefined) };
  const text = JSON.stringify(Object.fromEntries(Object.entries(all).map(([id, schema]) => [id, without(schema)])));
  return JSON.parse(text.replaceAll('#/components/schemas/__shared#/$defs/', '#/components/schemas/')) as Record<
    string,
    unknown
  >;
}

/** A schema as it stands in an operation: a reference where it has a name. */
function reference(schema: z.ZodType): Record<string, unknown> {
  const id = z.globalRegistry.get(schema)?.id;
  if (id) return { $ref: REFERENCES.uri(id) };
  if (schema instanceof z.ZodUnion) return { anyOf: schema.options.map((option) => reference(option as z.ZodType)) };
  if (schema instanceof z.ZodArray) return { type: 'array', items: reference(schema.element as z.ZodType) };
  if (schema instanceof z.ZodObject) return objectReference(schema.shape);
  return without(z.toJSONSchema(schema, OPTIONS));
}

function objectReference(shape: Record<string, z.ZodType>): Record<string, unknown> {
  const fields = Object.entries(shape);
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map(([name, field]) => [name, reference(field)])),
    required: fields.filter(([, field]) => !field.safeParse(undefined).success).map(([name]) => name),
  };
}

function without({ $schema: _schema, $id: _id, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest;
}
