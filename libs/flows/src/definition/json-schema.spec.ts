import { compileSchema } from '.';

describe('a JSON schema of an input, an output or an export', () => {
  it('says on one line what a value lacks', () => {
    const check = compileSchema({
      type: 'object',
      properties: { amount: { type: 'integer', minimum: 1 }, mail: { type: 'string', format: 'email' } },
      required: ['amount'],
      additionalProperties: false,
    });
    expect(check({ amount: 1, mail: 'a@example.com' })).toBeUndefined();
    expect(check({})).toBe("the value must have required property 'amount'");
    expect(check({ amount: 0 })).toBe('/amount must be >= 1');
    expect(check({ amount: 1, mail: 'nobody' })).toBe('/mail must match format "email"');
    expect(check({ amount: 1, total: 2 })).toBe('the value must NOT have additional properties ("total")');
  });

  it('may be true or false', () => {
    expect(compileSchema(true)(1)).toBeUndefined();
    expect(compileSchema(false)(1)).toBe('the value boolean schema is false');
  });

  it('is read in its dialect', () => {
    const tuple = { items: [{ type: 'string' }], additionalItems: false };
    const check = compileSchema({ $schema: 'http://json-schema.org/draft-07/schema#', ...tuple });
    expect(check(['a'])).toBeUndefined();
    expect(check(['a', 'b'])).toBe('the value must NOT have more than 1 items');
    expect(() => compileSchema(tuple)).toThrow('/items must be object,boolean');
  });

  it('does not reach into another, though that has the name it refers to', () => {
    compileSchema({
      $id: 'https://example.com/other',
      type: 'string',
      $defs: { a: { $id: 'https://example.com/inner' } },
    });
    for (const $ref of ['https://example.com/other', 'https://example.com/inner']) {
      expect(() => compileSchema({ $ref })).toThrow("can't resolve reference");
    }
    expect(compileSchema({ $id: 'https://example.com/other', type: 'number' })(1)).toBeUndefined();
  });

  it.each([
    ['text', 'it is text, not an object'],
    [null, 'it is null, not an object'],
    [{ type: 'objekt' }, '/type must be equal to one of the allowed values'],
    [{ pattern: '(' }, 'Invalid regular expression: /(/u: Unterminated group'],
    [
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      'its dialect "http://json-schema.org/draft-04/schema#" is not known',
    ],
    [{ $schema: { a: 1 } }, 'its dialect {"a":1} is not known'],
    [{ $ref: '#/$defs/none' }, "can't resolve reference #/$defs/none from id #"],
  ])('%j is refused', (document, message) => {
    expect(() => compileSchema(document)).toThrow(
      expect.objectContaining({ message, code: 'schema-invalid' }) as Error,
    );
  });
});
