import * as fc from 'fast-check';
import { compileJq, JqBudgetError, JqRuntimeError, JqSyntaxError, lintJq } from './index';

describe('budgets', () => {
  it.each([
    'def f: f; f',
    '[range(1000000000000)]',
    '"x" * 1000000000',
    '[repeat(1)]',
    'def f: 1 + f; f',
    'reduce range(1000000000) as $i (0; . + $i)',
    '[limit(100000000; repeat("x"))]',
    'def f: [., .] | f; 1 | f',
    '"a" | until(false; . + .)',
    '[recurse(.)]',
  ])('stop %s', (source) => {
    const started = performance.now();
    expect(() => compileJq(source).all(null)).toThrow(JqBudgetError);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('are not seen by catch', () => {
    expect(() => compileJq('try repeat(1) catch 2 | empty').all(null)).toThrow(JqBudgetError);
  });

  it('leave deep recursion in tail position alone', () => {
    expect(compileJq('[.[] | until(. > 50000; . + 1)]').all([1])).toEqual([[50_001]]);
  });
});

describe('prototypes', () => {
  it.each([
    ['.constructor', {}, null],
    ['.["__proto__"]', {}, null],
    ['has("toString")', {}, false],
    ['{"__proto__": 1} | keys', null, ['__proto__']],
    ['.["__proto__"].polluted = 1 | keys', {}, ['__proto__']],
    ['. * {"__proto__": {"polluted": 1}} | .polluted', {}, null],
  ])('%s', (source, input, expected) => {
    expect(compileJq(source).first(input)).toEqual(expected);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

it('says where and what is wrong', () => {
  expect(() => compileJq('.a |\n  )')).toThrow('jq, line 2, column 3: an expression is missing (at ")")');
  expect(lintJq('.a + $secrets')).toEqual([{ message: '$secrets is not defined', line: 1, column: 6 }]);
  expect(lintJq('.a + $secrets.key', { variables: ['secrets'] })).toEqual([]);
  expect(lintJq('env')[0]?.message).toContain('not supported');
  expect(lintJq('1e3')[0]?.message).toBe('write the number 1e3 as 1000');
});

it('gives the value of an error to who catches it', () => {
  expect.assertions(2);
  try {
    compileJq('error({code: 7})').all(null);
  } catch (error) {
    expect(error).toBeInstanceOf(JqRuntimeError);
    expect((error as JqRuntimeError).value).toEqual({ code: 7 });
  }
});

it('never raises anything but its own errors, whatever the source', () => {
  const words = fc.constantFrom(
    '.',
    '..',
    '[',
    ']',
    '(',
    ')',
    '{',
    '}',
    '|',
    ',',
    'a',
    '.a',
    '$x',
    '"s"',
    '1',
    'as',
    'def',
    'if',
    '//',
    '?',
    '=',
    'try',
    'reduce',
    ':',
    ';',
    '\\(',
    '@json',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 12 }), fc.jsonValue(), (parts, input) => {
      try {
        compileJq(parts.join(' '), { budget: { steps: 10_000 } }).all(input);
      } catch (error) {
        const ours =
          error instanceof JqSyntaxError || error instanceof JqRuntimeError || error instanceof JqBudgetError;
        expect(ours || (error as Error).name === 'JqUnsupportedError').toBe(true);
      }
    }),
    { numRuns: 3_000 },
  );
});
