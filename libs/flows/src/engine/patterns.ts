import { isDeepStrictEqual } from 'node:util';
import type { Json } from '@spillway/jq';
import type { EventFilter } from '../definition/model';
import type { EventPattern } from './state';

type Event = { [attribute: string]: Json };
export type Evaluate = (expression: string, input: Json) => Json;

const EXPRESSION = /^\s*\$\{[\s\S]*\}\s*$/;

/**
 * What a filter asks for, with what is known now filled in: correlation keys are worked out when listening begins.
 *
 * @param evaluate over the task's input
 */
export function patternOf(filter: EventFilter, input: Json, evaluate: Evaluate): EventPattern {
  const pattern: EventPattern = { with: filter.with as Record<string, Json> };
  const { type, source } = filter.with;
  if (isLiteral(type)) pattern.type = type;
  if (isLiteral(source)) pattern.source = source;
  if (filter.correlate) {
    pattern.correlate = Object.fromEntries(
      Object.entries(filter.correlate).map(([key, { from, expect }]) => {
        return [key, { from, ...(expect !== undefined && { expect: evaluate(expect, input) }) }];
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
    if (value === null || (wanted !== undefined && !isDeepStrictEqual(value, wanted))) return false;
    found[key] = value;
  }
  Object.assign(keys, found);
  return true;
}

function attributeMatches(wanted: Json, value: Json, evaluate: Evaluate): boolean {
  if (typeof wanted !== 'string') return isDeepStrictEqual(wanted, value);
  if (EXPRESSION.test(wanted)) {
    const result = evaluate(wanted, value);
    return typeof result === 'boolean' ? result : isDeepStrictEqual(result, value);
  }
  const pattern = /^\/(.+)\/$/.exec(wanted)?.[1];
  if (pattern !== undefined)
    return typeof value === 'string' && evaluate(`test(${JSON.stringify(pattern)})`, value) === true;
  return wanted === value;
}

function isLiteral(value: unknown): value is string {
  return typeof value === 'string' && !EXPRESSION.test(value) && !/^\/.+\/$/.test(value);
}
