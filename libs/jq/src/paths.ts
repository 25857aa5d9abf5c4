import { grow, step } from './budget';
import { checkExtension, noteSlice, noteSuccessor } from './slices';
import {
  copyOf,
  equal,
  fail,
  get,
  isObject,
  type Json,
  type JsonObject,
  lengthOf,
  put,
  shown,
  sliceOf,
  typeOf,
} from './values';

/** jq refuses to make larger arrays by assignment. */
const LARGEST_INDEX = 536_870_911;
/** Keys in a path that jq follows. */
export const DEEPEST_PATH = 10_000;

/** `.[key]`. @throws JqRuntimeError */
export function index(value: Json, key: Json): Json {
  step();
  if (isObject(value) && typeof key === 'string') return get(value, key);
  if (Array.isArray(value) && typeof key === 'number') {
    if (Number.isNaN(key)) return null;
    const at = Math.trunc(key);
    return value[at < 0 ? at + value.length : at] ?? null;
  }
  if (isObject(key) && (Array.isArray(value) || typeof value === 'string' || value === null)) {
    return slice(value, key);
  }
  if (Array.isArray(value) && Array.isArray(key)) return indicesOf(value, key);
  if (value === null && (typeof key === 'string' || typeof key === 'number')) return null;
  return fail(cannotIndex(value, key));
}

function cannotIndex(value: Json, key: Json): string {
  return `Cannot index ${typeOf(value)} with ${shown(key)}`;
}

/** Where `part` begins in `whole`. */
export function indicesOf(whole: Json[], part: Json[]): Json {
  if (part.length === 0) return [];
  const found: Json[] = [];
  for (let start = 0; start + part.length <= whole.length; start += 1) {
    step();
    if (part.every((item, offset) => equal(whole[start + offset]!, item))) found.push(start);
  }
  return found;
}

function slice(value: Json[] | string | null, range: JsonObject): Json {
  if (value === null) return null;
  if (typeof value === 'string') {
    step(value.length >> 6);
    const [start, end] = bounds(lengthOf(value), range);
    return sliceOf(value, start, end);
  }
  const [start, end] = bounds(value.length, range);
  if (start === 0 && end === value.length) return value;
  const part = value.slice(start, end);
  noteSlice(part, value);
  return part;
}

/** @param range `{"start": …, "end": …}`, null where there is no bound @throws JqRuntimeError */
function bounds(length: number, range: JsonObject): [number, number] {
  const from = bound(range, 'start', 0, length);
  const to = bound(range, 'end', length, length);
  const start = Math.min(Math.max(Math.floor(from), 0), length);
  return [start, Math.max(Math.min(Math.ceil(to), length), start)];
}

function bound(range: JsonObject, name: string, otherwise: number, length: number): number {
  const given = Object.hasOwn(range, name) ? (range[name] ?? otherwise) : undefined;
  if (typeof given !== 'number') return fail('Array/string slice indices must be integers');
  if (Number.isNaN(given)) return otherwise;
  return given < 0 ? given + length : given;
}

export function iterate(value: Json): Json[] {
  if (Array.isArray(value)) return value;
  if (isObject(value)) return Object.values(value);
  return fail(`Cannot iterate over ${value === null ? 'null (null)' : shown(value)}`);
}

export function getPath(value: Json, path: Json[]): Json {
  if (path.length > DEEPEST_PATH) return fail('Path too deep');
  let here = value;
  for (const key of path) here = index(here, key);
  return here;
}

/** The value with what is at the path replaced. */
export function setPath(value: Json, path: readonly Json[], replacement: Json, at = 0): Json {
  if (path.length > DEEPEST_PATH) return fail('Path too deep');
  if (at === path.length) return replacement;
  const key = path[at]!;
  const inner = index(value, key);
  // As in jq, whether there can be something at the key comes before what is within.
  if (Array.isArray(key)) return fail('Cannot update field at array index of array');
  if (typeof key === 'number') positionOf(value, key);
  return set(value, key, setPath(inner, path, replacement, at + 1));
}

