import { isRecord } from './content';
import { type LoadedDocument, resolveReference } from './document';
import { refuse } from './failure';
import { nearestNames } from './nearest';
import { DEFAULT_STYLE, type ParameterModel, type ParameterPlace } from './openapi-parameters';

type Json = Record<string, unknown>;

/** An operation of an OpenAPI 3.0, 3.1 or Swagger 2.0 document, in the same words for all. */
export interface OperationModel {
  method: string;
  /** With `{name}` for path parameters. */
  path: string;
  /** Where the path begins. */
  server: string;
  parameters: ParameterModel[];
  body?: {
    required: boolean;
    /** In order of preference. */
    contentTypes: string[];
    /** Swagger 2: the name of the one parameter that is the body. */
    name?: string;
    /** Properties its schema names, when it names any. */
    properties: string[];
  };
  /** Content types of successful answers. */
  accepts: string[];
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'query'];
const PLACES = new Set(['path', 'query', 'header', 'cookie']);

/**
 * @throws PermanentError `operation-unknown` that names the nearest operations, or `document-invalid`
 */
export function findOperation(document: LoadedDocument, operationId: string): OperationModel {
  const { root } = document;
  if (typeof root.swagger !== 'string' && typeof root.openapi !== 'string') {
    throw refuse('configuration', 'document-invalid', 'the document is neither OpenAPI 3 nor Swagger 2');
  }
  const names: string[] = [];
  for (const [path, given] of Object.entries(recordOf(root.paths))) {
    const item = recordOf(resolveReference(root, given));
    for (const method of METHODS) {
      const operation = item[method];
      if (!isRecord(operation) || typeof operation.operationId !== 'string') continue;
      if (operation.operationId === operationId) return modelOf(document, path, method, item, operation);
      names.push(operation.operationId);
    }
  }
  const near = nearestNames(operationId, names);
  const hint = near.length > 0 ? `; the nearest are ${near.join(', ')}` : `; it has ${names.length} others`;
  throw refuse('configuration', 'operation-unknown', `the document has no operation ${operationId}${hint}`);
}

function modelOf(document: LoadedDocument, path: string, method: string, item: Json, operation: Json): OperationModel {
  const { root } = document;
  const merged = new Map<string, Json>();
  for (const given of [...listOf(item.parameters), ...listOf(operation.parameters)]) {
    const parameter = recordOf(resolveReference(root, given));
    merged.set(`${String(parameter.in)} ${String(parameter.name)}`, parameter);
  }
  const all = [...merged.values()];
  const swagger2 = typeof root.swagger === 'string';
  const parameters = [...all.flatMap((one) => parameterOf(one, swagger2)), ...apiKeysOf(root, operation)];
  return {
    method,
    path,
    server: swagger2 ? serverOfSwagger2(document, operation) : serverOf(document, item, operation),
    parameters,
    body: swagger2 ? bodyOfSwagger2(root, operation, all) : bodyOf(root, operation),
    accepts: swagger2 ? stringsOf(operation.produces ?? root.produces) : acceptsOf(root, operation),
  };
}

function parameterOf(parameter: Json, swagger2: boolean): ParameterModel[] {
  if (!PLACES.has(String(parameter.in))) return [];
  const place = parameter.in as ParameterPlace;
  const base = {
    name: String(parameter.name),
    in: place,
    required: parameter.required === true || place === 'path',
    allowReserved: parameter.allowReserved === true,
    json: isRecord(parameter.content),
  };
  if (swagger2) return [{ ...base, ...(COLLECTIONS[textOr(parameter.collectionFormat, 'csv')] ?? COLLECTIONS.csv!) }];
  const style = typeof parameter.style === 'string' ? parameter.style : DEFAULT_STYLE[place];
  const explode =
    typeof parameter.explode === 'boolean' ? parameter.explode : style === 'form' || style === 'deepObject';
  return [{ ...base, style, explode }];
}

/** `collectionFormat` of Swagger 2 in the words of OpenAPI 3. */
const COLLECTIONS: Record<string, { style: string; explode: boolean }> = {
  csv: { style: 'form', explode: false },
  multi: { style: 'form', explode: true },
  ssv: { style: 'spaceDelimited', explode: false },
  tsv: { style: 'tabDelimited', explode: false },
  pipes: { style: 'pipeDelimited', explode: false },
};

