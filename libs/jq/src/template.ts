import { DEFAULT_BUDGET, withinBudget } from './budget';
import { JqSyntaxError, JqUnsupportedError, positionOf } from './errors';
import { compileJq, type JqProgram } from './program';
import { type Json, put, toJson } from './values';

export interface Template {
  /** @throws JqRuntimeError, JqBudgetError */
  render(input: unknown, variables?: Record<string, unknown>): Json;
}

type Part = string | JqProgram;
type Render = (input: unknown, variables: Record<string, unknown>) => Json;

/**
 * Any JSON in which strings may hold `${ jq }`. A string that is nothing but one expression becomes its first output, of
 * any type; within other text outputs become text. `$${` stands for `${`.
 *
 * @param options `variables`: names, without `$`, that expressions may use
 * @throws JqSyntaxError, JqUnsupportedError
 */
export function compileTemplate(value: unknown, options: { variables?: readonly string[] } = {}): Template {
  try {
    const render = compileValue(value, options);
    return { render: (input, variables = {}) => withinBudget(DEFAULT_BUDGET, () => render(input, variables)) };
  } catch (error) {
    if (error instanceof RangeError) throw new JqUnsupportedError('the template nests too deep');
    throw error;
  }
}

function compileValue(value: unknown, options: { variables?: readonly string[] }): Render {
  if (typeof value === 'string') return compileString(value, options);
  if (Array.isArray(value)) {
    const items = value.map((item) => compileValue(item, options));
    return (input, variables) => items.map((item) => item(input, variables));
  }
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, compileValue(field, options)] as const);
    return (input, variables) => {
      const object: { [key: string]: Json } = {};
      for (const [name, field] of fields) put(object, name, field(input, variables));
      return object;
    };
  }
  return () => (value ?? null) as Json;
}

function compileString(text: string, options: { variables?: readonly string[] }): Render {
  const parts = split(text).map((part): Part => (typeof part === 'string' ? part : compileJq(part.source, options)));
  const only = parts[0];
  if (parts.length === 1 && typeof only === 'object') return (input, variables) => only.first(input, variables) ?? null;
  if (parts.every((part) => typeof part === 'string')) {
    const plain = parts.join('');
    return () => plain;
  }
  return (input, variables) =>
    parts
      .map((part) => {
        if (typeof part === 'string') return part;
        const output = part.first(input, variables) ?? null;
        return typeof output === 'string' ? output : toJson(output);
      })
      .join('');
}

/** Texts and expressions, in order. */
function split(text: string): (string | { source: string })[] {
  const parts: (string | { source: string })[] = [];
  let plain = '';
  for (let at = 0; at < text.length;) {
    if (text.startsWith('$${', at)) {
      plain += '${';
      at += 3;
    } else if (text.startsWith('${', at)) {
      const end = endOf(text, at + 2);
      if (end >= text.length) throw new JqSyntaxError('the expression is not closed', positionOf(text, at));
      if (plain) parts.push(plain);
      plain = '';
      parts.push({ source: text.slice(at + 2, end) });
      at = end + 1;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  if (plain || parts.length === 0) parts.push(plain);
  return parts;
}

/** Where the expression's brace closes: not one of an object, nor one within a string. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === '{') depth += 1;
    else if (character === '}' && depth-- === 0) return at;
  }
  return text.length;
}

/** Strings hold expressions, which hold strings. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '"') return at;
    if (text[at] !== '\\') continue;
    at += 1;
    if (text[at] !== '(') continue;
    let depth = 1;
    while (depth > 0 && ++at < text.length) {
      if (text[at] === '"') at = endOfString(text, at);
      else if (text[at] === '(') depth += 1;
      else if (text[at] === ')') depth -= 1;
    }
  }
  return text.length;
}
