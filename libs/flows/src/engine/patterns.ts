import type { Json } from '@spillway/jq';
import type { EventFilter } from '../definition/model';
import type { EventPattern } from './state';

type Event = { [attribute: string]: Json };
type Evaluate = (expression: string, input: Json) => Json;

const EXPRESSION = /^\s*\$\{[\s\S]*\}\s*$/;

/**
 * What a filter asks for, with what is known now filled in: what correlation keys must be is worked out when listening
 * begins.
 *
 * @param render a constant, or text with `${ }` in it, over the task's input
 */
export function patternOf(filter: EventFilter, render: (template: string) => Json): EventPattern {
  const pattern: EventPattern = { with: filter.with as Record<string, Json> };
  const { type, source } = filter.with;
  if (isLiteral(type)) pattern.type = type;
  if (isLiteral(source)) pattern.source = source;
  if (filter.correlate) {
    pattern.correlate = Object.fromEntries(
      Object.entries(filter.correlate).map(([key, { from, expect }]) => {
        return [key, { from, ...(expect !== undefined && { expect: render(expect) }) }];
      }),
    );
  }
  return pattern;
}

/**
 * Whether an event is one of these. Attributes are compared as they are, or, where they are `${ }`, by an expression:
 * over the event's data for `data`, over the attribute for others; one that gives a boolean decides, any other value
 * must equal the attribute. Text between slashes (`/^order\./`) is a regular expression.
 *
 * @param keys correlation keys that earlier events fixed; extended by this one when it matches
 */
export function matches(pattern: EventPattern, event: Event, keys: Record<string, Json>, evaluate: Evaluate): boolean {
  for (const [attribute, wanted] of Object.entries(pattern.with)) {
    if (!attributeMatches(wanted, event[attribute] ?? null, evaluate)) return false;
  }
  const found: Record<string, Json> = {};
  for (const [key, { from, expect }] of Object.entries(pattern.correlate ?? {})) {
    const value = evaluate(from, event);
    const wanted = expect ?? keys[key];
    if (value === null || (wanted !== undefined && !isSameKey(value, wanted))) return false;
    found[key] = value;
  }
  Object.assign(keys, found);
  return true;
}

function attributeMatches(wanted: Json, value: Json, evaluate: Evaluate): boolean {
  if (typeof wanted !== 'string') return isSame(wanted, value);
  if (EXPRESSION.test(wanted)) {
    const result = evaluate(wanted, value);
    return typeof result === 'boolean' ? result : isSame(result, value);
  }
  const pattern = /^\/(.+)\/$/.exec(wanted)?.[1];
  if (pattern !== undefined)
    return typeof value === 'string' && evaluate(`test(${JSON.stringify(pattern)})`, value) === true;
  return wanted === value;
}

function isSameKey(value: Json, wanted: Json): boolean {
  return isSame(asKey(value), asKey(wanted));
}

/** A key may be a number in one event and the same digits as text in another, or in the flow. */
export function asKey(key: Json): Json {
  return typeof key === 'number' ? String(key) : key;
}

/**
 * What is still to be known of an event, where earlier events have fixed correlation keys. Matches the same events.
 *
 * @param keys correlation keys that earlier events fixed
 */
export function narrowed(pattern: EventPattern, keys: Record<string, Json>): EventPattern {
  if (!pattern.correlate) return pattern;
  const correlate = Object.entries(pattern.correlate).map(([key, { from, expect }]) => {
    const known = expect ?? keys[key];
    return [key, { from, ...(known !== undefined && { expect: known }) }] as const;
  });
  return { ...pattern, correlate: Object.fromEntries(correlate) };
}

function isSame(a: Json, b: Json): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  if (Array.isArray(a) !== Array.isArray(b) || keys.length !== Object.keys(b).length) return false;
  const [one, other] = [a, b] as Record<string, Json>[];
  return keys.every((key) => Object.hasOwn(b, key) && isSame(one![key]!, other![key]!));
}

/** Whether text stands for itself. */
export function isLiteral(value: unknown): value is string {
  return typeof value === 'string' && !EXPRESSION.test(value) && !/^\/.+\/$/.test(value);
}
