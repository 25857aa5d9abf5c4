/** A JSON Schema, or a piece of an OpenAPI document, as far as it is looked at here. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  definitions?: Record<string, Schema>;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  [key: string]: unknown;
}

const INT_OR_STRING: Schema = { anyOf: [{ type: 'integer' }, { type: 'string' }] };
/** `cpu: 1` is a quantity too. */
const QUANTITY: Schema = { anyOf: [{ type: 'number' }, { type: 'string' }] };

/**
 * Strict: a field that the schema does not know is an error, as the API server's strict field validation has it. Where the
 * schema of Kubernetes says less than it means (numbers or strings), it is said.
 *
 * @param name of the definition, where it has one
 */
export function strict(schema: Schema, name = ''): Schema {
  if (name === 'io.k8s.apimachinery.pkg.api.resource.Quantity') return QUANTITY;
  if (schema.format === 'int-or-string' || schema['x-kubernetes-int-or-string']) return INT_OR_STRING;
  const { properties, items, additionalProperties, ...rest } = schema;
  const made: Schema = { ...rest };
  if (items) made.items = strict(items);
  if (typeof additionalProperties === 'object') made.additionalProperties = strict(additionalProperties);
  else if (additionalProperties !== undefined) made.additionalProperties = additionalProperties;
  if (!properties) return made;
  made.properties = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, strict(value)]));
  if (additionalProperties === undefined && !schema['x-kubernetes-preserve-unknown-fields'])
    made.additionalProperties = false;
  return made;
}

/** A schema that stands on its own: with every definition that it leads to. */
export function standalone(name: string, definitions: Record<string, Schema>): Schema {
  const wanted = new Set([name]);
  for (const one of wanted) for (const found of references(definitions[one]!)) wanted.add(found);
  const made = [...wanted].map((one): [string, Schema] => [one, strict(definitions[one]!, one)]);
  return { $ref: `#/definitions/${name}`, definitions: Object.fromEntries(made) };
}

function references(schema: Schema): string[] {
  return [...JSON.stringify(schema).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)].map(([, name]) => name!);
}

/** How kubeconform calls the file of a kind: `deployment-apps-v1.json`, `service-v1.json`. */
export function fileOf({ group, version, kind }: { group: string; version: string; kind: string }): string {
  const first = group.split('.')[0]!;
  return `${[kind, first, version].filter(Boolean).join('-')}.json`.toLowerCase();
}
