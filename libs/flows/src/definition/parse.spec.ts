import fc from 'fast-check';
import { FlowSyntaxError, lintFlow, parseFlow, pointerTo, readYaml, segmentsOf } from '.';

const FLOW = `document: { dsl: 1.0.3, namespace: shop, name: order, version: 1.0.0 }
do:
  - charge:
      call: http
      with: &request
        method: post
        endpoint: https://example.com
  - a/b~c:
      call: http
      with: *request
`;

describe('a flow in YAML', () => {
  const { definition, locate } = parseFlow(FLOW);

  it('is read', () => expect(definition.document.name).toBe('order'));

  it.each([
    ['', 1, 1],
    ['/document/version', 1, 55],
    ['/do', 2, 1],
    ['/do/0', 3, 5],
    ['/do/0/charge', 3, 5],
    ['/do/0/charge/with/endpoint', 7, 9],
    ['/do/1/a~1b~0c/call', 9, 7],
    ['/do/1/a~1b~0c/with/method', 6, 9],
    ['/do/0/charge/with/nothing', 5, 7],
    ['/do/7/charge', 2, 1],
    ['/do/0/charge/call/more', 4, 7],
  ])('%s is in line %d, column %d', (path, line, column) => expect(locate(path)).toEqual({ line, column }));

  it('gives every problem a place', () => {
    const text = FLOW.replace('method: post', 'metod: post');
    const problems = lintFlow(parseFlow(text).definition);
    expect(problems.map(({ path }) => parseFlow(text).locate(path))).toEqual([
      { line: 6, column: 9 },
      { line: 6, column: 9 },
    ]);
  });
});

describe('a flow in JSON', () => {
  it('has places too', () => {
    const { definition, locate } = parseFlow('{\n  "document": {},\n  "do": [{ "a": { "wait": "PT1S" } }]\n}');
    expect(definition.do).toEqual([{ a: { wait: 'PT1S' } }]);
    expect(locate('/do/0/a/wait')).toEqual({ line: 3, column: 19 });
  });

  it('that was read already has none', () => {
    const value = { document: {}, do: [] };
    expect(parseFlow(value).definition).toBe(value);
    expect(parseFlow(value).locate('/do')).toBeUndefined();
  });
});

describe('a slip in YAML', () => {
  const told = (text: string) =>
    readYaml(text).flatMap(({ problems }) =>
      problems.map(({ position: { line, column }, message, remedy }) => `${line}:${column}: ${message}. ${remedy}`),
    );
  const expression = (written: string) => `an expression needs quotes here. Put the expression in quotes: ${written}.`;
  const star = (written: string) => `text that begins with "*" needs quotes. Put it in quotes: ${written}.`;
  const colon = (written: string) =>
    `text with ": " in it needs quotes. Put it in quotes: ${written}. Between two fields, write a "," or begin a new line.`;
  const open = 'the quote that begins here is not closed. Write the same quote after the text.';
  const field = 'there is no field in this line. Write "name: value": a space follows the ":".';
  const alike = 'Indent the fields of one object alike.';

  it.each([
    ['do:\n  - a: { set: { x: ${ .y } }, if: ${ .z } }\n  - b: { c: d }', `2:20: ${expression("x: '${ .y }'")}`],
    ['x: { y: ${ .y | { a: .b } } }', `1:9: ${expression("y: '${ .y | { a: .b } }'")}`],
    ["x: { y: Hello ${ .y + 'a' }!, z: 1 }", `1:9: ${expression("y: 'Hello ${ .y + ''a'' }!'")}`],
    ['x: [ ${ .y } ]', `1:6: ${expression("'${ .y }'")}`],
    ['x: ${ { a: .b } }\ny: 1', `1:4: ${expression("x: '${ { a: .b } }'")}`],
    ['x: { y: ${ .y\nz: 1', `1:9: ${expression("'${ … }'")}`],
    ['title: Oops: it broke # often\na: 1', `1:8: ${colon("title: 'Oops: it broke'")}`],
    ['error: { title: Oops: it broke, a: 1 }', `1:17: ${colon("title: 'Oops: it broke'")}`],
    [`x: ${'a'.repeat(200)}: b`, `1:4: ${colon("x: '…'")}`],
    ['a: 1\n  b: 2', `1:4: the next line goes on with this value. ${alike}`],
    ['{\n "a": 1\n "b": 2\n}', '2:7: a "," is missing after this. Write "," after each field and item but the last.'],
    ['set: { x: "abc }\nb: { c: d }\n', `1:11: ${open}`],
    ["a: 1\nx: 'abc\ny: 'b'\n", `2:4: ${open}`],
    ["x: 'it's'", "1:8: text goes on after its closing quote. Within '…', write '' for a quote."],
    ['x: "a" + 1', '1:8: text goes on after its closing quote. Within "…", write \\" for a quote.'],
    ['x: "\\d"', `1:5: \\d has no meaning within "…". Write \\\\ for a backslash, or put the text in '…'.`],
    ['a: 1\nfoo:bar\nb: 1', `2:1: ${field}`],
    ['a:\n- b\n-c', `3:1: ${field}`],
    ['a:\n  b: 1\n c: 2', `3:1: this line begins in another column. ${alike}`],
    ['a: - b', '1:4: a list begins below its field. Write each "- " on a line of its own.'],
    ['a:\n\tb: 1', '2:1: a tab indents this line. Indent with spaces.'],
    ['a: @b', '1:4: text cannot begin with @. Put it in quotes.'],
    ['a: {b: 1}}\nc: 1', '1:10: this "}" closes nothing. Remove it, or put the text in quotes.'],
    ['cron: */5 * * * * # often', `1:7: ${star("cron: '*/5 * * * *'")}`],
    ['on: { cron: * * * * * }', `1:13: ${star("cron: '* * * * *'")}`],
    [
      'a: &b c\non: { type: *.made }',
      "2:13: there is no &.made above for *.made. If it was meant as text, put it in quotes: '*.made'.",
    ],
    ['a: |b\n  c', '1:5: this is no YAML: Block scalar header includes extra characters: |b. Mend the text there.'],
  ])('%j is told once, in its own words', (text, problem) => expect(told(text)).toEqual([problem]));

  it('leaves others to be told, one per line', () => {
    const text = 'a: *b\nc: { d: *b, e: *b }\nf: !g h\na: 1\n---\n{ x: y: z }\n---\n? \n: 1\n';
    expect(told(text).map((one) => one.split(/(?<=\d: )/)[0])).toEqual([
      '1:4: ',
      '2:9: ',
      '3:4: ',
      '4:1: ',
      '6:6: ',
      '8:3: ',
    ]);
  });

  it('is not that nothing follows the last ---', () => {
    expect(readYaml('a: 1\n---\n# b\n---\nc: 2\n---\n').map(({ value }) => value)).toEqual([{ a: 1 }, { c: 2 }]);
    expect(parseFlow('do: []\n---\n').definition).toEqual({ do: [] });
  });
});

