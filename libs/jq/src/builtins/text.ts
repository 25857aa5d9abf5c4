import { grow } from '../budget';
import { splitText } from '../operators';
import { fail, type Json, shown } from '../values';
import type { ValueFunction } from './index';

/** Unicode's White_Space. */
const WHITE = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Functions of strings. */
export const textFunctions: Record<string, ValueFunction> = {
  'startswith/1': (input, part) => {
    if (typeof input !== 'string' || typeof part !== 'string') return fail('startswith() requires string inputs');
    return input.startsWith(part);
  },
  'endswith/1': (input, part) => {
    if (typeof input !== 'string' || typeof part !== 'string') return fail('endswith() requires string inputs');
    return input.endsWith(part);
  },
  'ltrimstr/1': (input, part) => trimStart(input, part),
  'rtrimstr/1': (input, part) => trimEnd(input, part),
  'trimstr/1': (input, part) => trimEnd(trimStart(input, part), part),
  'trim/0': (input) => trim(input, true, true),
  'ltrim/0': (input) => trim(input, true, false),
  'rtrim/0': (input) => trim(input, false, true),
  'explode/0': (input) => {
    if (typeof input !== 'string') return fail('explode input must be a string');
    grow(input.length);
    return Array.from(input, (point) => point.codePointAt(0)!);
  },
  'implode/0': (input) => {
    if (!Array.isArray(input)) return fail('implode input must be an array');
    return input.map(character).join('');
  },
  'ascii_downcase/0': (input) => mapped(input, /[A-Z]+/g, (run) => run.toLowerCase()),
  'ascii_upcase/0': (input) => mapped(input, /[a-z]+/g, (run) => run.toUpperCase()),
  'split/1': (input, separator) => {
    if (typeof input !== 'string' || typeof separator !== 'string')
      return fail('split input and separator must be strings');
    return splitText(input, separator);
  },
};

function trimStart(input: Json, part: Json): Json {
  if (typeof input !== 'string' || typeof part !== 'string') return fail('startswith() requires string inputs');
  return input.startsWith(part) ? input.slice(part.length) : input;
}

function trimEnd(input: Json, part: Json): Json {
  if (typeof input !== 'string' || typeof part !== 'string') return fail('endswith() requires string inputs');
  return part !== '' && input.endsWith(part) ? input.slice(0, -part.length) : input;
}

function mapped(input: Json, runs: RegExp, change: (run: string) => string): string {
  if (typeof input !== 'string') return fail('explode input must be a string');
  grow(input.length);
  return input.replace(runs, change);
}

/** Not with one regular expression: `\s+$` looks at each run of blanks from each place in it. */
function trim(input: Json, start: boolean, end: boolean): string {
  if (typeof input !== 'string') return fail('trim input must be a string');
  let from = 0;
  let to = input.length;
  if (start) while (from < to && WHITE.test(input[from]!)) from += 1;
  if (end) while (to > from && WHITE.test(input[to - 1]!)) to -= 1;
  return input.slice(from, to);
}

/** A code point; surrogates and what is beyond Unicode become the replacement character. */
function character(point: Json): string {
  if (typeof point !== 'number' || Number.isNaN(point))
    return fail(`${shown(point)} can't be imploded, unicode codepoint needs to be numeric`);
  const value = Math.trunc(point);
  const valid = value >= 0 && value <= 0x10ffff && !(value >= 0xd800 && value <= 0xdfff);
  return valid ? String.fromCodePoint(value) : '\ufffd';
}
