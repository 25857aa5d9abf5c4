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

/** Checks one "Then" of the kit. @throws what Jest's `expect` throws, or an Error for words that are not known */
export function expectOutcome({ text, value }: Scenario['expectations'][number], ended: Ended): void {
  let match: RegExpExecArray | null;
  if (/^the workflow should complete/.test(text)) {
    expect(ended).toMatchObject({ status: 'completed' });
    if (value !== undefined) expect(ended.output).toEqual(value);
  } else if (/^the workflow should fault/.test(text)) {
    expect(ended.status).toBe('faulted');
    if (value !== undefined) expect(ended.error).toMatchObject(value as object);
  } else if (/^the workflow output should have properties/.test(text)) {
    for (const [, path] of text.matchAll(/'([^']+)'/g)) expect(at(ended.output, path!)).not.toBeUndefined();
  } else if ((match = /^the workflow output should have a '([^']+)' property with value/.exec(text))) {
    expect(at(ended.output, match[1]!)).toEqual(value);
  } else if ((match = /^the workflow output should have a '([^']+)' property containing (\d+) items/.exec(text))) {
    expect(at(ended.output, match[1]!)).toHaveLength(Number(match[2]));
  } else if ((match = /^(\w+) should run first/.exec(text))) {
    expect(ended.order[0]).toBe(match[1]);
  } else if ((match = /^(\w+) should run last/.exec(text))) {
    expect(ended.order.at(-1)).toBe(match[1]);
  } else if ((match = /^(\w+) should run after (\w+)/.exec(text))) {
    expect(ended.order.indexOf(match[1]!)).toBeGreaterThan(ended.order.indexOf(match[2]!));
  } else throw new Error(`the kit says what is not known here: ${text}`);
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce((found, key) => (found as Record<string, unknown> | undefined)?.[key], value);
}
