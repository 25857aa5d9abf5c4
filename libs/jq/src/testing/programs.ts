import * as fc from 'fast-check';
import { LITERALS, STEPS, PLAIN, UNARY, BINARY, OPERATORS, ASSIGNMENTS, REGEXES, TEXTS, SETUPS, USES } from './words';

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
      joined(
        (fold, a, p, b, c, d) => `[${fold} (${a}) as ${p} (${b}; if $x == ${c} then empty else ${d} end)]`,
        constantFrom('reduce', 'foreach'),
        oneof(program, constantFrom('.[]?', '1, 2, 3', 'range(4)', '.[]?, .[]?')),
        pattern,
        program,
        oneof(program, constantFrom('1', '2', '"a"')),
        oneof(program, constantFrom('. + $x', '[., $x]', '., $x', '.a = $x', 'select($x)')),
      ),
      joined(
        (name, pattern, flags) => `${name}(${pattern}${flags})`,
        constantFrom('test', 'match', 'capture', 'scan', 'splits'),
        constantFrom(...REGEXES),
        constantFrom('', '; "g"', '; "i"', '; "gi"', '; null', '; "n"', '; "gn"', '; "s"'),
      ),
      joined(
        (name, pattern, a, flags) => `${name}(${pattern}; ${a}${flags})`,
        constantFrom('sub', 'gsub'),
        constantFrom(...REGEXES),
        oneof(program, constantFrom('"<\\(.x)>"', '"-", "+"', '.x // "none"')),
        constantFrom('', '; "g"', '; "i"'),
      ),
      joined((a) => `(${a} | try fromjson catch .)`, constantFrom(...TEXTS)),
      joined((a) => `(${a} | try tonumber catch .)`, constantFrom(...TEXTS)),
      joined((a, b) => `(${a} | ${b})`, constantFrom(...SETUPS), program),
      joined((a, b) => `(${a} | ${b})`, program, constantFrom(...USES)),
      joined((a, b) => `(try (${a}) catch .) as $x | ${b}, $x`, program, program),
      joined((a, b) => `def f: if type == "number" and . < 3 then . + 1 | ${a} | f else ${b} end; f`, program, program),
      joined((a, b) => `[limit(5; ${a} | recurse(${b}; . != null))]`, program, program),
      joined((a, b) => `[limit(4; ${a} | repeat(${b}))]`, program, program),
      joined((a, b) => `${a} as {(${b}): $x} | $x`, program, oneof(program, constantFrom('"a", "b"', '.a'))),
      joined((a, b) => `label $x | label $y | ${a} | if ${b} then break $x else break $y end`, program, program),
      joined((a, b) => `def f(g; $y): [g, $y]; f(${a}; ${b})`, program, program),
      joined((a, b) => `def f: def g: ${a}; [g, (${b} | g)]; f`, program, program),
      joined((a, b) => `def f(g): def h: g; [h] | g; f(${a} | ${b})`, program, program),
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
