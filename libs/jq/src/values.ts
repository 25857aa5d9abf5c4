import { sawOddNumbers, step } from './budget';
import { raise, unsupported } from './errors';
import { haveOneOrigin, sawSlices } from './slices';

export { numberText, preview, shown, toJson } from './text';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };
export type TypeName = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

export function typeOf(value: Json): TypeName {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as TypeName;
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function truthy(value: Json): boolean {
  return value !== null && value !== false;
}

/** Sets an own property, also for `__proto__`. */
export function put(object: JsonObject, key: string, value: Json): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

export function get(object: JsonObject, key: string): Json {
  return Object.hasOwn(object, key) ? (object[key] ?? null) : null;
}

export function copyOf(object: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(object)) put(copy, key, object[key]!);
  return copy;
}

/** Code point order, as jq's strings compare by their UTF-8 bytes. */
export function compareStrings(a: string, b: string): number {
  step(Math.min(a.length, b.length) >> 8);
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [x, y] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (x === y) continue;
    // Surrogates stand for code points above every other unit.
    const [sx, sy] = [x >= 0xd800 && x <= 0xdfff, y >= 0xd800 && y <= 0xdfff];
    return sx === sy ? x - y : sx ? 1 : -1;
  }
  return a.length - b.length;
}

/** jq sorts an object's keys wherever order counts. */
export function sortedKeys(object: JsonObject): string[] {
  return Object.keys(object).sort(compareStrings);
}

const RANK: Record<TypeName, number> = { null: 0, boolean: 1, number: 3, string: 4, array: 5, object: 6 };

function rank(value: Json): number {
  return value === true ? 2 : RANK[typeOf(value)];
}

/** jq's total order: null < false < true < numbers < strings < arrays < objects. */
export function compare(a: Json, b: Json): number {
  if (typeof a === 'number' && typeof b === 'number') return a < b || Number.isNaN(a) ? -1 : a === b ? 0 : 1;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  const byRank = rank(a) - rank(b);
  if (byRank !== 0) return byRank;
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b);
  if (isObject(a) && isObject(b)) return compareObjects(a, b);
  return 0;
}

function compareArrays(a: Json[], b: Json[]): number {
  step();
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    if ((index & 15) === 15) step();
    const order = compare(a[index]!, b[index]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** First their key sets, as sorted arrays; then value by value. */
function compareObjects(a: JsonObject, b: JsonObject): number {
  step();
  const [keysOfA, keysOfB] = [sortedKeys(a), sortedKeys(b)];
  const byKeys = compareArrays(keysOfA, keysOfB);
  if (byKeys !== 0) return byKeys;
  for (const key of keysOfA) {
    const order = compare(a[key]!, b[key]!);
    if (order !== 0) return order;
  }
  return 0;
}

export function equal(a: Json, b: Json): boolean {
  if (a === b || compare(a, b) === 0) return true;
  if (sawSlices()) checkDifference(a, b);
  return false;
}

/** Of values that differ. @throws JqUnsupportedError where jq calls them equal, see `slices.ts` */
function checkDifference(a: Json, b: Json): void {
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return;
    if (haveOneOrigin(a, b))
      unsupported('comparing two slices of one array, which jq calls equal: compare what `tojson` makes of them');
    // As jq does: up to the first that differs.
    a.every((item, at) => equal(item, b[at]!));
  } else if (isObject(a) && isObject(b)) {
    for (const key of Object.keys(a)) if (Object.hasOwn(b, key)) equal(a[key]!, b[key]!);
  }
}

/**
 * In order; items that are alike stay in theirs.
 *
 * @throws JqUnsupportedError where NaN comes beside NaN within items: jq calls each less than the other, and which comes
 *   first is a matter of C's library
 */
export function sorted<T>(items: readonly T[], keyOf: (item: T) => Json): T[] {
  step(items.length * 4);
  const keyed = items.map((item) => [keyOf(item), item] as const);
  const order = sawOddNumbers() ? compareOdd : compare;
  return keyed.sort(([a], [b]) => order(a, b)).map(([, item]) => item);
}

function compareOdd(a: Json, b: Json): number {
  if (Number.isNaN(a) && Number.isNaN(b)) return 0;
  const order = compare(a, b);
  return order < 0 && compare(b, a) < 0 ? unsupported('sorting by NaN beside NaN') : order;
}

/** @throws Raised, which becomes a JqRuntimeError */
export function fail(message: string): never {
  raise(message);
}

const NO_SURROGATES = /^[\u0000-\ud7ff\ue000-\uffff]*$/;

/** In code points. */
export function lengthOf(text: string): number {
  return NO_SURROGATES.test(text) ? text.length : Array.from(text).length;
}

/** From one code point up to another. */
export function sliceOf(text: string, from: number, to: number): string {
  return NO_SURROGATES.test(text) ? text.slice(from, to) : Array.from(text).slice(from, to).join('');
}
