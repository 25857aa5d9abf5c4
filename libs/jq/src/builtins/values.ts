import { grow, noteOddNumbers, step } from '../budget';
import { add, binary } from '../operators';
import { index, indicesOf, setPath } from '../paths';
import {
  compare,
  equal,
  fail,
  get,
  isObject,
  type Json,
  lengthOf,
  shown,
  sorted,
  sortedKeys,
  toJson,
  typeOf,
} from '../values';
import type { ValueFunction } from './index';
import { parseJson, parseNumber } from './json-parser';

/** Functions of values: types, lengths, keys, order, paths. */
export const valueFunctions: Record<string, ValueFunction> = {
  'type/0': (input) => typeOf(input),
  'length/0': (input) => {
    if (input === null) return 0;
    if (typeof input === 'boolean') return fail(`${shown(input)} has no length`);
    if (typeof input === 'number') return Math.abs(input);
    if (typeof input === 'string') return lengthOf(input);
    return Array.isArray(input) ? input.length : Object.keys(input).length;
  },
  'utf8bytelength/0': (input) => {
    if (typeof input !== 'string') return fail(`${shown(input)} only strings have UTF-8 byte length`);
    return Buffer.byteLength(input);
  },
  'keys/0': (input) => {
    if (Array.isArray(input)) return input.map((_, position) => position);
    return isObject(input) ? sortedKeys(input) : fail(`${shown(input)} has no keys`);
  },
  'keys_unsorted/0': (input) => {
    if (Array.isArray(input)) return input.map((_, position) => position);
    return isObject(input) ? Object.keys(input) : fail(`${shown(input)} has no keys`);
  },
  'has/1': (input, key) => {
    if (input === null) return false;
    if (isObject(input) && typeof key === 'string') return Object.hasOwn(input, key);
    if (Array.isArray(input) && typeof key === 'number') return key >= 0 && key < input.length;
    return fail(`Cannot check whether ${typeOf(input)} has a ${typeof key === 'string' ? 'string' : typeOf(key)} key`);
  },
  'contains/1': (input, part) => {
    if (typeOf(input) === typeOf(part) && (typeof input !== 'boolean' || input === part)) return contains(input, part);
    return fail(`${shown(input)} and ${shown(part)} cannot have their containment checked`);
  },
  'setpath/2': (input, path, value) => {
    if (!Array.isArray(path)) return fail('Path must be specified as an array');
    return setPath(input, path, value);
  },
  'tojson/0': (input) => toJson(input),
  'tostring/0': (input) => (typeof input === 'string' ? input : toJson(input)),
  'fromjson/0': (input) => {
    if (typeof input !== 'string') return fail(`${shown(input)} only strings can be parsed`);
    return parse(input);
  },
  'sort/0': (input) => {
    if (!Array.isArray(input)) return fail(`${shown(input)} cannot be sorted, as it is not an array`);
    return sorted(input, (item) => item);
  },
  'unique/0': (input) => {
    if (!Array.isArray(input)) return fail(`${shown(input)} cannot be sorted, as it is not an array`);
    return sorted(input, (item) => item).filter((item, at, all) => at === 0 || !equal(item, all[at - 1]!));
  },
  'min/0': (input) => extreme(input, (order) => order < 0),
  'max/0': (input) => extreme(input, (order) => order >= 0),
  'indices/1': (input, part) => indices(input, part),
  '_flatten/1': (input, depth) => flatten(input, depth),
  'flatten/1': (input, depth) => {
    if (compare(depth, 0) < 0) return fail('flatten depth must not be negative');
    return flatten(input, depth);
  },
  'bsearch/1': (input, target) => {
    if (!Array.isArray(input)) return fail(`${shown(input)} cannot be searched from`);
    let [low, high] = [0, input.length];
    while (low < high) {
      step();
      const middle = (low + high) >> 1;
      const order = compare(target, input[middle]!);
      if (order === 0) return middle;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return -1 - low;
  },
  'tonumber/0': (input) => {
    if (typeof input === 'number') return input;
    if (typeof input !== 'string') return fail(`${shown(input)} cannot be parsed as a number`);
    return parseNumber(input) ?? fail(`${shown(input)} cannot be parsed as a number`);
  },
  'toboolean/0': (input) => {
    if (typeof input === 'boolean') return input;
    if (input === 'true' || input === 'false') return input === 'true';
    return fail(`${shown(input)} cannot be parsed as a boolean`);
  },
};

function parse(text: string): Json {
  grow(text.length);
  noteOddNumbers();
  // What JSON.parse takes and jq does not: some lone surrogates, and what is nested deep.
  const dubious =
    /\\u[dD][89a-fA-F]/.test(text) || (text.length >= DEEP && (text.match(/[[{]/g)?.length ?? 0) >= DEEP / 2);
  if (!dubious) {
    try {
      return JSON.parse(text) as Json;
    } catch {
      // It may be of jq all the same, and otherwise the error is to be jq's.
    }
  }
  step(text.length >> 3);
  return parseJson(text);
}

/** Brackets and keys, one within the other, that jq reads. */
const DEEP = 10_000;

function contains(whole: Json, part: Json): boolean {
  step();
  if (isObject(whole) && isObject(part)) {
    return Object.keys(part).every((key) => Object.hasOwn(whole, key) && contains(get(whole, key), part[key]!));
  }
  if (Array.isArray(whole) && Array.isArray(part))
    return part.every((item) => whole.some((one) => contains(one, item)));
  if (typeof whole === 'string' && typeof part === 'string') return whole.includes(part);
  return equal(whole, part);
}

function extreme(input: Json, better: (order: number) => boolean): Json {
  if (!Array.isArray(input)) return fail(`${shown(input)} and ${shown(input)} cannot be iterated over`);
  let best: Json | undefined;
  for (const item of input) if (best === undefined || better(compare(item, best))) best = item;
  return best ?? null;
}

function indices(input: Json, part: Json): Json {
  if (Array.isArray(input)) return indicesOf(input, Array.isArray(part) ? part : [part]);
  if (typeof input === 'string' && typeof part === 'string') return positions(input, part);
  return index(input, part);
}

/** In code points, overlapping ones too. */
function positions(text: string, part: string): Json {
  if (part === '') return [];
  const found: Json[] = [];
  let points = 0;
  let counted = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
    step(1 + (part.length >> 4));
    points += lengthOf(text.slice(counted, at));
    counted = at;
    found.push(points);
  }
  return found;
}

function flatten(input: Json, depth: Json): Json {
  const items = Array.isArray(input)
    ? input
    : isObject(input)
      ? Object.values(input)
      : fail(`Cannot iterate over ${shown(input)}`);
  let result: Json = [];
  for (const item of items) {
    step();
    result = add(result, Array.isArray(item) && depth !== 0 ? flatten(item, binary('-', depth, 1)) : [item]);
  }
  return result;
}
