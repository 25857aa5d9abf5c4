import type { BinaryOp } from './ast';
import { grow, noteOddNumbers, step } from './budget';
import { noteSuccessor } from './slices';
import { compare, copyOf, equal, fail, isObject, type Json, type JsonObject, put, shown } from './values';

/** `a op b`. @throws JqRuntimeError */
export function binary(op: BinaryOp, a: Json, b: Json): Json {
  step();
  const result = apply(op, a, b);
  if (typeof result === 'number' && !Number.isFinite(result)) noteOddNumbers();
  return result;
}

function apply(op: BinaryOp, a: Json, b: Json): Json {
  switch (op) {
    case '+':
      return add(a, b);
    case '-':
      return subtract(a, b);
    case '*':
      return multiply(a, b);
    case '/':
      return divide(a, b);
    case '%':
      return modulo(a, b);
    case '==':
      return equal(a, b);
    case '!=':
      return !equal(a, b);
    case '<':
      return compare(a, b) < 0;
    case '<=':
      return compare(a, b) <= 0;
    case '>':
      return compare(a, b) > 0;
    case '>=':
      return compare(a, b) >= 0;
  }
}

export function add(a: Json, b: Json): Json {
  if (a === null) return b;
  if (b === null) return a;
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (typeof a === 'string' && typeof b === 'string') {
    grow(a.length + b.length);
    return a + b;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    if (b.length === 0) return a;
    grow(a.length + b.length);
    return noteSuccessor(a.concat(b), a);
  }
  if (isObject(a) && isObject(b)) {
    const sum = copyOf(a);
    const keys = Object.keys(b);
    grow(keys.length);
    for (const key of keys) put(sum, key, b[key]!);
    return sum;
  }
  return fail(`${shown(a)} and ${shown(b)} cannot be added`);
}

function subtract(a: Json, b: Json): Json {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (Array.isArray(a) && Array.isArray(b)) {
    step(a.length * b.length);
    return a.filter((item) => !b.some((other) => equal(item, other)));
  }
  return fail(`${shown(a)} and ${shown(b)} cannot be subtracted`);
}

function multiply(a: Json, b: Json): Json {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (typeof a === 'string' && typeof b === 'number') return repeat(a, b);
  if (typeof a === 'number' && typeof b === 'string') return repeat(b, a);
  if (isObject(a) && isObject(b)) return merge(a, b);
  return fail(`${shown(a)} and ${shown(b)} cannot be multiplied`);
}

/** A negative count is null. */
function repeat(text: string, times: number): Json {
  if (Number.isNaN(times) || times < 0) return null;
  const count = Math.floor(times);
  if (text === '') return text;
  const size = text.length * count;
  if (!Number.isFinite(size)) return fail('Repeat string result too long');
  grow(size);
  return text.repeat(count);
}

/** Deep: objects in both are merged. */
function merge(a: JsonObject, b: JsonObject): JsonObject {
  const result = copyOf(a);
  for (const key of Object.keys(b)) {
    step();
    const [mine, theirs] = [Object.hasOwn(a, key) ? a[key]! : null, b[key]!];
    put(result, key, isObject(mine) && isObject(theirs) ? merge(mine, theirs) : theirs);
  }
  return result;
}

function divide(a: Json, b: Json): Json {
  if (typeof a === 'number' && typeof b === 'number') {
    if (b === 0) return fail(`${shown(a)} and ${shown(b)} cannot be divided because the divisor is zero`);
    return a / b;
  }
  if (typeof a === 'string' && typeof b === 'string') return splitText(a, b);
  return fail(`${shown(a)} and ${shown(b)} cannot be divided`);
}

export function splitText(text: string, separator: string): Json {
  if (text === '') return [];
  const parts = separator === '' ? Array.from(text) : text.split(separator);
  grow(parts.length + text.length);
  return parts;
}

/** Integers, truncated toward zero and clamped to 64 bits, the sign that of the dividend. */
function modulo(a: Json, b: Json): Json {
  if (typeof a !== 'number' || typeof b !== 'number')
    return fail(`${shown(a)} and ${shown(b)} cannot be divided (remainder)`);
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN;
  const [x, y] = [clamp(a), clamp(b)];
  if (y === 0n) return fail(`${shown(a)} and ${shown(b)} cannot be divided (remainder) because the divisor is zero`);
  const positive = (x < 0n ? -x : x) % (y < 0n ? -y : y);
  return Number(x < 0n ? -positive : positive);
}

const MOST = 2n ** 63n - 1n;

function clamp(value: number): bigint {
  if (Math.abs(value) < Number.MAX_SAFE_INTEGER) return BigInt(Math.trunc(value));
  if (!Number.isFinite(value)) return value > 0 ? MOST : -MOST - 1n;
  const whole = BigInt(Math.trunc(value));
  return whole > MOST ? MOST : whole < -MOST - 1n ? -MOST - 1n : whole;
}
