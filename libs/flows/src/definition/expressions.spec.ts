import { compileExpression, compileTransform, sourceOf } from '.';

describe('a field that is always an expression', () => {
  it.each(['.a > $limit', '${ .a > $limit }', '  ${\n  .a > $limit\n}  '])('%j is the same', (text) => {
    const condition = compileExpression(text, ['limit']);
    expect(condition.test({ a: 2 }, { limit: 1 })).toBe(true);
    expect(condition.test({ a: 1 }, { limit: 1 })).toBe(false);
  });

  it('keeps the braces of objects', () => {
    expect(sourceOf('{ a: 1 }')).toBe('{ a: 1 }');
    expect(compileExpression('${ { a: { b: 1 } } }', []).first(null)).toEqual({ a: { b: 1 } });
  });

  it('is one expression, not a text with two', () => {
    expect(() => compileExpression('${ .a } and ${ .b }', [])).toThrow(
      expect.objectContaining({ code: 'jq-syntax' }) as Error,
    );
  });
});

describe('what an input is made from, or an output turned into', () => {
  it.each([
    ['.a', 1],
    ['${ .a }', 1],
    [
      { b: '${ .a }', c: '.a', d: 'a is ${ .a }' },
      { b: 1, c: '.a', d: 'a is 1' },
    ],
    ['empty', null],
  ])('%j', (value, output) => expect(compileTransform(value, []).render({ a: 1 })).toEqual(output));

  it('may name the variables around it', () => {
    expect(compileTransform('.pets + [$pet]', ['pet']).render({ pets: [1] }, { pet: 2 })).toEqual([1, 2]);
  });
});
