import type { Enum, Field, Method, ReflectionObject, Root, Type } from 'protobufjs';
import { type EndpointArgument } from './arguments';
import { isRecord } from './content';
import { type FetchedDocument, type ProtocolContext } from './context';
import { fetchDocument, readDocument } from './document';
import { refuse } from './failure';
import { nearestNames } from './nearest';

const MOST_FILES = 50;
/** As JSON has it: 64-bit numbers and bytes (base64) as text, enums by name, fields that were not sent at their default. */
const AS_JSON = { longs: String, bytes: String, enums: String, defaults: true, arrays: true, json: true };
const INTEGERS = /^(?:u?int|s?fixed|sint)(?:32|64)$/;

/** A method of a service, with its messages as JSON. */
export interface ProtoMethod {
  /** As HTTP/2 has it: `/package.Service/Method`. */
  path: string;
  /** @throws PermanentError `argument-invalid` */
  serialize(value: Record<string, unknown>): Buffer;
  deserialize(bytes: Buffer): unknown;
}

/**
 * Reads a proto document with what it imports (relative to itself; `google/protobuf/*` is built in).
 *
 * @throws PermanentError `document-invalid`, or as fetching does
 */
export async function loadProto(endpoint: EndpointArgument, context: ProtocolContext): Promise<Root> {
  return readDocument('proto', endpoint, context, (fetched, request) =>
    protoFrom(fetched, (uri) => {
      const same = new URL(uri).origin === new URL(fetched.uri).origin;
      return fetchDocument({ uri, authentication: same ? request.authentication : undefined }, context);
    }),
  );
}

/** @param read what it imports @throws PermanentError `document-invalid`, or as `read` does */
export async function protoFrom(
  given: FetchedDocument,
  read: (uri: string) => Promise<FetchedDocument>,
): Promise<Root> {
  const protobuf = (await import('protobufjs')).default;
  const root = new protobuf.Root();
  const seen = new Set([given.uri]);
  const add = async ({ uri, text }: FetchedDocument): Promise<void> => {
    for (const name of parseInto(protobuf, root, uri, text)) {
      const common = protobuf.common.get(name);
      const target = common ? name : URL.parse(name, uri)?.href;
      if (target === undefined) throw invalidProto(new Error(`nothing can be imported from ${name}`));
      if (seen.has(target)) continue;
      if (seen.add(target).size > MOST_FILES) {
        throw refuse('configuration', 'document-invalid', `the proto imports more than ${MOST_FILES} files`);
      }
      if (common) root.addJSON(common.nested ?? {});
      else await add(await read(target));
    }
  };
  await add(given);
  try {
    root.resolveAll();
    return root;
  } catch (cause) {
    throw invalidProto(cause);
  }
}

type Protobuf = typeof import('protobufjs');

function parseInto(protobuf: Protobuf, root: Root, uri: string, text: string): string[] {
  try {
    const { imports, weakImports } = protobuf.parse(text, root);
    return [...(imports ?? []), ...(weakImports ?? [])];
  } catch (cause) {
    throw invalidProto(cause, new URL(uri).pathname);
  }
}

/**
 * @throws PermanentError `service-unknown`, `method-unknown` with the nearest names, or `method-streams`
 */
export function findMethod(root: Root, service: string, method: string): ProtoMethod {
  const services = servicesOf(root);
  const found = services.get(service);
  if (!found) throw unknown('service', service, services.keys());
  const own = found.find((one) => one.name === method);
  if (!own) {
    const names = found.map(({ name }) => name);
    throw unknown('method', method, names);
  }
  if (own.requestStream || own.responseStream) {
    throw refuse('configuration', 'method-streams', `${service}/${method} streams; only unary methods can be called`);
  }
  const [input, output] = [own.resolvedRequestType!, own.resolvedResponseType!];
  return {
    path: `/${service}/${own.name}`,
    serialize: (value) => Buffer.from(input.encode(input.fromObject(checked(input, value, ''))).finish()),
    deserialize: (bytes) => output.toObject(output.decode(bytes), AS_JSON),
  };
}

