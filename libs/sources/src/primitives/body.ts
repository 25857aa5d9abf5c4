import { BadRequestError } from '@spillway/contracts';
import type { InboundRequest } from '../provider';

export type JsonObject = Record<string, unknown>;

/** @throws BadRequestError `body-malformed` */
export function malformed(message: string): never {
  throw new BadRequestError(message, { code: 'body-malformed' });
}

/** @throws BadRequestError `body-malformed` */
export function parseJson(request: InboundRequest): unknown {
  try {
    return JSON.parse(request.rawBody.toString('utf8'));
  } catch {
    // The parser's own message quotes the body, and this one goes into logs and lists.
    return malformed('the body is not JSON');
  }
}

/** @throws BadRequestError `body-malformed` */
export function parseObject(request: InboundRequest): JsonObject {
  const value = parseJson(request);
  return isObject(value) ? value : malformed('the body is not a JSON object');
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of keys, or undefined where there is none. */
export function at(value: unknown, ...path: string[]): unknown {
  let here = value;
  for (const key of path) {
    if (!isObject(here) || !Object.hasOwn(here, key)) return undefined;
    here = here[key];
  }
  return here;
}

/** A text or number at a path, as text; anything else is undefined. */
export function text(value: unknown, ...path: string[]): string | undefined {
  const found = at(value, ...path);
  if (typeof found === 'string' && found !== '') return found;
  return typeof found === 'number' ? String(found) : undefined;
}

/** @throws BadRequestError `body-malformed` that names the field */
export function requiredText(value: unknown, ...path: string[]): string {
  return text(value, ...path) ?? malformed(`the body has no "${path.join('.')}"`);
}

/** RFC 3339 from a Unix time; undefined when it is none. */
export function timeOf(unix: unknown, unit: 's' | 'ms'): string | undefined {
  const number = typeof unix === 'string' ? Number(unix) : unix;
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  const date = new Date(number * (unit === 's' ? 1_000 : 1));
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** RFC 3339 from a text that is a date; undefined when it is none. */
export function isoTime(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
