import fc from 'fast-check';
import { FlowSyntaxError, lintFlow, parseFlow, pointerTo, segmentsOf } from '.';

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

describe('text that is no flow', () => {
  it.each([
    ['a: [1', 'line 1, column 6: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ['a: 1\na: 2', 'line 2, column 1: Map keys must be unique'],
    ['a: *nobody', 'line 1, column 4: there is no &nobody above for *nobody'],
    ['a: 1\n---\nb: 2', 'line 2, column 1: there are several documents'],
    ['a: !shell ls', 'line 1, column 4: Unresolved tag: !shell'],
    ['x'.repeat(1_000_001), 'line 1, column 1: it has 1000001 characters'],
    ['['.repeat(300) + ']'.repeat(300), 'line 1, column 1: it nests too deep'],
    ['['.repeat(100_000), 'line 1, column 1: it nests too deep'],
    ['{ ? { a: 1 } : 2 }', 'line 1, column 5: a key must be text'],
    [': 1', 'line 1, column 1: a key must be text'],
    ['&a [*a]', expect.any(String) as string],
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
