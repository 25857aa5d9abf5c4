/** Where the grammar is easily got wrong. */
export const grammar = String.raw`
1, 2 as $x | [$x]
1 // 2 as $x | [$x]
null // 2 as $x | [$x]
[.a = 1 as $x | [$x]]
.a = 1 as $x | [$x]
-1 as $x|[$x]
[1 + 2 as $x | [$x], 9]
{a: 1 as $x | 2}
{a: (1 as $x | 2)}
1 < 2 as $x | [$x] , 5
1 and 2 as $x | [$x]
reduce 1,2 as $x (0;.+$x)
reduce 1+2 as $x (0;.+$x)
reduce -1 as $x (0;.+$x)
foreach 1 // 2 as $x (0;.+$x)
[3 | 1 + . as $x | [$x]]
try 1 as $x | $x
1 as $x | 2 as $y | [$x,$y]
1 as $x | 2 + $x as $y | [$x,$y]
def f: 1; 2 + f
2 + def f: 1; f
(def f: 1; f) + 1
1, def f: 1; f
1 | def f: 1; f
[def f: 1; f]
{a: def f: 1; f}
if def f: 1; f then 1 end
label $x | 1
1 + label $x | 1
1, label $x | 2
- 1 as $x | $x
-(1) + 2
-1 + 2 as $x | [$x]
- .
-1 * 3
1 - -1
1 * -1
-.a?
- 1 | - .
[-1,-2]
-[1]|length
- "a"
{a: -1}
{a: 1 + 1}
{a: 1 // 2}
{a: 1 | 2}
{a: 1, b: 2 | 3}
{a: 1 == 1}
{a: .b = 1}
{a: 1 and 2}
{a: not}
{a: reduce 1 as $x (0;1)}
{a: if 1 then 2 end}
{a: "x" "y"}
{"a":1 as $x|$x}
{(1+1):2}
{([1]):2}
{({a:1}):2}
{(-1):2}
{(null):2}
{("a","b"):1}
{("a"+"b"):1}
{"a\(1)":1}
{@json "x":1}
{$x}
. as [$a,] | 1
. as [] | 1
. as {} | 1
. as {a} | 1
{a:1} as {"a":$x} | $x
{a:1} as {$a:$b} | [$a,$b]
{a:1} as {(1):$b} | 1
null|has({})
null|has(1)
null|has(null)
null|has([])
null | in(null)
1 as $x | $x as [$y] ?// $y | $y
.a.b.[0]?
.[].a?
..a
.. .a?
..[0]?
."a"?
."a"."b"?
.["a"]?
."a\(1)"
. a
.a .b
.a. b
. | . a
.[1,2]?
.[1:2,3]?
.[1,2:3]?
.[]?.a?
try error("x") catch . | 1
try (1) catch 2 + 1
try 1 + 1
1 as [$x] ?// $x | $x + 1
"a" as $x | "b" as $y | $x + $y
1 == 1 == 1
1 < 2 < 3
1 // 2 // 3
.a = .b = 1
.a |= .b |= 1
1 + 1 = 2
.a += 1 // 2
.a // 1 = 2
.a or .b = 1
.a = 1 or 2
.a = 1, 2
.a = 1 | 2
not not
true and true or false
1 - 1 - 1
8 / 2 / 2
2 * 3 % 4
1,2|3
(1,2)|3,4
?
.?
.??
.a??
1?
(1)?
[1]?
"a"?
{}?
-1?
if . then 1 else 2 end | 3
if . then 1 end + 1
reduce . as $x (0;1) + 1
[.] | .[0] as $x | $x
$__loc__ | .line
.. == 1
..?
. // empty
{a:1}.a
[1].[0]
"a".[0:1]
{}.a.b
@base64 "a" + "b"
@json
@text "\(1)" + "x"
try -1
try -1 catch 1
. as $x | . as $y | 1, 2
break
def f(a): a; f(1;2)
def f: 1
import "a" as a; 1
include "a"; 1
true(1)
null.a
true.a?
1.a
1 .a
1.5.a
.1
1.
01
1..2
.a.1
.and
.and.or
{and:1}
{if:1}
{a:1}|.a as $and|$and
$and
.__loc__
{__loc__:1}
def and: 1; 1
def f($if): $if; f(1)
def f(if): 1; f(1)
reduce.[]? as $x(0;1)
if 1 then 2 else 3
if 1 then 2 elif 3 then 4 end
.a[]?
.[]?[0]?
.a."b"
.a."b"?
.a["b"].c
.a.["b"]
`
  .trim()
  .split('\n');
