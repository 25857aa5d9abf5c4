import { grow, step } from '../budget';
import { fail, type Json, type JsonObject, lengthOf, put, shown } from '../values';
import type { ValueFunction } from './index';
import { translate } from './regex-syntax';

interface Compiled {
  expression: RegExp;
  /** Of each group, in order. */
  names: (string | null)[];
}

const MOST_CACHED = 500;
const cache = new Map<string, Compiled>();

/** `match` and its family. */
export const regexFunctions: Record<string, ValueFunction> = {
  '_matches/2': (input, pattern, flags) => {
    const { text, expression, names, all, skipEmpty } = prepare(input, pattern, flags);
    return find(text, expression, all, skipEmpty).map((found) => describe(text, found, names));
  },
  'test/2': (input, pattern, flags) => {
    const { text, expression, skipEmpty } = prepare(input, pattern, flags);
    return find(text, expression, false, skipEmpty).length > 0;
  },
  'split/2': (input, pattern, flags) => {
    const { text, expression, skipEmpty } = prepare(input, pattern, flags);
    const parts: Json[] = [];
    let from = 0;
    for (const found of find(text, expression, true, skipEmpty)) {
      parts.push(text.slice(from, found.index));
      from = found.index + found[0].length;
    }
    parts.push(text.slice(from));
    grow(text.length + parts.length);
    return parts;
  },
};

export interface Match {
  start: number;
  end: number;
  /** Named groups, as `sub` gives them to its replacement. */
  named: JsonObject;
}

/** Where the pattern matches, for `sub` and `gsub`. */
export function matchesOf(input: Json, pattern: Json, flags: Json): { text: string; matches: Match[] } {
  const { text, expression, names, all, skipEmpty } = prepare(input, pattern, flags);
  const matches = find(text, expression, all, skipEmpty).map((found) => {
    const named: JsonObject = {};
    names.forEach((name, group) => name !== null && put(named, name, found[group + 1] ?? null));
    return { start: found.index, end: found.index + found[0].length, named };
  });
  return { text, matches };
}

function prepare(input: Json, pattern: Json, flags: Json) {
  // jq takes [pattern, flags] for the pattern, too.
  if (Array.isArray(pattern)) return prepareParts(input, pattern[0] ?? null, pattern[1] ?? flags);
  return prepareParts(input, pattern, flags);
}

function prepareParts(input: Json, pattern: Json, flags: Json) {
  if (typeof input !== 'string') return fail(`${shown(input)} cannot be matched, as it is not a string`);
  if (typeof pattern !== 'string') return fail(`${shown(pattern)} cannot be matched, as it is not a string`);
  if (flags !== null && typeof flags !== 'string') return fail(`${shown(flags)} is not a string`);
  const given = flags ?? '';
  const wrong = [...given].find((flag) => !'gimnpslx'.includes(flag));
  if (wrong) return fail(`${given} is not a valid modifier string`);
  const { expression, names } = compile(pattern, given);
  return { text: input, expression, names, all: given.includes('g'), skipEmpty: given.includes('n') };
}

function compile(pattern: string, flags: string): Compiled {
  const key = `${flags}/${pattern}`;
  const known = cache.get(key);
  if (known) return known;
  const { source, names } = translate(pattern, {
    dotAll: flags.includes('p'),
    extended: flags.includes('x'),
    longest: flags.includes('l'),
  });
  let expression: RegExp;
  try {
    expression = new RegExp(source, `dgu${flags.includes('i') ? 'i' : ''}`);
  } catch (error) {
    return fail(`${pattern} (at offset 0) is not a valid regex: ${(error as Error).message}`);
  }
  if (cache.size >= MOST_CACHED) cache.clear();
  const compiled = { expression, names };
  cache.set(key, compiled);
  return compiled;
}

function find(text: string, expression: RegExp, all: boolean, skipEmpty: boolean): RegExpExecArray[] {
  const matches: RegExpExecArray[] = [];
  expression.lastIndex = 0;
  for (;;) {
    step(1 + (text.length >> 6));
    const found = expression.exec(text);
    if (!found) return matches;
    if (!(skipEmpty && found[0] === '')) matches.push(found);
    if (!all && matches.length > 0) return matches;
    if (found[0] === '') expression.lastIndex = nextPoint(text, found.index);
  }
}

function nextPoint(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}

function describe(text: string, found: RegExpExecArray, names: (string | null)[]): JsonObject {
  const captures = names.map((name, group): Json => {
    const string = found[group + 1];
    const from = found.indices?.[group + 1]?.[0] ?? 0;
    if (string === undefined) return { offset: -1, string: null, length: 0, name };
    return { offset: lengthOf(text.slice(0, from)), length: lengthOf(string), string, name };
  });
  grow(found[0].length + captures.length);
  return {
    offset: lengthOf(text.slice(0, found.index)),
    length: lengthOf(found[0]),
    string: found[0],
    captures,
  };
}
