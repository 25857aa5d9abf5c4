import { STANDARD_ERRORS, type StandardError, standardErrorOf, standardErrorUri } from '.';

describe('the type of a standard error', () => {
  it('is a URI of the specification', () => {
    expect(standardErrorUri('timeout')).toBe('https://serverlessworkflow.io/spec/1.0.0/errors/timeout');
    for (const name of Object.keys(STANDARD_ERRORS)) {
      expect(standardErrorOf(standardErrorUri(name as StandardError))).toBe(name);
    }
  });

  // As the specification's texts, examples and conformance kit write them.
  it.each([
    'https://serverlessworkflow.io/spec/1.0.0/errors/communication',
    'https://serverlessworkflow.io/dsl/errors/types/communication',
    'https://serverlessworkflow.io.io/dsl/errors/types/communication',
    'https://https://serverlessworkflow.io/spec/1.0.0/errors/communication',
    'https://serverlessworkflow.io/errors/types/communication',
    'https://serverlessworkflow.io/errors/communication',
  ])('is also found in %s', (type) => expect(standardErrorOf(type)).toBe('communication'));

  it.each([
    'communication',
    'https://example.com/errors/communication',
    'https://serverlessworkflow.io/errors/not-implemented',
    'https://serverlessworkflow.io/errors/constructor',
    'https://serverlessworkflow.io/spec/1.0.0/errors/communication/x',
  ])('is not found in %s', (type) => expect(standardErrorOf(type)).toBeUndefined());
});
