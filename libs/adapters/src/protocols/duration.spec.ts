import { durationArgument } from './duration';

describe('a duration', () => {
  it.each([
    ['PT30S', 30_000],
    ['P1DT2H3M4.5S', 93_784_500],
    ['P2W', 1_209_600_000],
    ['PT0.25S', 250],
    [{ hours: 2, minutes: 15, seconds: 30 }, 8_130_000],
    [{ milliseconds: 5 }, 5],
  ])('%j is %i ms', (value, ms) => {
    expect(durationArgument.parse(value)).toBe(ms);
  });

  it.each(['', 'P', 'PT', 'P1DT', '30s', 'P1Y', 'PT0S', {}, { seconds: -1 }, { weeks: 1 }, 5])(
    '%j is none',
    (value) => {
      expect(durationArgument.safeParse(value).success).toBe(false);
    },
  );
});
