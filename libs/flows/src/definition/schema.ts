import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import vendored from './schema/workflow.json';

/** The part of JSON Schema that the specification's schema uses. */
export interface SchemaNode {
  $ref?: string;
  title?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  pattern?: string;
  format?: string;
  minLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  minProperties?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, SchemaNode | boolean>;
  additionalProperties?: SchemaNode | boolean;
  unevaluatedProperties?: boolean;
  items?: SchemaNode;
  allOf?: SchemaNode[];
  anyOf?: SchemaNode[];
  oneOf?: SchemaNode[];
  not?: SchemaNode;
  if?: SchemaNode;
  then?: SchemaNode;
  else?: SchemaNode;
  $defs?: Record<string, SchemaNode>;
}

/**
 * The specification's schema and what Spillway adds to it:
 * - `catch.then`, as in the Open Workflow Specification that follows this one;
 * - an expression as the `status` of an error, so that a caught error can be raised again;
 * - line breaks within expressions;
 * - `evaluate`, which the reference of the language has and its schema lacks;
 * - no unknown properties in the objects that the schema leaves open by oversight, where a slip would be ignored.
 */
export const flowSchema: SchemaNode = withAdditions(structuredClone(vendored) as unknown as SchemaNode);

function withAdditions(schema: SchemaNode): SchemaNode {
  const {
    authenticationPolicy,
    callTask,
    error,
    errorFilter,
    oauth2AuthenticationProperties,
    eventFilter,
    runtimeExpression,
    tryTask,
  } = schema.$defs!;
  const caught = property(tryTask!.allOf![1]!, 'catch');
  caught.properties!['then'] = { $ref: '#/$defs/flowDirective' };
  error!.properties!['status'] = { oneOf: [{ type: 'integer' }, { $ref: '#/$defs/runtimeExpression' }] };
  runtimeExpression!.pattern = '^\\s*\\$\\{[\\s\\S]+\\}\\s*$';
  const text: SchemaNode = { type: 'string' };
  schema.properties!['evaluate'] = { type: 'object', properties: { language: text, mode: text } };
  const mcp = callTask!.oneOf!.find(({ title }) => title === 'CallMCP')!;
  const mcpArguments = property(mcp.allOf![1]!, 'with');
  const transport = property(mcpArguments, 'transport');
  const oauth2 = property(
    authenticationPolicy!.oneOf!.find(({ title }) => title === 'OAuth2AuthenticationPolicy')!,
    'oauth2',
  );
  const open = [
    schema,
    property(schema, 'evaluate'),
    property(caught, 'errors'),
    errorFilter!,
    property(eventFilter!, 'correlate').additionalProperties as SchemaNode,
    mcpArguments,
    transport,
    property(transport, 'http'),
    property(mcpArguments, 'client'),
    property(oauth2.oneOf![0]!, 'endpoints'),
    property(oauth2AuthenticationProperties!, 'request'),
  ];
  for (const node of open) node.unevaluatedProperties = false;
  return schema;
}

function property(node: SchemaNode, name: string): SchemaNode {
  return node.properties![name] as SchemaNode;
}

const ajv = new Ajv2020({ strict: false, logger: false });
addFormats(ajv);

/**
 * The schema with nothing said of the tasks within lists but that they are objects. In the specification's own, a task
 * tries every kind, and two of them look into `do` before they see that they are not meant: nested twenty deep, that
 * takes half a minute.
 */
function withoutTasks(schema: SchemaNode): SchemaNode {
  const shallow = structuredClone(schema);
  shallow.$defs!['task'] = { type: 'object' };
  return shallow;
}

/** What ajv says of a value by one definition of the schema, or by the root; tasks within lists are not looked at. */
export function matches(value: unknown, definition?: string): boolean {
  if (!ajv.getSchema('flow')) ajv.addSchema({ ...withoutTasks(flowSchema), $id: 'flow' });
  return ajv.validate(definition === undefined ? 'flow' : `flow#/$defs/${definition}`, value);
}

const formats = new Map<string, ValidateFunction>();

export function matchesFormat(format: string, text: string): boolean {
  let check = formats.get(format);
  if (!check) formats.set(format, (check = ajv.compile({ type: 'string', format })));
  return check(text);
}

/** The definition a `$ref` of the schema names. */
export function resolve(node: SchemaNode): SchemaNode | undefined {
  return node.$ref === undefined ? undefined : flowSchema.$defs![node.$ref.replace('#/$defs/', '')];
}
