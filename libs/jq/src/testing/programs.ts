import * as fc from 'fast-check';

const { constantFrom, oneof, tuple } = fc;

/** Inputs: JSON without keys that look like integers, whose order is not JavaScript's to keep. */
export const inputs: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: oneof(
    { depthSize: 'small', withCrossShrink: true },
    constantFrom<unknown>(null, true, false, 0, 1, 2, -1, 1.5, 100, -7, 'a', 'b', '', 'aXb', 'é😀', 'a,b', ' x ', '12'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(constantFrom('a', 'b', 'c', 'key', 'value'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

const LITERALS = ['null', 'true', 'false', '0', '1', '2', '1.5', '10', '"a"', '"b"', '"aXb"', '""', '"é"', '[]', '{}'];
const STEPS = [
  '.a',
  '.b',
  '.c',
  '.[0]',
  '.[1]',
  '.[-1]',
  '.[]',
  '.["a"]',
  '.[1:]',
  '.[:1]',
  '.[-2:]',
  '..',
  '.a?',
  '.[]?',
];
const PLAIN = (
  '. length keys keys_unsorted values type not add any all flatten reverse unique sort min max first last tojson tostring ' +
  'tonumber ascii_downcase ascii_upcase explode to_entries from_entries paths tostream floor sqrt abs toarray trim ltrim ' +
  'transpose implode utf8bytelength isnan isinfinite arrays objects strings numbers nulls booleans scalars iterables ' +
  'recurse combinations leaf_paths @text @json @csv @tsv @html @uri @sh @base64 @urid error empty fromjson ceil round ' +
  'isnormal isvalid toboolean splits todate gmtime'
).split(' ');
const UNARY = (
  'map map_values select sort_by group_by unique_by min_by max_by path paths del with_entries any all recurse has contains ' +
  'inside startswith endswith ltrimstr rtrimstr trimstr split join index rindex indices flatten range first last isempty ' +
  'add walk error pick getpath delpaths in IN INDEX bsearch tojson nth test match scan splits capture limit'
).split(' ');
const BINARY = ['limit', 'skip', 'first', 'range', 'until', 'any', 'all', 'setpath', 'sub', 'gsub', 'nth', 'pow', 'IN'];
const OPERATORS = ['+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', 'and', 'or', '//', ',', '|'];
const ASSIGNMENTS = ['=', '|=', '+=', '-=', '*=', '//=', '%=', '/='];

/** Programs: most of them mean something, many of them fail. */
export const programs: fc.Arbitrary<string> = fc.letrec<{ program: string; path: string; pattern: string }>((tie) => {
  const [program, path, pattern] = [tie('program'), tie('path'), tie('pattern')];
  const joined = (template: (...parts: string[]) => string, ...parts: fc.Arbitrary<string>[]) =>
    tuple(...parts).map((given) => template(...given));
  return {
    path: oneof(
      { depthSize: 'small', withCrossShrink: true },
      constantFrom(...STEPS),
      joined((a, b) => `${a} | ${b}`, path, path),
      joined((a, b) => `(${a}, ${b})`, path, path),
      joined((a, b) => `(${a} | select(${b}))`, path, program),
      joined((a, b, c) => `(if ${a} then ${b} else ${c} end)`, program, path, path),
      joined((a, b) => `(${a} // ${b})`, path, path),
      joined((a) => `first(${a})`, path),
      joined((a) => `limit(1; ${a})`, path),
      joined((a) => `getpath([${a}])`, constantFrom('"a"', '0', '"a", "b"', '"b", 0', '')),
      joined((a) => `(try ${a})`, path),
      joined((a) => `recurse(${a}?)`, constantFrom('.a', '.[]', '.[0]')),
    ),
    pattern: oneof(
      constantFrom(
        '$x',
        '[$x]',
        '{a: $x}',
        '{$a, b: $x}',
        '[$x, [$y]]',
        '{"a": [$x]}',
        '[$x] ?// $x',
        '{a: $x} ?// [$x]',
      ),
    ),
    program: oneof(
      { depthSize: 'small', withCrossShrink: true },
      constantFrom(...LITERALS),
      constantFrom(...STEPS),
      constantFrom(...PLAIN),
      joined((a, op, b) => `(${a} ${op} ${b})`, program, constantFrom(...OPERATORS), program),
      joined((a, op, b) => `${a} ${op} ${b}`, program, constantFrom(...OPERATORS), program),
      joined((name, a) => `${name}(${a})`, constantFrom(...UNARY), program),
      joined((name, a, b) => `${name}(${a}; ${b})`, constantFrom(...BINARY), program, program),
      joined((a) => `[${a}]`, program),
      joined((a, b) => `{a: ${a}, b: (${b})}`, constantFrom('.', '.a', '1', '.[]?'), program),
      joined((a, b) => `{(${a}): (${b})}`, program, program),
      joined((a) => `"<\\(${a})>"`, program),
      joined(
        (format, a) => `${format} "<\\(${a})>"`,
        constantFrom('@json', '@html', '@uri', '@sh', '@base64'),
        program,
      ),
      joined((a, b) => `try (${a}) catch (${b})`, program, program),
      joined((a) => `(${a})?`, program),
      joined((a, b, c) => `if ${a} then ${b} else ${c} end`, program, program, program),
      joined((a, b) => `if ${a} then ${b} end`, program, program),
      joined((a, op, b) => `(${a}) ${op} (${b})`, path, constantFrom(...ASSIGNMENTS), program),
      joined((a) => `del(${a})`, path),
      joined((a) => `[path(${a})]`, path),
      joined((a, b) => `to_entries as $e | ${a} | ${b}`, program, program),
      joined((a, p, b) => `(${a}) as ${p} | [$x, (${b})]`, program, pattern, program),
      joined((a, b, c) => `reduce (${a}) as $x (${b}; ${c})`, program, program, program),
      joined(
        (a, b, c) => `reduce (${a}) as $x (${b}; . + $x | ${c})`,
        program,
        constantFrom('0', 'null', '""'),
        program,
      ),
      joined((a, b, c) => `[foreach (${a}) as $x (${b}; ${c}; [$x, .])]`, program, program, program),
      joined((a, b) => `def f(g): g | ${a}; f(${b})`, program, program),
      joined((a, b) => `def f($v): $v | ${a}; f(${b})`, program, program),
      joined((a, b) => `[label $out | (${a}) | ., if ${b} then break $out else empty end]`, program, program),
      joined(
        (a, b) => `.[${a}:${b}]`,
        constantFrom('1', '-1', '0', '.a', '1.5', 'null'),
        constantFrom('1', '-1', '2', '10'),
      ),
      joined((a) => `.[${a}]`, program),
    ),
  };
}).program;
