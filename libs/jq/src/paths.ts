import { grow, step } from './budget';
import { copyOf, equal, fail, get, isObject, type Json, type JsonObject, put, shown, toJson, typeOf } from './values';

/** A slice as a path component: `{"start": …, "end": …}`. */
type Slice = { start: Json; end: Json };

/** jq refuses to make larger arrays by assignment. */
const LARGEST_INDEX = 536_870_911;

/** `.[key]`. @throws JqRuntimeError */
export function index(value: Json, key: Json): Json {
  step();
  if (isObject(value) && typeof key === 'string') return get(value, key);
  if (Array.isArray(value) && typeof key === 'number') {
    if (Number.isNaN(key)) return null;
    const at = Math.floor(key);
    return value[at < 0 ? at + value.length : at] ?? null;
  }
  if (isObject(key) && (Array.isArray(value) || typeof value === 'string' || value === null))
    return slice(value, key as Slice);
  if (Array.isArray(value) && Array.isArray(key)) return indicesOf(value, key);
  if (value === null && (typeof key === 'string' || typeof key === 'number')) return null;
  return fail(cannotIndex(value, key));
}

function cannotIndex(value: Json, key: Json): string {
  if (typeof key === 'string') return `Cannot index ${typeOf(value)} with "${key}"`;
  return `Cannot index ${typeOf(value)} with ${typeOf(key)}`;
}

/** Where `part` begins in `whole`. */
export function indicesOf(whole: Json[], part: Json[]): Json {
  if (part.length === 0) return null;
  const found: Json[] = [];
  for (let start = 0; start + part.length <= whole.length; start += 1) {
    step();
    if (part.every((item, offset) => equal(whole[start + offset]!, item))) found.push(start);
  }
  return found;
}

function slice(value: Json[] | string | null, range: Slice): Json {
  if (value === null) return null;
  if (typeof value === 'string') {
    const points = Array.from(value);
    const [start, end] = bounds(points.length, range);
    return points.slice(start, end).join('');
  }
  const [start, end] = bounds(value.length, range);
  return value.slice(start, end);
}

/** @throws JqRuntimeError */
function bounds(length: number, { start = null, end = null }: Slice): [number, number] {
  if ((start !== null && typeof start !== 'number') || (end !== null && typeof end !== 'number')) {
    return fail('Start and end indices of an array slice must be numbers');
  }
  const from = Math.min(Math.max(Math.floor(wrap(start ?? 0, length)), 0), length);
  const to = Math.min(Math.ceil(wrap(end ?? length, length)), length);
  return [from, Math.max(to, from)];
}

function wrap(position: number, length: number): number {
  return position < 0 ? position + length : position;
}

export function iterate(value: Json): Json[] {
  if (Array.isArray(value)) return value;
  if (isObject(value)) return Object.values(value);
  return fail(`Cannot iterate over ${value === null ? 'null (null)' : shown(value)}`);
}

export function getPath(value: Json, path: Json[]): Json {
  let here = value;
  for (const key of path) {
    if (here === null) return null;
    here = index(here, key);
  }
  return here;
}

/** The value with what is at the path replaced. */
export function updatePath(value: Json, path: readonly Json[], update: (old: Json) => Json, at = 0): Json {
  if (at === path.length) return update(value);
  const key = path[at]!;
  return set(value, key, updatePath(index(value, key), path, update, at + 1));
}

export function setPath(value: Json, path: readonly Json[], replacement: Json): Json {
  return updatePath(value, path, () => replacement);
}

/** @throws JqRuntimeError */
function set(value: Json, key: Json, item: Json): Json {
  step();
  if (typeof key === 'string' && (value === null || isObject(value))) {
    const copy = value === null ? {} : copyOf(value);
    grow(1);
    put(copy, key, item);
    return copy;
  }
  if (typeof key === 'number' && (value === null || Array.isArray(value))) return setItem(value ?? [], key, item);
  if (isObject(key) && (value === null || Array.isArray(value))) {
    if (!Array.isArray(item)) return fail('A slice of an array can only be assigned another array');
    const [start, end] = bounds(value?.length ?? 0, key as Slice);
    return [...(value ?? []).slice(0, start), ...item, ...(value ?? []).slice(end)];
  }
  if (isObject(key) && typeof value === 'string') return fail('Cannot update string slices');
  if (Array.isArray(key) && Array.isArray(value)) return fail('Cannot update field at array index of array');
  return fail(cannotIndex(value, key));
}

function setItem(array: Json[], key: number, item: Json): Json {
  const position = Math.floor(key) < 0 ? Math.floor(key) + array.length : Math.floor(key);
  if (position < 0) return fail('Out of bounds negative array index');
  if (position > LARGEST_INDEX) return fail('Array index too large');
  grow(Math.max(1, position - array.length));
  const copy = array.slice();
  while (copy.length < position) copy.push(null);
  copy[position] = item;
  return copy;
}

/** The value without what is at the paths, last first so that earlier ones stay where they are. */
export function deletePaths(value: Json, paths: Json[][]): Json {
  let here = value;
  for (const path of paths) here = deletePath(here, path, 0);
  return here;
}

function deletePath(value: Json, path: Json[], at: number): Json {
  if (value === null) return null;
  if (at === path.length) return null;
  const key = path[at]!;
  if (at === path.length - 1) return without(value, key);
  const inner = index(value, key);
  return inner === null ? value : set(value, key, deletePath(inner, path, at + 1));
}

function without(value: Json, key: Json): Json {
  step();
  if (isObject(value) && typeof key === 'string') {
    if (!Object.hasOwn(value, key)) return value;
    const copy: JsonObject = {};
    for (const name of Object.keys(value)) if (name !== key) put(copy, name, value[name]!);
    return copy;
  }
  if (Array.isArray(value) && typeof key === 'number') {
    const position = Math.floor(key) < 0 ? Math.floor(key) + value.length : Math.floor(key);
    return value.filter((_, index_) => index_ !== position);
  }
  if (Array.isArray(value) && isObject(key)) {
    const [start, end] = bounds(value.length, key as Slice);
    return [...value.slice(0, start), ...value.slice(end)];
  }
  if (isObject(value)) return fail(`Cannot delete field at object index of ${typeOf(key)}`);
  if (Array.isArray(value)) return fail(`Cannot delete field at array index of ${typeOf(key)}`);
  return fail(`Cannot delete fields from ${typeOf(value)}: ${toJson(key)}`);
}