describe('text that is no flow', () => {
  it.each([
    ['a: [1', 'line 1, column 6: a "[" before this is not closed'],
    ['a: 1\na: 2', 'line 2, column 1: "a" is here twice: first on line 1'],
    ['a: *nobody', 'line 1, column 4: there is no &nobody above for *nobody'],
    ['a: 1\n---\nb: 2', 'line 3, column 1: there are several documents'],
    ['a: !shell ls', 'line 1, column 4: Unresolved tag: !shell'],
    ['x'.repeat(1_000_001), 'line 1, column 1: it has 1000001 characters'],
    ['['.repeat(300) + ']'.repeat(300), 'line 1, column 1: it nests too deep'],
    ['['.repeat(100_000), 'line 1, column 1: it nests too deep'],
    ['{ ? { a: 1 } : 2 }', 'line 1, column 5: a key must be text'],
    [': 1', 'line 1, column 1: a key must be text'],
    ['&a [*a]', 'line 1, column 5: *a is within &a itself'],
    ['one: &one { a: 1 }\ntwo: { <<: *one }', 'line 2, column 8: YAML merge keys (<<) are not supported'],
  ])('%.20j is refused with its place', (text, message) => {
    expect(() => parseFlow(text)).toThrow(
      expect.objectContaining({ message, code: 'flow-syntax', status: 400 }) as Error,
    );
  });

  it('is refused when its aliases would grow without bound', () => {
    const bomb = [
      'a0: &a0 [x]',
      ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`),
    ];
    expect(() => parseFlow(bomb.join('\n'))).toThrow(FlowSyntaxError);
  });

  it('raises nothing but a FlowSyntaxError, and every place is in the text', () => {
    const text = fc.array(
      fc.oneof(fc.string(), fc.constantFrom('do:', '- ', '\n', '  ', '{', '[', ': ', '*a', '&a ', '? ', '|', '"')),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(text, fc.array(fc.string()), (words, keys) => {
        try {
          const { definition, locate } = parseFlow(words.join(''));
          lintFlow(definition);
          expect(locate(pointerTo('', ...keys))).toEqual({
            line: expect.any(Number) as number,
            column: expect.any(Number) as number,
          });
        } catch (error) {
          expect(error).toBeInstanceOf(FlowSyntaxError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a JSON pointer', () => {
  it('is read as it was written, whatever the keys', () => {
    fc.assert(fc.property(fc.array(fc.string()), (keys) => expect(segmentsOf(pointerTo('', ...keys))).toEqual(keys)));
  });
});
