import * as fc from 'fast-check';
import { reviveShared, stringifyShared } from './shared-json';

it('gives back what it was given, shared as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const inner = { a };
      const value = { first: inner, second: [inner, b, { deep: inner }], third: a, more: { a } };
      const back = reviveShared(JSON.parse(stringifyShared(value))) as typeof value;
      expect(back).toEqual(JSON.parse(JSON.stringify(value)));
      expect(back.second[0]).toBe(back.first);
      expect((back.second[2] as { deep: unknown }).deep).toBe(back.first);
    }),
  );
});

it('writes what stands in many places once', () => {
  const event = { text: 'x'.repeat(1_000) };
  expect(stringifyShared(Array.from({ length: 10 }, () => ({ event }))).length).toBeLessThan(1_500);
});

it('keeps data with keys like its own as it is', () => {
  const odd = { '\u0001ref': 0 };
  const value = { a: odd, b: odd };
  expect(reviveShared(JSON.parse(stringifyShared(value)))).toEqual(value);
  expect(reviveShared(JSON.parse(stringifyShared({ x: { '\u0001shared': [1] } })))).toEqual({
    x: { '\u0001shared': [1] },
  });
});
