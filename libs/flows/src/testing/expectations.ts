import { deepStrictEqual, equal, notEqual, ok, partialDeepStrictEqual } from 'node:assert/strict';
import type { Json } from '@spillway/jq';
import type { Scenario } from './features';

/** What a run came to, as the conformance kit looks at it. */
export interface Ended {
  status: string;
  output?: Json;
  error?: unknown;
  /** Names of tasks in the order in which they began. */
  order: string[];
}

/** Checks one "Then" of the kit. @throws AssertionError, or an Error for words that are not known */
export function expectOutcome({ text, value }: Scenario['expectations'][number], ended: Ended): void {
  let match: RegExpExecArray | null;
  if (/^the workflow should complete/.test(text)) {
    partialDeepStrictEqual(ended, { status: 'completed' });
    if (value !== undefined) deepStrictEqual(plain(ended.output), plain(value));
  } else if (/^the workflow should fault/.test(text)) {
    equal(ended.status, 'faulted');
    if (value !== undefined) partialDeepStrictEqual(plain(ended.error), plain(value));
  } else if (/^the workflow output should have properties/.test(text)) {
    for (const [, path] of text.matchAll(/'([^']+)'/g)) notEqual(at(ended.output, path!), undefined);
  } else if ((match = /^the workflow output should have a '([^']+)' property with value/.exec(text))) {
    deepStrictEqual(plain(at(ended.output, match[1]!)), plain(value));
  } else if ((match = /^the workflow output should have a '([^']+)' property containing (\d+) items/.exec(text))) {
    equal((at(ended.output, match[1]!) as unknown[]).length, Number(match[2]));
  } else if ((match = /^(\w+) should run first/.exec(text))) {
    equal(ended.order[0], match[1]);
  } else if ((match = /^(\w+) should run last/.exec(text))) {
    equal(ended.order.at(-1), match[1]);
  } else if ((match = /^(\w+) should run after (\w+)/.exec(text))) {
    ok(ended.order.indexOf(match[1]!) > ended.order.indexOf(match[2]!), `${match[1]} ran before ${match[2]}`);
  } else throw new Error(`the kit says what is not known here: ${text}`);
}

/** As JSON: prototypes and what is undefined do not count. */
function plain(value: unknown): object {
  return JSON.parse(JSON.stringify(value ?? null)) as object;
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce((found, key) => (found as Record<string, unknown> | undefined)?.[key], value);
}
