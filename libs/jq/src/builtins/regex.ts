import { grow, step } from '../budget';
import { fail, type Json, type JsonObject, lengthOf, put, shown } from '../values';
import type { ValueFunction } from './index';
import type { Node } from '../ast';
import { JqUnsupportedError, positionOf, unsupported } from '../errors';
import type { Cost } from './regex-cost';
import { execute } from './regex-guard';
import { translate } from './regex-syntax';

interface Compiled {
  expression: RegExp;
  /** The same, when where its groups match is asked for, which takes longer. */
  located: RegExp;
  cost: Cost;
  /** Of each group, in order. */
  names: (string | null)[];
}

const MOST_CACHED = 500;
const cache = new Map<string, Compiled>();

/** `match` and its family. */
export const regexFunctions: Record<string, ValueFunction> = {
  '_matches/2': (input, pattern, flags) => {
    const prepared = prepare(input, pattern, flags);
    const { text, names } = prepared;
    const { expression, located } = prepared;
    const found = find({ ...prepared, expression: names.length > 0 ? located : expression });
    return found.map((one) => describe(text, one, names));
  },
  'test/2': (input, pattern, flags) => {
    return find({ ...prepare(input, pattern, flags), all: false }).length > 0;
  },
  '_split/2': (input, pattern, flags) => {
    const prepared = prepare(input, pattern, flags);
    const { text } = prepared;
    const parts: Json[] = [];
    let from = 0;
    for (const found of find({ ...prepared, all: true })) {
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
  const prepared = prepare(input, pattern, flags);
  const { text, names } = prepared;
  const matches = find(prepared).map((found) => {
    const named: JsonObject = {};
    names.forEach((name, group) => name !== null && put(named, name, found[group + 1] ?? null));
    return { start: found.index, end: found.index + found[0].length, named };
  });
  return { text, matches };
}

interface Prepared extends Compiled {
  text: string;
  all: boolean;
  skipEmpty: boolean;
}

/** Letters that are several when their case is folded, which JavaScript does not do: ß, ŉ, ﬁ, … */
const UNFOLDED = /[\u00df\u0130\u0149\u01f0\u0390\u03b0\u0587\u1e96-\u1e9e\u1f50-\u1ffc\ufb00-\ufb17]/;

function prepare(input: Json, pattern: Json, flags: Json): Prepared {
  if (typeof input !== 'string') return fail(`${shown(input)} cannot be matched, as it is not a string`);
  if (typeof pattern !== 'string') return fail(`${shown(pattern)} is not a string`);
  if (flags !== null && typeof flags !== 'string') return fail(`${shown(flags)} is not a string`);
  const given = flags ?? '';
  if ([...given].some((flag) => !'gimnpslx'.includes(flag))) return fail(`${given} is not a valid modifier string`);
  if (given.includes('i') && (UNFOLDED.test(input) || UNFOLDED.test(pattern)))
    return unsupported('the regex flag i with letters such as ß');
  const compiled = compile(pattern, given);
  return { ...compiled, text: input, all: given.includes('g'), skipEmpty: given.includes('n') };
}

/** The functions whose first argument is a regular expression. */
const TAKES_PATTERN = new Set(['test', 'match', 'capture', 'scan', 'splits', 'sub', 'gsub']);

/** What is written in the source is looked at when that is compiled. @throws JqUnsupportedError */
export function checkPattern(name: string, args: Node[], source: string, at: number): void {
  const pattern = args[0];
  if (!(TAKES_PATTERN.has(name) || (name === 'split' && args.length === 2))) return;
  if (pattern?.kind !== 'literal' || typeof pattern.value !== 'string') return;
  const last = args.at(name === 'sub' || name === 'gsub' ? 2 : 1);
  const flags = last?.kind === 'literal' && typeof last.value === 'string' ? last.value : '';
  try {
    compile(pattern.value, flags);
  } catch (error) {
    if (error instanceof JqUnsupportedError) throw new JqUnsupportedError(error.problem, positionOf(source, at));
    // Not a regular expression at all: an error when it is run, as in jq.
  }
}

/** `test("a")` is `test("a"; null)`, without the look at whether its argument is an array. */
export function withFlags(name: string, args: Node[], at: number): Node[] {
  const [only] = args;
  const written = only?.kind === 'literal' && typeof only.value === 'string' && args.length === 1;
  return written && ['test', 'match', 'capture'].includes(name) ? [only, { kind: 'literal', value: null, at }] : args;
}

function compile(pattern: string, flags: string): Compiled {
  const key = `${flags}/${pattern}`;
  const known = cache.get(key);
  if (known) return known;
  const { source, names, cost } = translate(pattern, {
    dotAll: flags.includes('p'),
    extended: flags.includes('x'),
    longest: flags.includes('l'),
  });
  let expression: RegExp;
  let located: RegExp;
  try {
    const fixed = `gu${flags.includes('i') ? 'i' : ''}`;
    expression = new RegExp(source, fixed);
    located = new RegExp(source, `d${fixed}`);
  } catch (error) {
    return unsupported(`the regex ${pattern}: ${(error as Error).message}`);
  }
  if (cache.size >= MOST_CACHED) cache.clear();
  const compiled = { expression, located, names, cost };
  cache.set(key, compiled);
  return compiled;
}

function find({ text, expression, cost, all, skipEmpty }: Prepared): RegExpExecArray[] {
  const matches: RegExpExecArray[] = [];
  expression.lastIndex = 0;
  for (;;) {
    step(1 + (text.length >> 6));
    const found = execute(expression, text, cost);
    if (!found) return matches;
    if (!(skipEmpty && found[0] === '')) matches.push(found);
    if (!all && matches.length > 0) return matches;
    if (found[0] === '') {
      if (all && NOT_ASCII.test(text)) return unsupported('all the empty matches in a text that is not ASCII');
      expression.lastIndex = nextPoint(text, found.index);
    }
  }
}

const NOT_ASCII = /[^\0-\x7f]/;

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
