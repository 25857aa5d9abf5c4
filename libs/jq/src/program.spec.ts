import * as fc from 'fast-check';
import {
  compileJq,
  compileTemplate,
  JqBudgetError,
  JqRuntimeError,
  JqSyntaxError,
  JqUnsupportedError,
  lintJq,
} from './index';
import { cpuTime } from './testing/cpu-time';

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
    'def f: try f catch 1; f',
    'def f: (1 + f) // 1; f',
    'def f: if . > 100000 then . else . + 1 | f end; 0 | f',
    'reduce range(26) as $i ([1]; [., .]) | tojson',
    'reduce range(26) as $i ([1]; [., .]) | . == (tojson | fromjson)',
    'reduce range(26) as $i ([1]; [., .]) | [recurse] | length',
    '("a" * 1000000) | indices("a" * 500000)',
    '("a" * 32 + "b") | test("^(a+)+$")',
    '("a" * 3000 + "b") | test("a*a*a*a*c")',
    '[range(100000)] | combinations(3)',
  ])('stop %s', (source) => {
    const used = cpuTime();
    expect(() => compileJq(source).all(null)).toThrow(JqBudgetError);
    expect(cpuTime() - used).toBeLessThan(5_000);
  });

  it('are not seen by catch', () => {
    expect(() => compileJq('try repeat(1) catch 2 | empty').all(null)).toThrow(JqBudgetError);
  });

  it('leave deep recursion in tail position alone', () => {
    expect(compileJq('[.[] | until(. > 50000; . + 1)]').all([1])).toEqual([[50_001]]);
  });
});

describe('what nests too deep', () => {
  const nested = (times: number) => `${'['.repeat(times)}1${']'.repeat(times)}`;

  it('in the source is refused', () => {
    for (const source of ['('.repeat(100_000), nested(50_000), '"\\('.repeat(20_000), `1${'+1'.repeat(30_000)}`])
      expect(() => compileJq(source)).toThrow(/nests too deep/);
    expect(lintJq(nested(50_000))).toEqual([{ message: 'it nests too deep', line: 1, column: 1 }]);
  });

  it('in the input is over budget', () => {
    let deep: unknown = null;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(() => compileJq('tojson').all(deep)).toThrow(JqBudgetError);
    expect(() => compileTemplate('${ . }!').render(deep)).toThrow(JqBudgetError);
    expect(() => compileTemplate(deep)).toThrow(JqUnsupportedError);
  });

  it('has a depth of its own for each evaluation, also after errors', () => {
    const program = compileJq(
      'def f: if . > 400 then error("x") else . + 1 | f end; [range(20) | (0 | try f catch 1)] | length',
    );
    expect([program.first(null), program.first(null)]).toEqual([20, 20]);
  });
});

describe('what is not supported', () => {
  it.each([
    'test("(?i)b")',
    'sub("a{,2}"; "")',
    'capture("(?<=a+)b")',
    '. as $x | env',
    'input',
    '$ENV',
    'import "a" as a; 1',
    '1.0',
    '@base32d',
    'log10',
    'strftime("%Z")',
    '_flatten(1)',
    'match("(a?)*")',
    'match("(?:(a)|b)*")',
    '1e999',
    'path(last(.[]?))',
    'del(.[] | reduce . as $x (0; 1))',
    '(.a as [$x] | .b) = 1',
    '(.a = 1 | .b) |= 2',
    'path(.a and .b)',
  ])('%s is refused when compiled', (source) => expect(() => compileJq(source)).toThrow(JqUnsupportedError));

  it.each(['test("(?" + "i)b")', '0 | strftime("%" + "U")', 'pow(1.1; 2.5)', 'def f: last(.[]?); path(f)'])(
    '%s is refused when run, and neither try nor // hides that',
    (source) => {
      for (const program of [source, `try (${source}) catch 1`, `((${source})?) // 1`])
        expect(() => compileJq(program).all('abc')).toThrow(JqUnsupportedError);
    },
  );
});

it('takes undefined for null, and gives numbers that JSON has', () => {
  expect(compileJq('[., type]').all(undefined)).toEqual([[null, 'null']]);
  expect(compileJq('[.a, (.a | type), tojson]').all({ a: undefined })).toEqual([[null, 'null', '{}']]);
  expect(compileJq('{a: infinite}, nan').all(null)).toEqual([{ a: Number.MAX_VALUE }, null]);
});

it('does not take variables from a prototype', () => {
  expect(compileJq('$toString', { variables: ['toString'] }).first(null, {})).toBeNull();
});

it('is fast enough for every event', () => {
  const event = { data: { amount: 200, items: [1, 2] }, type: 'x', id: 'i' };
  for (const source of ['.data.amount > 100 and .type == "x"', '{id: .id, n: (.data.items | length)}']) {
    const program = compileJq(source);
    for (let run = 0; run < 20_000; run += 1) program.first(event);
    const used = cpuTime();
    for (let run = 0; run < 20_000; run += 1) program.first(event);
    // 20 µs is the aim, some 5 µs are usual; the rest is for a busy machine.
    expect((cpuTime() - used) / 20_000).toBeLessThan(0.1);
  }
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
