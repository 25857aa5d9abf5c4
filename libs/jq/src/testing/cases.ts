const EVENT = {
  id: 'e1',
  type: 'stripe.payment_intent.succeeded',
  data: { amount: 1200, currency: 'usd', items: [{ sku: 'a', n: 2 }, { sku: 'b', n: 1 }], tags: ['x', 'y', 'x'], note: null },
};
const MIXED = [null, false, true, 0, -1.5, 'a', 'é😀', [], [1, [2, [3]]], {}, { a: 1, b: { c: [2] } }];
const TEXT = 'Hello, Wörld 😀! aXbX 123';

const groups: [unknown[], string[]][] = [
  [
    [0, -1, 1, 1425599507, 1425599507.9, 86399, -86401, 4102444800],
    ['todate', 'gmtime | mktime', 'gmtime | todate', 'strftime("%A, %B %d, %Y")', 'strftime("%j %H:%M:%S")', 'gmtime'],
  ],
  [['aGk=', 'aGk', 'w6k=', '', '====', 'a b'], ['@base64d']],
  [
    [EVENT],
    [
      '.', '.id', '.data.amount', '.data["currency"]', '.data.items[0].sku', '.data.items[]', '.data.items[].n', '.missing.deep',
      '.data.items[-1]', '.data.items[5]', '.data.tags[1:]', '.data.tags[:-1]', '.data.tags[0:2]', '.type[0:6]', '."id"', '.data | keys',
      '.data.amount > 100 and .type == "stripe.payment_intent.succeeded"', '.data.note // "none"', '.data.items | length',
      '{id, amount: .data.amount}', '{(.id): .type}', '{"a b": 1, @base64 "x": 2, $__loc__}', '[.data.items[] | select(.n > 1) | .sku]',
      '.data.items | map(.n) | add', '"\\(.id): \\(.data.amount + 1)"', '@json "x\\(.data)"', '@uri "q=\\(.type) é&"', '.data.items | map({(.sku): .n}) | add',
      '.data | to_entries | map(.key)', '.data | with_entries(select(.value != null)) | keys', 'reduce .data.items[] as $i (0; . + $i.n)',
      '[foreach .data.items[] as {sku: $s, n: $n} (0; . + $n; [$s, .])]', '.data.items as [$a, {sku: $b}] | [$a.n, $b]',
      '.data.items[] as {sku: $s} ?// [$s] | $s', '[paths]', '[paths(type == "number")]', '[.. | numbers]', 'del(.data.items)', 'del(.data.items[0], .id)',
      '.data.amount |= . + 1', '.data.items[].n |= . * 2', '.data.tags -= ["x"]', '.data.items |= map(select(.n > 1))', '.data.items[] |= empty',
      '.a.b.c = 1', '.data.amount += 5 | .data.amount', '.data.note //= "n" | .data.note', '(.id, .type) = "z" | [.id, .type]', '.data.tags[1:] = ["q"]',
      'to_entries | from_entries == .', 'path(.data.items[].sku)', '[path(..)] | length', 'getpath(["data", "items", 0, "n"])', 'pick(.data.items[1].sku)',
      'if .data.amount > 1000 then "big" elif .data.amount > 100 then "mid" else "small" end', 'if .nope then 1 end', 'try error("x") catch .',
      'try error({a: 1}) catch .a', '[.data.items[] | .sku as $s | .n as $n | "\\($s)\\($n)"]', 'def f(x): x * 2; f(.data.amount)', 'def f($a; $b): $a + $b; f(1; 2)',
      'def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; 5 | fac', 'label $out | .data.items[] | if .n == 1 then ., break $out else . end',
      'first(.data.items[])', '[limit(1; .data.items[])]', 'isempty(.data.items[])', 'any(.data.items[]; .n > 1)', 'all(.data.items[]; .n > 1)', '.data.items | any(.n == 1)',
      '.data.items | sort_by(.n)', '.data.items | group_by(.n)', '.data.items | min_by(.n), max_by(.n)', '.data.tags | unique', '.data.items | unique_by(.n > 0)',
      '.data | has("amount", "zip")', '.data.tags | index("x"), rindex("x"), indices("x")', 'tojson | fromjson == .', '.data.items | INDEX(.sku)', '.id | IN("e1", "e2")',
      'walk(if type == "number" then . + 1 else . end)', 'tostream', '[tostream] | fromstream(.[])', '.data.items | map(.sku) | join("-")', 'splits("x")', '.type | split(".")',
      '.type | test("PAYMENT"; "i")', '.type | sub("\\\\."; "/")', '.type | gsub("(?<v>[aeiou])"; "<\\(.v)>")', '[.type | match("([a-z]+)_([a-z]+)") | .captures[].string]',
      '.type | capture("(?<a>[a-z]+)\\\\.(?<b>.*)")', '[.type | scan("[aeiou]")]', '[.type | splits("\\\\.")]', '.type | ascii_upcase', '.type | ltrimstr("stripe.")',
      '.. |= .', '.data.items[1:] | length', '.data.items | first, last, nth(1)', '[.data.items[] | .n] | sort | reverse', '.data.items | to_entries', '$__loc__', '.id as $x | [$x, $x]',
      '. as {id: $i, data: {items: [{sku: $s}]}} | [$i, $s]', '. as {$id, $type} | $id + $type', 'reduce range(5) as $i ([]; . + [$i * 2])', '[.[] | type]', '.data.items | .[0].sku as $x | map(.sku == $x)',
      '.data.items[]?.sku?', '.id[]?', '.id.x?', '(.id.x)? // 3', '.data.items | map(.n) | @csv, @tsv', '@sh "echo \\(.id)"', '@html "<\\(.type)>"', '.id | @base64 | @base64d', '.data.items | flatten',
      'with_entries(.value |= type)', 'delpaths([["id"], ["data", "items", 0]])', 'setpath(["data", "x", 1]; 2) | .data.x', 'leaf_paths', '[.data.items[].n] | @text', 'input_name?', '.data.amount % 7', '.data.amount / 7 | floor',
    ],
  ],
  [
    MIXED,
    [
      'type', 'length', '.[0]', '.a', '.a?', '.[]?', '.[1:2]', 'not', 'tojson', 'tostring', '. == null', '. < 1', '[., 1] | sort', 'keys', 'keys_unsorted', 'values', 'scalars', 'iterables', 'tonumber', 'floor', '-.', '. + 1', '. + "x"', '. + []', '. + {}', '. - 1', '. * 2', '. / 2', '. % 2',
      'add', 'any', 'all', 'flatten', 'flatten(1)', 'reverse', 'unique', 'sort', 'min', 'max', 'group_by(.)', 'explode', 'ascii_downcase', 'has(0)', 'has("a")', 'contains("a")', 'contains([1])', 'inside([1, 2])', 'startswith("a")', 'ltrimstr("a")', 'rtrimstr("a")', 'trim', 'split("")', 'join(",")', 'to_entries', 'from_entries', 'paths', 'tostream', 'getpath(["a", "b"])', 'try error catch .', 'map(.)', 'map_values(.)', 'map_values(empty)', 'recurse', '[recurse(.[]?; true)] | length', 'isvalid(.a)?', 'ascii?', '@text', '@json', '@csv', '@tsv', '@html', '@uri', '@sh', '@base64', 'test("a")', 'utf8bytelength', 'implode', 'transpose', 'first', 'last', 'nth(0)', 'abs', 'toarray', 'isinfinite', 'isnan', 'isnormal', 'sqrt', 'round', 'ceil', 'fabs', 'tojson | fromjson', 'walk(.)', 'del(.[0]?)', 'del(.a?)', 'to_entries?', '.[0] = 9', '.a = 9', '.[-1] = 9', '.[2] |= 5', '.["a", "b"]?', '.[null]', '.[1.5]', '.[{"start": 0, "end": 1}]', '.. | numbers', 'bsearch(1)', 'splits("a")', 'indices(1)', 'indices("a")', 'index("a")', 'limit(2; .[]?)', 'combinations?', 'tojson | length', '. as [$a, $b] | [$a, $b]', '. as {a: $x} | $x', '. as [$a] ?// $a | [$a]', '[.[]? | numbers]', 'if . then 1 else 2 end', '. and true', '. or false', '. // "d"', 'select(.)', 'error?', '.[-1:]', 'toboolean', 'getpath([])', 'tojson | @base64', 'has("a", 0)?', 'ltrimstr(1)', 'pick(.a)?', 'pick(.[0])?', 'trimstr("a")', 'del(.[])', 'to_entries | map(.key)', 'min_by(.)', 'max_by(.)', 'unique_by(.)', 'sort_by(-.)', 'env | type | empty', 'objects', 'arrays', 'strings', 'nulls', 'booleans',
    ].filter((filter) => !filter.startsWith('env')),
  ],
  [
    [TEXT, '', 'aXbXc', 'a\nb', '2015-03-05T23:51:47Z', 'ß', '-0', ' 12 ', '1e3', '0x10', 'nan', '[1,2', '"q"'],
    [
      'length', 'utf8bytelength', 'explode', 'explode | implode', 'ascii_downcase', 'ascii_upcase', 'split("X")', 'split("")', 'split("b"; null)', 'split("[ab]"; "g")', '.[2:5]', '.[-3:]', '.[:2]', '[match("X"; "g").offset]', 'match("(a)|(b)")', '[match("."; "g").string]', 'test("^a")', 'test("b$")', 'test("\\\\d+")', 'test("\\\\w\\\\s\\\\w")', '[scan("\\\\w+")]', '[scan("(a)(X)?")]', 'sub("(?<x>[aX])"; "[\\(.x)]")', 'gsub("X"; "")', 'gsub("^"; ">")', 'gsub("$"; "<")', 'gsub("\\\\s"; "_")', 'capture("(?<first>\\\\w)(?<second>\\\\w)?")', 'ltrimstr("a")', 'rtrimstr("c")', 'trim', 'ltrim', 'rtrim', 'tonumber', 'tojson', 'fromjson', 'fromdate', 'try fromdate catch "no"', '@base64', '@uri', '@html', '@sh', '@csv "\\([.])"', 'index("X")', 'rindex("X")', 'indices("X")', 'indices("")', 'startswith("a")', 'endswith("c")', '. * 2', '. * 0', '. * 1.5', '. * -1', '. / "X"', '. + .', 'reverse', 'contains("X")', 'inside("aXbXcX")', '. < "b"', '[., "b", "B"] | sort', 'join(",")?', 'ascii?', 'splits("X")', 'test("x"; "i")', '[match("(?<n>a)?b"; "g")]', 'test("a.b")', 'test("a.b"; "s")', 'test("a.b"; "p")', 'toboolean', 'trimstr("a")', '"x" as $y | . + $y', '@json', '@text',
    ],
  ],
  [
    [0, 1, -1, 2.5, -2.5, 3.7, 1e3, 123456789012, 0.1, 1425599507],
    [
      '. + 0.2', '. * 3', '. / 3', '. % 3', '. % -3', '-. % 3', 'floor', 'ceil', 'round', 'trunc', 'fabs', 'abs', 'sqrt', 'pow(.; 2)', 'pow(2; .) | isinfinite', 'log | isnan', 'exp2 | isinfinite', 'tostring | length > 0', '. + 0 | tojson | tonumber == .', '[limit(5; range(.))]', '[range(0; 10; 3)]', '[range(5; 0; -2)]', '[limit(3; range(1; 100))]', '[.[]?]', '[., 1, "a"] | sort', '. == 1', '. <= 1', 'infinite, -infinite, nan | tostring', '[.] | implode', 'tojson', '[while(. < 100 and . > 0; . * 2)] | length', '[.] | until(length > 3; . + [0])', '[repeat(. * 2; . < 5)]?', 'limit(3; repeat(.))', 'isnormal', 'isinfinite', '@text "\\(. + 0)"', 'fmin(.; 1), fmax(.; 1)', 'atan2(.; 1) | . < 2', 'ltrimstr("a")', '[splits("a")]?', 'tojson | test("e")', 'nth(0; range(5))', 'first(range(10; 0; -1))', '[skip(2; range(5))]', 'getpath(["a"])?', '. as $x | [1, 2] | map(. + $x)', 'try (1 / 0) catch .', 'try (1 % 0) catch .', '[.[1:]?]', 'error("x: \\(.)")', 'ascii?', '[1, 2, 3] | .[1:][0]', '[1, 2] - [1]', '{} + {a: 1}', '{a: {b: 1}} * {a: {c: 2}}', '{a: 1} * {a: null}', '[3, 1, 2] | sort', '[1, null, "a", [1], {}, true, false] | sort', '{b: 1, a: 2} | keys, to_entries', '{a: 1} == {a: 1}', '[{a: 1, b: 2}, {a: 1}] | sort', '({a: 1}, {b: 2}) | keys[0]', '[1, [2]] | getpath([1, 0])', '[[1, 2], [3]] | transpose', '[[1, 2], [3, 4]] | [combinations]', '[2 | combinations(1)]?', '[[0, 1] | combinations(2)]', '"abc" | .[1:2]', 'null | .[1:2]', 'null | length', '{} | .a += 1', '{} | .a[2] = 1', 'null | .[1] = 1', '[1, 2, 3] | del(.[0, 2])', '[1, 2, 3] | to_entries', '[[1, 2], [1]] | sort', '1 as $x | 2 as $y | [$x, $y]', '[1, 2, 3] as [$a, [$b]] ?// [$a, $b] | [$a, $b]', '[[3]] | .[] as [$a] ?// $a | if $a == 3 then error("e") else $a end', 'reduce empty as $x (3; . + 1)', 'reduce (1, 2) as $x (0; empty)', 'foreach (1, 2, 3) as $x (0; . + $x)', '[foreach range(5) as $x (0; . + $x; select(. % 2 == 0))]', 'def f: def g: 3; g; f', 'def f(g): [g, g]; f(1, 2)', 'def f($a; g): $a + g; f(1, 2; 10, 20)', '[1, 2] | (.[0], .[1]) |= . + 1', '[1, 2] | map(select(. > 1)) |= .', '(1, 2) as $x | $x * 10', '[(1, 2) + (10, 20)]', '[(1, 2) * (3, 4)]', '{a: (1, 2), b: (3, 4)}', '{(("a", "b")): (1, 2)}', '"\\(1, 2)-\\(3, 4)"', '[1, 2 | . * 2]', '1, 2 // 3', '(false, null, 1) // 2', '(false, null) // 2', 'empty // 2', '[false, 1] | .[] // 9', '1 // error', 'try error(null) catch .', '[.[]?, 1]', '1 | tojson | fromjson', '[1, 1.0000001] | unique | length', '{"a": 1, "b": null} | .b // .a', '[null, 1] | map(values)', 'path(1)?', '[path(.a, .b)]?', 'null | [path(.a[0].b?)]', 'null | path(getpath(["a", "b"]))', '{"a": [1]} | [paths(..)]', 'null | path(if . then .a else .b end)', 'null | path(.a // .b)', '{"a": 0} | path(.a // .b)', 'null | path(first(.a, .b))', '[[1]] | path(.[] | select(.[0] == 1))', 'null | path(1)', '[1] | path(. + 1)?', 'null | try path(1 | .a) catch "bad"', 'ltrimstr("x")', 'limit(0; 1, 2)', 'limit(-1; 1)', '[limit(2; 1, error)]', 'first(1, error)', '[.[] as $x | $x]?', '@json "a\\({})"', '"a" "b"', '1 +', '{', '.[', '"a', '}', 'foo', 'foo(1)', '$x', 'if 1 then 2', 'reduce 1', '. as x | 1', '{a: 1 + 1}', '{a: 1 | 2}', '{a: -1}', '1 < 2 < 3', '1 == 1 == true', '.a.[0]?', '.["a"].["b"]?', '..a', '. .a?', '..[0]?', '.a?//1', '[.]|.[0]?//1', '1 as $x | [2 as $y | $x + $y, $x]', '1 + 2 as $x | $x', '[1, 2 as $x | $x]', '- 1', '-(1)', '-1 + 3', '2 * -1', '5 - -1', 'try error', 'try error("x")', '[try (1, error("x"), 2)]', '[(1, error("x"))?, 3]', '[.[]?] | length', 'error({})?', 'try (try error("a") catch error("b")) catch .', '.a = (1, 2)', '.a += (1, 2)', '[1, 2, 3] | .[1:] |= map(. * 2)', '[1, 2, 3, 4] | del(.[1:3])', 'def f: reduce .[] as $x (0; . + $x); [1, 2] | f', 'def a: 1; def b: a + 1; b', 'def f(x): x | x; 2 | f(. * .)', '[recurse(if . < 3 and . >= 1 then . + 1 else empty end)] | length', '[1, [2, [3]]] | flatten(0), flatten(1), flatten', '[1, [2]] | flatten(-1)', '{"a": [1, {"b": 2}]} | [leaf_paths]', '[1, 2, 1] | indices(1), indices([1, 2])', '[] | first, last', '[] | add, any, all, min, max', '[1, 2, 3] | IN(.[]; 2, 5)', '[1, 2] | contains([1])', '"foobar" | contains("bar")', '{a: [1, 2, {b: 3}]} | contains({a: [{b: 3}]})', 'getpath(["a", 0])?', '[1, 2, 3] | nth(1), nth(5)', 'nth(-1; 1, 2)', '[range(0, 1; 3, 4)]', '[range(0; 3; 1, 2)]', '[pow(2, 3; 1, 2)]', 'splits("a", "b")?', 'tojson, tostring', '"\\u00e9\\ud83d\\ude00"', '"\\t\\n\\"\\\\\\/"', '[.] | tojson', '{"a":1}["a"]', '[1,2][0]', '"abc"[1:]', '{a:{b:1}}.a.b', '[1][0] as $x | $x', 'reduce range(3) as $i (.; . + $i) | . - 3', '[1,[2,3]] | .[1][0] = 9', '{} | .["a","b"] = 1', '[[1,2],[3,4]] | .[][0]', 'not', 'true and (true, false)', '(true, false) or (true, false)', '(true, false) and (true, false)', 'ltrimstr(1)?', 'tojson | ascii_downcase', '"test" | ltrimstr("te") | rtrimstr("t")', '[1,2,3] | .[-1:] , .[:-1]', '[1,2,3] | .[1:null]', '[1,2,3] | .[null:2]', '"x" | test("(")', '"a1" | test("[[:digit:]]")?', '"aab" | [match("a+?"; "g").length]', '"test" | sub("(?<a>t)(?<b>e)"; "\\(.b)\\(.a)")', '"aXbX" | gsub("(?<l>[a-z])X"; .l + "!")', '"abc" | gsub("b"; "x"; "i")', '"ab" | [scan("a|b")]', '"ab12" | [scan("([a-z])([0-9])?")]', '"foo bar" | capture("(?<x>\\\\w+) (?<y>\\\\w+)")',
    ],
  ],
];

/** Expressions and inputs on which both must say the same, errors included. */
export const cases: { filter: string; inputs: unknown[] }[] = groups.flatMap(([inputs, filters]) =>
  filters.map((filter) => ({ filter, inputs })),
);
