import * as fc from 'fast-check';
import { type Budget, compileJq, JqBudgetError, JqRuntimeError, JqSyntaxError, JqUnsupportedError } from './index';
import { cpuTime } from './testing/cpu-time';
import { EXPENSIVE, runaways } from './testing/runaways';

/** Milliseconds of processor time past the budget's, which is by the clock: that is looked at now and then. */
const LATE = 1_500;

/** Runs it to its end, which is to be one of ours, in time. */
function run(source: string, input: unknown, budget: Partial<Budget> = {}): 'ended' | 'stopped' {
  const used = cpuTime();
  try {
    compileJq(source, { budget }).all(input);
    return 'ended';
  } catch (error) {
    if (error instanceof JqBudgetError) return 'stopped';
    const known = [JqRuntimeError, JqSyntaxError, JqUnsupportedError].some((type) => error instanceof type);
    if (!known) throw error;
    return 'ended';
  } finally {
    expect(cpuTime() - used).toBeLessThan((budget.ms ?? 1_000) + LATE);
  }
}

describe('a dear expression ends or is stopped in its time', () => {
  it.each(EXPENSIVE)('%s', (source) => {
    run(source, null, { ms: 250 });
  });
});

it('random programs that run away are stopped, and nothing but our own errors comes out', () => {
  const counts = { ended: 0, stopped: 0 };
  fc.assert(
    fc.property(runaways, fc.constantFrom<unknown>(null, 1, 'a', [[1, 2], 'x'], { a: { b: [1] } }), (source, input) => {
      counts[run(source, input, { ms: 100 })] += 1;
    }),
    { numRuns: 250, seed: Number(process.env['JQ_SEED'] ?? 20_261_121), endOnFailure: true },
  );
  // Otherwise the generator would make nothing that runs away.
  expect(counts.stopped).toBeGreaterThan(60);
}, 240_000);

it.each([
  ['steps', { steps: 100 }, '[range(1000)]', 'takes too many steps'],
  ['output', { outputSize: 100 }, '"x" * 1000', 'makes too much output'],
  ['depth', { depth: 10 }, 'def f: if . > 50 then . else . + 1 | f end; 0 | f', 'nests too deep'],
  ['time', { ms: 20, steps: Infinity, outputSize: Infinity }, 'last(range(1000000000))', 'takes too long'],
  ['time, in a regex', { ms: 20 }, '("a" * 40) | test("^(a|a)*$b")', 'takes too long'],
])('has a bound of its own for %s', (_name, budget, source, message) => {
  expect(() => compileJq(source, { budget }).all(null)).toThrow(message);
});

it('takes a stack overflow for too deep, and is whole afterwards', () => {
  let deep: unknown = null;
  for (let level = 0; level < 200_000; level += 1) deep = [deep];
  const programs = [
    'tojson',
    '..|length',
    'flatten',
    '. == .',
    'walk(.)',
    'tostream',
    '[paths]',
    'path(..)',
    'sort',
    '@text',
  ];
  for (const source of [
    ...programs,
    'contains(.)',
    '(.[0] | .) |= .',
    '"\\(.)"',
    'infinite, .',
    'error',
    'unique',
    '.a',
  ])
    run(source, deep);
  expect(compileJq('def f: if . > 300 then . else . + 1 | f end; 0 | f').first(null)).toBe(301);
});