function servicesOf(root: Root): Map<string, Method[]> {
  const found = new Map<string, Method[]>();
  const visit = (object: ReflectionObject) => {
    if ('methodsArray' in object) {
      const methods = object.methodsArray as Method[];
      found.set(
        object.fullName.replace(/^\./, ''),
        methods.map((method) => method.resolve() as Method),
      );
    }
    if ('nestedArray' in object) for (const nested of object.nestedArray as ReflectionObject[]) visit(nested);
  };
  visit(root);
  return found;
}

/**
 * The library takes what it cannot use for zero or leaves it out; we say what is wrong. Names may be those of the
 * proto or their lowerCamelCase form, as the JSON mapping of Protocol Buffers has it.
 */
function checked(type: Type, value: unknown, path: string): Record<string, unknown> {
  if (!isRecord(value)) throw wrong(path || 'arguments', 'an object');
  const wellKnown = type.fullName === '.google.protobuf.Any';
  const result: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value)) {
    const here = path ? `${path}.${name}` : name;
    const field = type.fields[name] ?? type.fields[camelCase(name)];
    if (!field) {
      if (wellKnown) return value;
      const near = nearestNames(name, Object.keys(type.fields));
      const hint = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : '';
      throw refuse('validation', 'argument-invalid', `${type.name} has no field ${here}${hint}`);
    }
    if (one === undefined || one === null) continue;
    result[field.name] = checkedField(field, one, here);
  }
  return result;
}

function checkedField(field: Field, value: unknown, path: string): unknown {
  if (field.repeated) {
    if (!Array.isArray(value)) throw wrong(path, 'an array');
    return value.map((one, index) => checkedOne(field, one, `${path}.${index}`));
  }
  if (!field.map) return checkedOne(field, value, path);
  if (!isRecord(value)) throw wrong(path, 'an object');
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, checkedOne(field, one, `${path}.${key}`)]));
}

function checkedOne(field: Field, value: unknown, path: string): unknown {
  const resolved = field.resolvedType;
  if (resolved && 'fields' in resolved) return checked(resolved, value, path);
  if (resolved) return checkedEnum(resolved, value, path);
  switch (field.type) {
    case 'string':
      if (typeof value !== 'string') throw wrong(path, 'text');
      return value;
    case 'bytes':
      if (typeof value !== 'string' || !/^[\w+/-]*={0,2}$/.test(value)) throw wrong(path, 'base64 text');
      return value.replaceAll('-', '+').replaceAll('_', '/');
    case 'bool':
      if (typeof value !== 'boolean') throw wrong(path, 'true or false');
      return value;
  }
  if (INTEGERS.test(field.type)) {
    if (Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value))) return value;
    throw wrong(path, 'a whole number');
  }
  if (typeof value === 'number' || ['NaN', 'Infinity', '-Infinity'].includes(value as string)) return Number(value);
  throw wrong(path, 'a number');
}

function checkedEnum(type: Enum, value: unknown, path: string): unknown {
  if (typeof value === 'number' || (typeof value === 'string' && Object.hasOwn(type.values, value))) return value;
  throw wrong(path, `one of ${Object.keys(type.values).join(', ')}`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function wrong(path: string, expected: string) {
  return refuse('validation', 'argument-invalid', `${path} has to be ${expected}`);
}

function unknown(what: 'service' | 'method', name: string, names: Iterable<string>) {
  const near = nearestNames(name, names);
  const hint = near.length > 0 ? `; the nearest are ${near.join(', ')}` : '';
  return refuse('configuration', `${what}-unknown`, `the proto has no ${what} ${name}${hint}`);
}

function invalidProto(cause: unknown, where = 'the proto document') {
  return refuse('configuration', 'document-invalid', `${where}: ${(cause as Error).message}`, undefined, cause);
}