/** @throws JqRuntimeError */
function set(value: Json, key: Json, item: Json): Json {
  step(Array.isArray(value) ? 1 + (value.length >> 6) : 1);
  if (typeof key === 'string' && (value === null || isObject(value))) {
    const copy = value === null ? {} : copyOf(value);
    grow(1);
    put(copy, key, item);
    return copy;
  }
  if (typeof key === 'number' && (value === null || Array.isArray(value))) return setItem(value ?? [], key, item);
  if (isObject(key) && (value === null || Array.isArray(value))) {
    const [start, end] = bounds(value?.length ?? 0, key);
    if (!Array.isArray(item)) return fail('A slice of an array can only be assigned another array');
    const changed = [...(value ?? []).slice(0, start), ...item, ...(value ?? []).slice(end)];
    if (value && changed.length < value.length) noteSlice(changed, value);
    return changed;
  }
  if (isObject(key) && typeof value === 'string') return fail('Cannot update string slices');
  if (Array.isArray(key) && Array.isArray(value)) return fail('Cannot update field at array index of array');
  return fail(cannotIndex(value, key));
}

/** Where in an array, or in what null becomes. @throws JqRuntimeError */
function positionOf(array: Json, key: number): number {
  if (Number.isNaN(key)) return fail('Cannot set array element at NaN index');
  const at = Math.trunc(key);
  const position = at < 0 ? at + (Array.isArray(array) ? array.length : 0) : at;
  if (position < 0) return fail('Out of bounds negative array index');
  if (position > LARGEST_INDEX) return fail('Array index too large');
  return position;
}

function setItem(array: Json[], key: number, item: Json): Json {
  const position = positionOf(array, key);
  checkExtension(array, position);
  grow(Math.max(1, position - array.length));
  const copy = array.slice();
  while (copy.length < position) copy.push(null);
  copy[position] = item;
  return noteSuccessor(copy, array);
}

/** The value without what is at the paths, which are sorted: what goes from one array or object goes at once. */
export function deletePaths(value: Json, paths: Json[][], depth = 0): Json {
  if (paths.some((path) => path.length > DEEPEST_PATH)) return fail('Path too deep');
  const gone: Json[] = [];
  let here = value;
  for (let from = 0, to = 0; from < paths.length; from = to) {
    const path = paths[from]!;
    const key = path[depth]!;
    // At least itself: NaN equals nothing.
    for (to = from + 1; to < paths.length && equal(paths[to]![depth]!, key);) to += 1;
    if (path.length === depth + 1) {
      gone.push(key);
      continue;
    }
    const inner = index(here, key);
    if (inner !== null) here = set(here, key, deletePaths(inner, paths.slice(from, to), depth + 1));
  }
  return gone.length === 0 ? here : without(here, gone);
}

/** @throws JqRuntimeError */
function without(value: Json, keys: Json[]): Json {
  step(keys.length);
  if (value === null) return null;
  if (Array.isArray(value)) {
    step(value.length >> 6);
    return withoutItems(value, keys);
  }
  if (!isObject(value)) return fail(`Cannot delete fields from ${typeOf(value)}`);
  const names = new Set<Json>(keys);
  for (const key of keys) if (typeof key !== 'string') fail(`Cannot delete ${typeOf(key)} field of object`);
  const copy: JsonObject = {};
  for (const name of Object.keys(value)) if (!names.has(name)) put(copy, name, value[name]!);
  return copy;
}

function withoutItems(value: Json[], keys: Json[]): Json[] {
  const gone = new Set<number>();
  for (const key of keys) {
    if (typeof key === 'number') {
      const at = Math.trunc(key);
      gone.add(at < 0 ? at + value.length : at);
    } else if (isObject(key)) {
      const [start, end] = bounds(value.length, key);
      step(end - start);
      for (let at = start; at < end; at += 1) gone.add(at);
    } else fail(`Cannot delete ${typeOf(key)} element of array`);
  }
  return value.filter((_, at) => !gone.has(at));
}
