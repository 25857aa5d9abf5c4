/** What jq's own tests and a hundred thousand random programs found to differ, and what is near it: `input ;; filter`. */
export const foundLater = String.raw`
[1] ;; .["a":1]
[1] ;; .[{}]
[1] ;; .[{"start":null,"end":null}]
[1] ;; .[{"start":"a","end":null}]
[1] ;; .[{"start":1}]
null ;; .[{}]
null ;; .[{}] = 0
null ;; .["a":1] = [1]
"abc" ;; .[{}]
"abc" ;; .["a":]
[1] ;; try (.["a":1] = [2]) catch .
[2024,1,1,1,1,1,1,1,"a"] ;; mktime
-1.5 ;; gmtime, todate
null ;; "\u0000" | tojson
null ;; [1,2,3] | getpath([range(10001)|0])?
null ;; path([1]|.[])
null ;; path([]|.[])
null ;; try path([]|.[]) catch .
null ;; try path([1]|.a) catch .
null ;; try path([1]|.["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]) catch .
null ;; try path([1]|.[1:2]) catch .
null ;; try path([1]|.[]?) catch .
null ;; try path([1]|.a?) catch .
null ;; try path([1]|getpath(["a"])) catch .
null ;; try path([1]|recurse) catch .
null ;; try path([1]|..) catch .
null ;; try path([1]|first(.[])) catch .
null ;; try path([1]) catch .
null ;; try path([1]|map(.)) catch .
[1,2] ;; try ((map(.)|.[0]) = 1) catch .
[1,2] ;; try (del(map(.)|.[0])) catch .
[1,2] ;; try (to_entries |= 1) catch .
"a" ;; @base64d
"aa" ;; @base64d
"aaa" ;; @base64d
"aaaaa" ;; @base64d
"a=a" ;; @base64d
"=" ;; @base64d
"a=" ;; @base64d
"aGk=aGk=" ;; @base64d
"aG k=" ;; @base64d
"_-8" ;; @base64d
"/w" ;; @base64d
"8J+Y" ;; @base64d
5 ;; @base64d
"4pyT//" ;; @base64d
"%ff" ;; @urid
"%e2%9c%93%" ;; @urid
"%zz" ;; @urid
null ;; {$x:1}
null ;; {$__loc__:1}
null ;; 1 as $x | {$x:2,$x}
null ;; {$if:1}
null ;; {$__loc__}
"ab" ;; trim
["\u00a0 a\u200b "] ;; map(trim)
["", " ", "nan", "NaN", "-nan", "NaN1", "nan0", "inf", "Infinity", "-Infinity", "-inf", "+1", "+inf", ".5", "1.", "1.e2", "-.5", "01", "-01", "1e", "1e5", "1e400", "-1e400", "--1", "0x10", "1_0", " 1", "1 ", "1\n", "1e+5", "snan", "SNAN", "infinit", "+nan", "nanx", "tru", "true", "truex", "nul", "null", "nulll", "nope", "'a'", "falsy", "1 2", "[1] 2", "[1", "]", "}", "{]", "[}", ",", ":", "[,]", "[1,]", "{,}", "{\"a\"}", "{\"a\",1}", "{\"a\":}", "{\"a\":1,}", "{1:2}", "{\"a\":1 \"b\":2}", "[1 2]", "[1[2]]", "\"abc", "\"a\\", "\"a\\x\"", "\"a\\u12\"", "\"a\\u12x4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\ud83d\\ude00\"", "\"a\nb\"", "\"a\tb\"", "\u0000", "1\u0000", "\"a\u0000b\"", "é", "[1,\n 2,\n x]", "\"é\" x", "{\"a\":[1,{\"b\":nan}]}", "[nan,-nan,NaN]", "\ufeff1", "\ufeff", "\uff02", "a\ufeff", "// x", "{\"a\" 1}", "{[1]:2}", "[1:2]", "{\"a\":1:2}", "\"a\":1", "1,2", "[1]]", "{}}", "tr\"a\"", "1\"a\"", "\"a\"1", "\"a\"\"b\"", "null[", "[null[", "\"a\" ,", "[\"a\" \"b\"]", "{\"a\":1,\"a\":2}", "1 x", "{}x", "[] \"", "[] [", "\u00a01", "9007199254740993", "1e-400", "0.1e1", "-0", "[-0]", "\"\\u0000\"", "{\"\\ud800\":1}"] ;; .[] | [., (try fromjson catch .)]
["", " ", "nan", "NaN", "-nan", "NaN1", "nan0", "inf", "Infinity", "-Infinity", "-inf", "+1", "+inf", ".5", "1.", "1.e2", "-.5", "01", "-01", "1e", "1e5", "1e400", "-1e400", "--1", "0x10", "1_0", " 1", "1 ", "1\n", "1e+5", "snan", "SNAN", "infinit", "+nan", "nanx", "tru","1\u0000", "1e1000000", "1e-1000000", "1e99999999999", "-1e99999999999", "1E5", "-0"] ;; .[] | [., (try tonumber catch .)]
[2,0.5,0,3,1.5,-2,10,-10,1,-1] ;; [.[] as $x | (0,1,2,3,10,20,infinite,-infinite,nan) as $y | pow($x;$y)]
"a1b22" ;; [match("(a|b)+([0-9]*)";"g")]
"aab" ;; [match("(a*){1}";"g").offset]
"aXbXX" ;; [match("(?:([ab])X)*";"g").captures]
"a.b.c" ;; [match("^(\\w+)(\\.\\w+)*$").captures]
[7,8] ;; reduce null as $x (recurse; .)
[7,8] ;; reduce null as $x (recurse; null)
[7,8] ;; reduce 1 as $x ((1,2,3); null)
[7,8] ;; reduce 1 as $x ((1,2,3); .)
[7,8] ;; reduce 1 as $x (.[]; .)
[7,8] ;; reduce 1 as $x ((.,.[]); .)
[7,8] ;; reduce 1 as $x ((.,(.[]|.)); .)
[7,8] ;; reduce 1 as $x ((.,(.[]|.)); null)
[7,8] ;; reduce (1 as $e|1) as $x (recurse; null)
[7,8] ;; reduce (1 as $e|null) as $x (recurse; null)
[7,8] ;; reduce (1 as $e|null) as $x ((.,.[]); null)
[7,8] ;; reduce (1 as $e|null) as $x (.[]; null)
[7,8] ;; reduce (to_entries as $e|null) as $x ((1,2,3); null)
[7,8] ;; reduce (to_entries as $e|null) as $x ((1,2,3); .)
[7,8] ;; reduce (to_entries|null) as $x ((1,2,3); .)
[7,8] ;; [reduce (to_entries as $e|null) as $x ((1,2,3); .)]
[7,8] ;; reduce (length) as $x ((1,2,3); .)
[7,8] ;; reduce .[] as $x ((1,2,3); .+$x)
[7,8] ;; [foreach .[] as $x ((1,2,3); .+$x)]
[7,8] ;; [foreach (to_entries as $e|null) as $x ((1,2,3); null)]
[7,8] ;; reduce (.[0] as $e|null) as $x ((1,2,3); .)
[7,8] ;; reduce ((1,2) as $e|null) as $x ((1,2,3); .)
[7,8] ;; reduce (first(1)) as $x ((1,2,3); .)
[7,8] ;; reduce (first(1)) as $x (.[]; .)
[7,8] ;; reduce ([.[]|.]) as $x ((1,2,3); .)
[7,8] ;; reduce ([.[]|.]|length) as $x ((1,2,3); .)
[7,8] ;; [foreach ([.[]|.]|length) as $x ((1,2,3); .)]
[7,8] ;; [foreach (to_entries|null) as $x ((1,2,3); .)]
{"a":{"k":"z","z":5},"k":"q"} ;; .a as {(.k): $x} | $x
{"a":{"k":"z","z":5},"k":"q"} ;; .a as {("z","k"): $x} | $x
{"a":{"k":"z","z":{"k":"zz","zz":3}},"k":"q"} ;; .a as {(.k): {(.k): $x}} | $x
{"a":{"k":"z","z":{"k":"zz","zz":3}},"k":"q"} ;; .a as {(.k): {(.k): $x}, k: $y} | [$x, $y]
{"a":{"k":"z","z":{"k":"zz","zz":3}},"k":"q"} ;; .a as {$k, ($k): {k: $y}} | [$k, $y]
[{"k":"z","z":5}] ;; reduce .[] as {(.k): $x} (0; .+$x)
[{"k":"z","z":5}] ;; [foreach .[] as {(.k): $x} (0; .+$x)]
[[1,{"k":"z","z":5}]] ;; .[] as [$a, {(.k): $x}] | $x
[[1,{"k":"z","z":5}]] ;; .[] as [$a, {("z"|ascii_downcase): $x}] | $x
[[1,{"k":"z","z":5}]] ;; .[] as [$a, {("\("z")"): $x}] | $x
null ;; [range(-22;23) as $y | pow(10;$y)]
null ;; [foreach (1,2,3) as $x (0; if $x==2 then empty else .+$x end; .)]
null ;; [foreach (1,2,3) as $x (0; if $x==2 then (.+1,empty) else .+$x end; .)]
null ;; [foreach (1,2,3) as $x (0; .+$x | select($x != 2))]
null ;; [foreach (1 as [$a] ?// $a | $a, 5) as $x ({}; if . == {} then error("x") else [.] end)]
null ;; [foreach (1 as [$a] ?// $a | $a, 5) as $x ({}; if . == {} then error("x") else [.] end; .)]
null ;; [foreach ([1] as [$a] ?// $a | $a, 5) as $x ({}; if . == {} then error("x") else [.] end; .)]
null ;; [reduce ([1] as [$a] ?// $a | $a, 5) as $x ({}; if . == {} then error("x") else [.] end)]
null ;; [foreach ([1] as [$a] ?// $a | $a, 5) as $x ({}; [.,$x]; if length > 1 and ($x|type) == "number" then error("x") else [.] end)]
null ;; [foreach (1,2) as [$a] ?// $a ({}; if . == {} then error("x") else [.,$a] end; .)]
null ;; [foreach (1,2) as [$a] ?// $a ({}; if . == {} then error("x") else [.,$a] end; .)]
null ;; [limit(3; foreach (1,2) as $x (0; (.,.+1,.+2); [$x,.]))]
null ;; [foreach (1,2) as $x (0; (.+1,.+2); [$x,.])]
null ;; [foreach (1,2) as $x (0; (.+1,.+2,empty); [$x,.])]
[] ;; try path(.a) catch .
[] ;; [path(limit(1; first(if true then .a else .b end) // .a))]
[] ;; [path((if [path(.[:1])] as {([null]): $x} | $x then .a else .a end))]
[] ;; if ([path(.[:1])] as {([null]): $x} | $x) then 1 else 2 end
[[],null] ;; setpath([[],null];null)
[[],null] ;; setpath([[],"a"];null)
[[],null] ;; setpath([[0],"a"];null)
[[],null] ;; setpath(["a","a"];null)
[[],null] ;; setpath([0,"a"];null)
[5,null] ;; setpath([0,"a"];null)
[[5],null] ;; setpath([0,[5],"a"];null)
5 ;; setpath([[5],"a"];null)
5 ;; setpath([5];null)
5 ;; setpath(["a","b"];null)
5 ;; setpath([true];null)
{} ;; setpath([true];null)
{} ;; setpath([0];null)
{} ;; setpath([{}];null)
"a" ;; setpath([{}];null)
"a" ;; setpath([{"start":0,"end":1}];null)
"a" ;; setpath([{"start":0,"end":1},0];null)
[1] ;; setpath([true];null)
[1] ;; setpath([null];null)
[1] ;; setpath([null, 0];null)
null ;; setpath([null];null)
null ;; setpath([null,0];null)
null ;; setpath([[0],0];null)
null ;; setpath([true];null)
null ;; {({(null , null): (null)}): (null)}
null ;; {({("a" , "b"): (null)}): (null)}
null ;; {({"a": (1,2)}): (null)}
null ;; {({"a": [1,2]}): (null)}
null ;; {([{"a": [1,2]}]): (null)}
null ;; {([{"a": (1,2)}]): (null)}
null ;; {([1,[2,3]]): (null)}
null ;; {("a" | .): 1}
null ;; {(. | "a"): 1}
null ;; {(def f: 1; "a"): 1}
null ;; (.a) = ("<\(getpath(def f: def g: null; [g, (null | g)]; f) + null)>")
{"a":"a,b"} ;; (until((try (true) catch .) as $x | null, $x; .a) + null)
{"a":{"a":{"a":1}}} ;; [until((null,true,type=="number"); .a)]
{"a":{"a":{"a":1}}} ;; [limit(20;until((null,true,null,type=="number"); .a))]
{"a":{"a":{"a":1}}} ;; [while((true,type!="number",true); .a?)]
{"a":{"a":{"a":1}}} ;; [while((true,null); .a?, .a?)]
{"a":{"a":{"a":1}}} ;; [.[] | until(type == "number" , true; .[])]
0 ;; [limit(30; until((. > 3, . > 2); .+1, .+2))]
0 ;; try ([until((. > 3, error("x")); .+1, .+2)]) catch .
0 ;; [limit(3;until((. > 3, error("x")); .+1, .+2))]
null ;; ((nan | reverse) | sort_by(.a))
null ;; [limit(3; range(0;nan))]
null ;; [limit(3; range(nan;3))]
null ;; [limit(3; range(nan;3;1))]
null ;; [limit(3; range(0;nan;1))]
null ;; [limit(3; range(0;nan;-1))]
null ;; [limit(3; range(0;5;nan))]
null ;; [limit(3; range("a";"c";"b"))]
null ;; [limit(3; range("a";"c";1))]
null ;; [limit(3; range(null;5;2))]
null ;; [limit(3; range([];[3];[1]))]
null ;; [limit(3; range(0;[3];1))]
null ;; [range(0;3;0)]
null ;; [range(0;"a")]
null ;; [range(5;0;-2)]
null ;; [range(0,1;3,4;1,2)]
"ab😀cd" ;; .[1:3], .[-2:], .[:-1], .[2:3], .[nan:1]
[] ;; [reduce (.[]?) as $x ((limit(1; (.. | select((del(.[1:])) as [$x] ?// $x | [$x, (null)])))) *= (null); if $x == 1 then empty else null end)]
[1] ;; try ((.[] | . as [$x] ?// $x | .) += "a") catch .
[[1]] ;; try ((.[] | select(. as [$x] ?// $x | $x | type == "number")) = error("x")) catch .
false ;; (1 <= (first((getpath([]) | select("a")))) = (null) | sort_by(.a))
true ;; [path(1 == 1)], [path(not | not)], (try path(1 == 2) catch .)
null ;; [path(null + null)], [path(not?)]?
{"a":null} ;; [path(.a | 1 | null)], (try path(.a | 1 | null | .b) catch .), (try path(1|getpath([])) catch .)
null ;; try path([null] | getpath([0])) catch .
null ;; [path(try error("x") catch null)]
false ;; [path((1, null, false) | select(. == false))]
null ;; [nan] | try implode catch .
null ;; [65, nan] | try implode catch .
null ;; try limit([[1]]; ([null]) as [$x] ?// $x | $x) catch .
null ;; try skip([[1]]; ([null]) as [$x] ?// $x | $x) catch .
[] ;; try delpaths([[[null,[]],1]]) catch .
[1] ;; try delpaths([[[1],0]]) catch .
null ;; try delpaths([[[1],0]]) catch .
[1,2,3] ;; .[:1] == .[1:2]
[1,2,3] ;; .[:1] == [1], .[:1] == .[:2], .[:1] < .[1:2], .[1:] == .[1:]
[1,2,3] ;; [.[:1], .[1:2]] | sort, (map(tojson) | .[0] == .[1])
[1,2,3] ;; [.[:1], .[1:2]] | unique
[1,2,3] ;; {a: .[:1]} == {a: .[1:2]}
[1,2,3] ;; [.[:1]] - [.[1:2]]
[1,2,3] ;; .[:1] + [] == .[1:2]
null ;; [range(4)] | .[:1] | .[1] = 9
null ;; [range(4)] | .[:1] | .[2] = 9
null ;; [range(4)] | .[:1] | . + [5] | .[3] = 9
null ;; [range(4)] | .[1:] = [] | .[2] = 9
null ;; nan | [path(nan)]
null ;; "" * infinite, infinite * "", "" * nan, "" * -1
null ;; [3,1,2] | sort_by(nan)
null ;; [[nan, 1], [nan, 2]] | sort
null ;; [nan, 1, nan] | sort, unique
null ;; [infinite, nan] | map(frexp)
1.5 ;; try path(null | flatten(1)) catch .
null ;; try path(flatten) catch .
"0050-01-01T00:00:00Z" ;; fromdate
"0100-01-01T00:00:00Z" ;; fromdate
"2015-02-30T00:00:00Z" ;; fromdate
[null] ;; null + (.[:1]) = null
[1,2] ;; .[:1] as $x | [path(.[:1] | $x)]
[1,2] ;; .[1:] as $x | try path(.[:1] | [1]) catch ., .[:2], .[0:]
null ;; "a\u0000<" | @html, @sh, ([.] | @csv, @tsv), @html "\(.)"
["a\tb\\c\r\n"] ;; @tsv
null ;; [-1, -1.5, -0, 0 * -1, 0, 1.5, infinite, -infinite, nan] | map(modf)
`
  .trim()
  .split('\n');
