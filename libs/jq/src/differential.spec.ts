import { compileJq, JqUnsupportedError } from './index';
import { cases } from './testing/cases';

interface Oracle {
  raw(input: unknown, filter: string, flags?: string[]): { stdout: string; stderr: string; exitCode: number };
}

/** Outputs until the first error, and whether there was one. */
interface Answer {
  outputs: string[];
  failed: boolean;
}

let oracle: Oracle;

beforeAll(async () => {
  const { loadJq } = (await import('jq-wasm')) as unknown as { loadJq: (this: void) => Promise<Oracle> };
  oracle = await loadJq();
});

function theirs(filter: string, input: unknown): Answer {
  const { stdout, exitCode } = oracle.raw(JSON.stringify(input), filter, ['-c']);
  return { outputs: stdout === '' ? [] : stdout.trim().split('\n').map(canonical), failed: exitCode !== 0 };
}

/** Key order and the writing of numbers are not what is compared. */
function canonical(json: string): string {
  return JSON.stringify(JSON.parse(json), (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

function ours(filter: string, input: unknown): Answer {
  const outputs: string[] = [];
  try {
    // `all` gives nothing when an error comes late, so outputs are taken one by one.
    const program = compileJq(`try (${filter}\n) catch {$__error_: .}`.replace('$__error_', '"\\u0001error"'));
    for (const output of program.all(input)) {
      if (typeof output === 'object' && output !== null && '\u0001error' in output) return { outputs, failed: true };
      outputs.push(canonical(JSON.stringify(finite(output))));
    }
    return { outputs, failed: false };
  } catch (error) {
    if (error instanceof JqUnsupportedError) throw error;
    return { outputs, failed: true };
  }
}

/** jq writes infinity as the largest number, NaN as null. */
function finite(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value) && !Number.isNaN(value))
    return Math.sign(value) * Number.MAX_VALUE;
  if (Array.isArray(value)) return value.map(finite);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, finite(item)]));
  return value;
}

describe.each(cases)('answers as jq 1.8 does: $filter', ({ filter, inputs }) => {
  it.each(inputs.map((input) => [JSON.stringify(input), input]))('on %s', (_name, input) => {
    expect(ours(filter, input)).toEqual(theirs(filter, input));
  });
});