/** API keys an operation may be called with, so that they can be given like any parameter. */
function apiKeysOf(root: Json, operation: Json): ParameterModel[] {
  const schemes = recordOf(recordOf(root.components).securitySchemes ?? root.securityDefinitions);
  const names = listOf(operation.security ?? root.security).flatMap((one) => Object.keys(recordOf(one)));
  return [...new Set(names)].flatMap((name) => {
    const scheme = recordOf(resolveReference(root, schemes[name]));
    if (scheme.type !== 'apiKey' || !PLACES.has(String(scheme.in))) return [];
    return parameterOf({ name: scheme.name, in: scheme.in }, false);
  });
}

function serverOf({ uri, root }: LoadedDocument, item: Json, operation: Json): string {
  const servers = [operation.servers, item.servers, root.servers].map(listOf).find((list) => list.length > 0);
  const server = recordOf(servers?.[0] ?? { url: '/' });
  const variables = recordOf(server.variables);
  const url = textOr(server.url, '/').replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = recordOf(variables[name]).default;
    if (value === undefined) {
      throw refuse('configuration', 'document-invalid', `the server variable ${name} has no default`);
    }
    return textOr(value, JSON.stringify(value));
  });
  const absolute = URL.parse(url, uri);
  if (!absolute) throw refuse('configuration', 'document-invalid', 'the first server of the document has no valid URL');
  return absolute.href;
}

function serverOfSwagger2({ uri, root }: LoadedDocument, operation: Json): string {
  const from = URL.parse(uri);
  const schemes = stringsOf(operation.schemes ?? root.schemes);
  const scheme = schemes.includes('https') ? 'https' : (schemes[0] ?? from?.protocol.replace(':', '') ?? 'https');
  const host = typeof root.host === 'string' ? root.host : from?.host;
  return `${scheme}://${host}${textOr(root.basePath, '/')}`;
}

function bodyOf(root: Json, operation: Json): OperationModel['body'] {
  if (operation.requestBody === undefined) return undefined;
  const body = recordOf(resolveReference(root, operation.requestBody));
  const contentTypes = Object.keys(recordOf(body.content)).sort(byPreference);
  const media = recordOf(recordOf(body.content)[contentTypes[0] ?? '']);
  return { required: body.required === true, contentTypes, properties: propertiesOf(root, media.schema) };
}

function bodyOfSwagger2(root: Json, operation: Json, parameters: Json[]): OperationModel['body'] {
  const consumes = stringsOf(operation.consumes ?? root.consumes).sort(byPreference);
  const body = parameters.find((one) => one.in === 'body');
  if (body) {
    const contentTypes = consumes.length > 0 ? consumes : ['application/json'];
    const properties = propertiesOf(root, body.schema);
    return { required: body.required === true, contentTypes, name: String(body.name), properties };
  }
  const fields = parameters.filter((one) => one.in === 'formData');
  if (fields.length === 0) return undefined;
  const forms = consumes.filter((type) => /form/.test(type));
  const contentTypes = forms.length > 0 ? forms : ['application/x-www-form-urlencoded'];
  const properties = fields.map((one) => String(one.name));
  return { required: fields.some((one) => one.required === true), contentTypes, properties };
}

function propertiesOf(root: Json, schema: unknown, depth = 0): string[] {
  const resolved = recordOf(resolveReference(root, schema));
  const own = Object.keys(recordOf(resolved.properties));
  if (depth > 5) return own;
  const parts = ['allOf', 'anyOf', 'oneOf'].flatMap((key) => listOf(resolved[key]));
  return [...own, ...parts.flatMap((part) => propertiesOf(root, part, depth + 1))];
}

function acceptsOf(root: Json, operation: Json): string[] {
  const good = Object.entries(recordOf(operation.responses)).filter(([status]) => /^(?:2|default)/.test(status));
  return good.flatMap(([, one]) => Object.keys(recordOf(recordOf(resolveReference(root, one)).content)));
}

const PREFERENCE = [/^application\/json/, /json/, /x-www-form-urlencoded/, /^multipart\/form-data/, /^text\//];

function byPreference(one: string, other: string): number {
  const rank = (type: string) => (PREFERENCE.findIndex((pattern) => pattern.test(type)) + 6) % 6;
  return rank(one) - rank(other);
}

function recordOf(value: unknown): Json {
  return isRecord(value) ? value : {};
}

function textOr(value: unknown, other: string): string {
  return typeof value === 'string' ? value : other;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function stringsOf(value: unknown): string[] {
  return listOf(value).filter((one) => typeof one === 'string');
}
