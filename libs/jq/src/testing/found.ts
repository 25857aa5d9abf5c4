/** What probing and random programs found to differ once, and what is near it: `input ;; filter`. */
export const found = String.raw`
[{"key":"a","value":1},{"name":"b","Value":2},{"Key":"c"},{"Name":"d","value":null}] ;; from_entries
[{"key":null,"value":1}] ;; from_entries
[{"key":false,"value":1}] ;; from_entries
[{"key":1,"value":1}] ;; from_entries
[{"k":"x","v":1}] ;; from_entries
[{"K":"x","V":1}] ;; from_entries
[] ;; from_entries
{"a":{"key":"x","value":3}} ;; from_entries
null ;; [range(0;3;0)]
null ;; [range(3;0;0)]
null ;; [limit(3;repeat(1,2))]
null ;; [limit(5; range(3;infinite;1))]
[1,[2]] ;; [paths(type=="number")]
[1,[2]] ;; [paths(1,2)]
{"a":[1,2]} ;; [..|select(type=="number")|=.+1]
[1,2,3] ;; limit(1;.[]) |= 5
[1,2,3] ;; first(.[]) |= 5
[1,2,3] ;; last(.[]) |= 5
[1,2,3] ;; nth(1;.[]) |= 5
[1,2,3] ;; skip(1;.[]) |= 5
[1,2,3] ;; [.[]|if .>1 then "a" else "b" end]
"abc" ;; [sub("(?<a>.)";"\(.a)1","\(.a)2")]
"abc" ;; [gsub("(?<a>.)";"\(.a)1","\(.a)2")]
"abab" ;; [gsub("(?<x>a)|(?<y>b)";if .x then "1","2" else "3" end)]
"abab" ;; [gsub("(?<x>a)|(?<y>b)";if .x then "1" else "3","4" end)]
"abc" ;; [gsub("";"x","y")]
"abc" ;; [gsub("b";empty)]
"abc" ;; [gsub("b";1)]
"abc" ;; [gsub("b";null)]
"" ;; [gsub("b";"c")]
"" ;; [gsub("";"c")]
"abc" ;; [sub("z";error("x"))]
"abc" ;; [sub("b","c";"X","Y")]
"abc" ;; [sub("b","c";"X";"g","i")]
"abc" ;; [match("b","c";"g","i").offset]
"abc" ;; [test("b","z";"i","x")]
"abc" ;; [test("b","z")]
"abc" ;; test(["B","i"])
"abc" ;; test(["B"])
"abc" ;; test([])
"abc" ;; [scan("b";"i"),scan(["b"]),scan("b","c")]
"abc" ;; split("B";"i")
"abc" ;; [splits("b","c";null)]
"abc" ;; capture(["(?<x>b)","g"])
"aXbxc" ;; [capture("(?<n>x)";"gi")]
"abc" ;; ascii_downcase, ascii_upcase, explode
[[1,2],[3,4]] ;; [JOIN({"1":"a","3":"b"}; .[0]|tostring)]
[[1,2],[3,4]] ;; [JOIN({"1":"a","3":"b"}; .[]; .[0]|tostring)]
[[1,2],[3,4]] ;; [JOIN({"1":"a","3":"b"}; .[]; .[0]|tostring; .[1])]
[{"id":1},{"id":2},{"id":1}] ;; INDEX(.id)
[1,null] ;; [.[]|isfinite?]
[5e-324,1e308,0] ;; map(isnormal)
"x" ;; isfinite
[3,4] ;; hypot(.[0];.[1]),fdim(4;3),copysign(1;-2),ldexp(1;3),scalb(1;3),scalbln(1;3),drem(5;3),remainder(5;3)
[1.5,2.5,-2.5,0.1,-0.1,10,0,1e300] ;; map([rint,nearbyint,significand,logb,frexp,modf,exp10?])
[1,2] ;; getpath(["a"])?
"a,b" ;; @urid
"a%20b%C3%A9" ;; @urid
"a%zz" ;; @urid
"%E9" ;; @urid
"%F0%9F%98%80+%2B" ;; @urid
["text","json","csv","tsv","html","uri","urid","sh","base64","base64d"] ;; .[] as $f|try ([1,"a'é<"]|format($f)) catch .
"x" ;; format(1)
"x" ;; format("nope")
[1,[2,3]] ;; tojson,@json,@text,@html
{"a":1} ;; .[("a","b")] = (1,2)
{"a":[1,2,3]} ;; .a[1:] |= map(.+1)
{"a":[1,2,3]} ;; del(.a[0,2])
{"a":[1,2,3]} ;; to_entries,with_entries(.value|=length)
[3,1,2] ;; sort_by(.,-.),group_by(.>1),unique_by(.>1),min_by(-.),max_by(-.)
[1,2] ;; .[1.7], .[-1.5], .[1.2:1.9]
[1,2] ;; .[1.7] = 9
null ;; .[-1] = 1
null ;; [.[1:3] = [1]]
[1,2,3] ;; .[1:null]=[9]
[1,2,3] ;; try (.[1:2] = 5) catch .
[1,2,3] ;; del(.[1:], .[0])
[1,2,3] ;; try delpaths([["a"]]) catch .
[[1]] ;; try delpaths([[0,"a"]]) catch .
{"a":1} ;; try delpaths([[0]]) catch .
{"a":1} ;; try delpaths([["a","b"]]) catch .
1 ;; try error catch .
1 ;; try error(null) catch .
1 ;; error(null)
1 ;; .a
1 ;; .[0]
"a" ;; .[]
[1] ;; .["a"]
[1] ;; has("a")
{"a":1} ;; has(0)
1 ;; has("a")
null ;; keys
"a" ;; keys
[1] ;; .[{}]
[1] ;; .[[1]]
"abcabc" ;; indices("bc"),index("bc"),rindex("bc"),indices("")
[1,2,1,2] ;; indices([1,2]),indices(1),indices([])
null ;; indices(1)
"x" ;; indices(1)
"a" ;; try ltrimstr(1) catch .
"x" ;; tojson|fromjson
"[1,2" ;; fromjson
"{\"a\":nan}" ;; fromjson
"nan" ;; fromjson
"NaN" ;; fromjson
"-nan" ;; fromjson
"'a'" ;; fromjson
"1 2" ;; fromjson
"" ;; fromjson
" " ;; fromjson
"01" ;; fromjson
"[1,]" ;; fromjson
"1e1000" ;; fromjson
"Infinity" ;; fromjson
"\"\\ud800\"" ;; fromjson
"\"a\nb\"" ;; fromjson
"1." ;; fromjson
".5" ;; fromjson
"+1" ;; fromjson
"1." ;; tonumber
"+1" ;; tonumber
" 1" ;; tonumber
"1 " ;; tonumber
"0x1" ;; tonumber
"-" ;; tonumber
"1e" ;; tonumber
"infinity" ;; tonumber
"-nan" ;; tonumber
"1_0" ;; tonumber
"00012" ;; tonumber
[1,[2,[3,[4]]]] ;; flatten(1),flatten(0),flatten(0.5)
{"a":[1]} ;; flatten
[{"a":1,"b":2},{"a":1}] ;; add, (map(.a)|add(.[])), add(empty)
{"a":1,"b":2} ;; add, any, all, map(.+1), map_values(.+1), map_values(empty)
[1,2,3] ;; bsearch(0),bsearch(2),bsearch(2.5),bsearch(4)
{"a":[{"b":1},{"b":2}]} ;; pick(.a[1].b)
[1,2,3] ;; pick(.[-1])
[1,2,3] ;; pick(first)
{"a":1} ;; tostream
{"a":[1,{"b":2}]} ;; [tostream]|fromstream(.[])
{"a":[1,{"b":2}]} ;; [1|truncate_stream([[0],1],[[1,0],2],[[1,0]],[[1]])]
{"a":[1,{"b":2}]} ;; getpath(["a",1,"b"]), ([paths]|length), [leaf_paths]
[1,2] ;; combinations
[[1,2],[3]] ;; [combinations]
[0,1] ;; [combinations(2)]
{"a":[1,2]} ;; walk(if type=="array" then reverse else . end)
[1,null,2] ;; map(values), map(scalars), (map(numbers)|add)
[[1,2],[3]] ;; transpose
"x" ;; [splits("")]
"test" ;; [match("";"g").offset]
1 ;; toarray, ([1]|toarray), abs, (-1|abs), (null|abs)
"a" ;; abs
"-0" ;; tonumber
0 ;; -.
null ;; [nan]|sort, (nan<nan), ([nan,1]|min,max), ([nan]==[nan])
null ;; [infinite,-infinite,nan]|map(tostring)
null ;; infinite|floor
null ;; [.[]?]
null ;; 5 % 0
null ;; 5 / 0
null ;; 5 % 0.5, (-5 % 3), (5 % -3), (5.9 % 2.9), (1e19 % 7), (nan % 5), (5 % nan), (infinite % 5), (5 % infinite)
null ;; "x" * 0, "x" * 0.5, "x" * 1.5, "x" * -1, 0 * "x", "x" * nan
null ;; [1,2,3] - [2], {} - 1
null ;; {a:{b:1}} * {a:{c:2}}, {a:1} * {a:{c:2}}
null ;; "a,b,c" / ",", "abc" / "", "" / ""
null ;; try ("a" * {}) catch .
null ;; [1] * 2
null ;; try ([] | implode) catch ., try ([1.5]|implode) catch ., try ([-1]|implode) catch ., try (["a"]|implode) catch ., ([55296]|implode), ([1114112]|implode)
null ;; try ("a"|implode) catch .
null ;; limit("a";1,2)
null ;; limit(-1;1,2)
null ;; [limit(1.5;1,2,3)], [skip(1.5;1,2,3)], [skip("a";1,2)], [skip(-1;1)]
null ;; [nth(1,0;1,2,3)], nth(-1;1)
null ;; [first(empty)], [last(empty)], [isempty(empty), isempty(1,error)]
null ;; [range(1,2;3,4)], [range(0;1;0.3)], [range("a")]
null ;; [range("a";2)]
null ;; [range(0;"a")]
null ;; [1|until(.>4;.+1)], [1|while(.<4;.+1)], [1|recurse(if .<3 then .+1 else empty end)], [1|recurse(.+1;.<3)]
null ;; [.[]?|1], ([1,2]|IN(1)), ([1,2]|IN(.[];1)), (1|IN(1,2))
null ;; "\(1;2)"
null ;; @json "x\([1,"a"])", @sh "a \("b c")", @csv "\([1,"a\"b"])", @html "<\("<&>")>"
null ;; {"a":1} | has("a","b"), in({"a":1})?
null ;; "a" | in({"a":1})
null ;; [1,2] | inside([1,2,3])
null ;; $__loc__
null ;; try error($__loc__) catch .
null ;; {a:1,b:2} as {a:$x,b:$y} | $x+$y
null ;; {a:1} as {$a} | $a
null ;; {a:[1,2]} as {$a:[$x]} | [$a,$x]
null ;; {"a b":1} as {"a b":$x} | $x
null ;; {ab:1} as {("a"+"b"):$x} | $x
null ;; [[1,2]] | .[] as [$a] ?// {$a} | [$a]
null ;; {"x":1} as [$a] ?// {$b} ?// $c | [$a,$b,$c]
null ;; [1] as [$a] ?// $a | error("x")
null ;; 1 as $x | 2 as $x | $x
null ;; def f(a;b): a+b; f(1;2)
null ;; def f: def g: 1; g+1; f
null ;; def f($a;$b): [$a,$b,a]; f(1,2;3)
null ;; def f(g): g|g; 3|f(.*2)
null ;; reduce (1,2,3) as [$a] (0;.+1)
null ;; [foreach (1,2,3) as $x (0,10;.+$x;[$x,.])]
null ;; [foreach (1,2) as $x (0;empty;.)]
null ;; [foreach (1,2) as $x (0;(.+$x,.*2);.)]
null ;; [reduce (1,2) as $x (0,1;.+$x)]
null ;; reduce (1,2) as $x (0;.+$x,.*10)
null ;; [label $a|label $b|1,break $a,2]
null ;; [label $f|(1,2,3)|if .==2 then break $f else . end]
null ;; break $x
null ;; try (break $x) catch .
null ;; [.[]?,(1|.a)?,2]
null ;; try (try error("x") catch error("y")) catch .
null ;; [1,2|tojson]|join("-"), ([null,1,true,"a"]|join(",")), ([]|join(",")), (["a",{}]|join(","))
null ;; [["a"],["b"]]|join(",")
null ;; {(1):2}
null ;; {"a","b"}
null ;; {a:1}|{a,"b",@base64 "c",$__loc__}
null ;; if empty then 1 else 2 end, if (true,false) then 1 else 2 end, if null then 1 end
null ;; (1,null)//2, (null,false)//(3,4), (error("x")//1), (empty//1), [false//empty]
null ;; 1 as $x | [$x,$x+1] | .[0] //= 5 | .[3] //= 7
null ;; {} | .a += 1 | .b -= 1
null ;; {"a":5} | .a %= 3 | .a *= 4 | .a /= 2
null ;; [[1,2],[3]] | .[] += [9] | .[0][0] |= empty
null ;; {"a":{"b":1}} | (.a.b,.c) = 7 | del(.a.b) | .a
null ;; {"a":1} | .a as $x | (.b | . // $x) |= 3
null ;; try ((1,2) = 3) catch .
null ;; try (.a + 1 |= 3) catch .
null ;; [path(..)], [path(.a[0].b?)], [path(.a|select(.b))], path(if .a then .b else .c end)
null ;; [path(first(.a,.b))], [path(limit(1;.a,.b))], [path(.a//.b)], [path(getpath(["x",0]))], [path(empty)], [path(error?)], [path(recurse(if .==null then empty else .a end))]
null ;; [path(.a[1:2])], [path(.[1:][0])], try path(1) catch ., try path([.]) catch ., path(.)
null ;; try path(.a|tojson) catch ., try path(.a|map(.b)) catch .
{"a":[{"b":1}]} ;; try path(.a|map(.b)) catch ., try ((.a|map(.b)) |= 1) catch .
{"a":[1,2]} ;; [.a as [$x,$y] | path(.a[$x])], [path(.a|last)], [path(.a|first(.[]))], path(.a|.[-1])
{"a":[1,2]} ;; reduce .a[] as $x (.; .a[$x]=9)
{"a":[1,2]} ;; path(reduce (0,1) as $i (.a; .[$i]?)), [path(foreach (0,1) as $i (.; .a; .[$i]))]
{"a":[1,2]} ;; to_entries[0].value[1], .a[-1:][0], .["a"][0], .a.[0], ."a"[1], (.a|.[0:1]|.[0])
"é😀x" ;; length, .[1:2], .[-1:], explode, utf8bytelength, indices("x"), [match(".";"g")|.offset,.length], ascii_upcase, @uri, @base64, (@base64|@base64d), test("^.{3}$"), ltrimstr("é"), split("")
"a\u0000b" ;; length, tojson, explode, @sh
"\u007f\u001f\u2028" ;; tojson, @json, @html, @uri
"  a b\t\n" ;; trim, ltrim, rtrim, trimstr(" "), [splits(" +")]
1425599621 ;; todate, gmtime, (gmtime|mktime), strftime("%A %B %d %Y %I:%M:%S %p %j %U %W %e %k %l %y %C %G %g %V %u %w %D %F %T %R %r %c %x %X %h %n %t %Z %z %s %%")
1425599621.678 ;; todate, gmtime, (gmtime|todate), (gmtime|mktime)
"10:20" ;; try strftime("%H") catch ., try mktime catch ., try gmtime catch .
[2024,1,30,0,0,0,0,0] ;; mktime, todate
[2024,14,30,25,61,61] ;; mktime
["a"] ;; try mktime catch ., try todate catch .
"2015-03-05T23:51:47Z" ;; fromdate, fromdateiso8601, (fromdate|todate)
"2015-02-30T00:00:00Z" ;; fromdate
"2015-3-5T3:1:7Z" ;; fromdate
"2015-03-05T23:51:60Z" ;; fromdate
"2015-03-05T24:00:00Z" ;; fromdate
{"a":5} ;; .a = null // 2
{"a":5} ;; .a += (null // 2)
{"a":5} ;; .b // .a = 3
{"a":5} ;; .b = .a // 7
1 ;; [.a.b?]
[1] ;; [.[].a?]
[1] ;; .a.[]
[[1]] ;; .[0].[]?
[1] ;; [.[error("x")]?]
1 ;; [(.a.b)?]
1 ;; [.[]?[0]]
0 ;; [-., -(0), (0|-.), 0-., -1*0, (0*-1)]|tojson
[0] ;; [-.[0], -0]|tojson
-0.5 ;; [ceil,round,rint,trunc,(.|floor), -(.)]|tojson
0 ;; [-0]|tojson
0 ;; -0|tojson
[null,null,null] ;; delpaths(.[1:-1])
null ;; delpaths([1])
null ;; delpaths([])
[1] ;; delpaths([[0],1])
[1] ;; delpaths([null,[0]])
[1] ;; delpaths(["a",[]])
[{"c":null},null] ;; bsearch({a: ., b: (null)})
[{"c":null},null] ;; bsearch({a: 1, b: 2})
[{"c":null}] ;; bsearch({a: 1, b: 2})
[{"c":null}] ;; bsearch({a: 1})
[{"c":null}] ;; .[0] < {a:1,b:2}, .[0] > {a:1,b:2}
[[1],[2],[3]] ;; bsearch([2]), bsearch([0]), bsearch([4]), bsearch(null), bsearch({})
[3,1,2] ;; bsearch(1), bsearch(2), bsearch(3), bsearch(0), bsearch(9)
[{"a":1},{"a":1,"b":2},{"b":1},{"c":1}] ;; sort, bsearch({a:2}), bsearch({a:1,b:1}), bsearch({a:1,c:0})
[1,1,1,2,2] ;; bsearch(1), bsearch(2)
[1,1] ;; bsearch(1)
{"a":1,"b":2} ;; path(. as {a:$x} | .b)
{"a":[3],"b":2} ;; path(. as {a:[$x]} | .b)
{"a":1,"b":2} ;; path(1 as $x | .b)
{"a":1,"b":2} ;; path([1] as [$x] | .b)
{"a":1,"b":2} ;; path({a:1} as {a:$x} | .b)
{"a":1,"b":2} ;; ([1] as [$x] | .b) |= 5
{"a":1,"b":2} ;; path((.a as $x | .b), (.a as [$x] ?// $x | .b))
{"a":[1],"b":2} ;; path(.a as [$x] | .b), path(.a[0] as $x | .b)
{"a":1} ;; path((null) as {"a": [$x]} | .b)
{"a":1} ;; path(. as $d | .a | select($d.a == 1))
null ;; indices(false)
null ;; indices("a"), indices(1)
`
  .trim()
  .split('\n');
