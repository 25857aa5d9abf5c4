import fc from 'fast-check';
import { durationMs } from '.';
import { LONGEST_MS } from './durations';
import { matches } from './schema';

describe('a duration in milliseconds', () => {
  it.each([
    ['PT30S', 30_000],
    ['PT0.5S', 500],
    ['PT0,5S', 500],
    ['PT0.0004S', 0],
    ['PT1M30S', 90_000],
    ['PT1.5H', 5_400_000],
    ['P1D', 86_400_000],
    ['P1DT2H', 93_600_000],
    ['P1W', 604_800_000],
    ['P1W1DT1S', 691_201_000],
    ['PT0S', 0],
  ])('%s', (text, ms) => expect(durationMs(text)).toBe(ms));

  it('adds up parts', () => {
    expect(durationMs({ days: 1, hours: 2, minutes: 3, seconds: 4, milliseconds: 5 })).toBe(93_784_005);
  });

  it.each([
    ['P1M', '"P1M" counts in months, and a month has no fixed length'],
    ['P1Y', '"P1Y" counts in years, and a year has no fixed length'],
    ['P0Y1D', '"P0Y1D" counts in years, and a year has no fixed length'],
    ['5 minutes', '"5 minutes" is no duration'],
    ['', '"" is no duration'],
    ['P', '"P" is no duration'],
    ['PT', '"PT" is no duration'],
    ['P1DT', '"P1DT" is no duration'],
    ['-PT5S', '"-PT5S" is no duration'],
    ['pt5s', '"pt5s" is no duration'],
    [{}, '{} is no duration'],
    [{ seconds: -1 }, '"seconds" of a duration must be a number from 0, not -1'],
    [{ seconds: NaN }, '"seconds" of a duration must be a number from 0, not NaN'],
    [{ weeks: 1 }, 'a duration has no "weeks"'],
    ['P4000000D', '"P4000000D" is too long'],
    [null, 'null is no duration'],
    [30, '30 is no duration'],
  ])('%j is refused', (model, message) => {
    expect(() => durationMs(model as string)).toThrow(
      expect.objectContaining({
        message,
        code: 'duration-invalid',
        class: 'permanent',
        remedy: expect.any(String) as string,
      }) as Error,
    );
  });

  const part = fc.nat({ max: 10_000 });
  const parts = fc.record({ days: part, hours: part, minutes: part, seconds: part, milliseconds: part });

  it('is the same in parts as in ISO 8601', () => {
    fc.assert(
      fc.property(parts, ({ days, hours, minutes, seconds, milliseconds }) => {
        const text = `P${days}DT${hours}H${minutes}M${(seconds * 1000 + milliseconds) / 1000}S`;
        expect(durationMs(text)).toBe(durationMs({ days, hours, minutes, seconds, milliseconds }));
      }),
    );
  });

  it('grows with every part, and a week is seven days', () => {
    fc.assert(
      fc.property(
        parts,
        fc.constantFrom('days', 'hours', 'minutes', 'seconds', 'milliseconds' as const),
        (some, key) => {
          expect(durationMs({ ...some, [key]: some[key as 'days'] + 1 })).toBeGreaterThan(durationMs(some));
          expect(durationMs(`P${some.days}W`)).toBe(durationMs({ days: 7 * some.days }));
        },
      ),
    );
  });

  it('is a whole number in bounds, or an error that says so, for any text', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^P(\d{1,9}[YMWD]){0,3}(T(\d{1,3}(\.\d{1,4})?[HMS]){0,3})?$/));
    fc.assert(
      fc.property(text, (one) => {
        let ms: number;
        try {
          ms = durationMs(one);
        } catch (error) {
          expect(error).toMatchObject({ code: 'duration-invalid' });
          return;
        }
        expect(Number.isInteger(ms) && ms >= 0 && ms <= LONGEST_MS).toBe(true);
        if (one.includes(',')) return;
        expect(matches(one, 'duration')).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
