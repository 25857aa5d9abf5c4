import { retryDelay, type RetryState } from './retry';

const state = (more: Partial<RetryState> = {}): RetryState => ({
  failed: 1,
  startedAt: 0,
  now: 0,
  random: 0.5,
  ...more,
});
const delays = (policy: object, times = 4) =>
  Array.from({ length: times }, (_, index) => retryDelay(policy, state({ failed: index + 1 })));

describe('the wait before a retry', () => {
  it('is the delay, the same each time, without a backoff and with a constant one', () => {
    expect(delays({ delay: 'PT3S' })).toEqual([3_000, 3_000, 3_000, 3_000]);
    expect(delays({ delay: { seconds: 3 }, backoff: { constant: {} } })).toEqual([3_000, 3_000, 3_000, 3_000]);
  });

  it('grows by the delay with a linear backoff, and doubles with an exponential one', () => {
    expect(delays({ delay: 'PT3S', backoff: { linear: {} } })).toEqual([3_000, 6_000, 9_000, 12_000]);
    expect(delays({ delay: 'PT3S', backoff: { exponential: {} } })).toEqual([3_000, 6_000, 12_000, 24_000]);
  });

  it('has the jitter on top, anywhere between its ends', () => {
    const policy = { delay: 'PT3S', jitter: { from: 'PT1S', to: 'PT2S' } };
    expect([0, 0.5, 1].map((random) => retryDelay(policy, state({ random })))).toEqual([4_000, 4_500, 5_000]);
    expect(retryDelay({ jitter: { from: 'PT1S', to: 'PT2S' } }, state({ random: 0 }))).toBe(1_000);
  });

  it('is none without a delay', () => {
    expect(delays({}, 2)).toEqual([0, 0]);
  });

  it('is a year at most', () => {
    expect(retryDelay({ delay: 'PT1S', backoff: { exponential: {} } }, state({ failed: 5_000 }))).toBe(
      365 * 24 * 3_600_000,
    );
  });
});

describe('limits of retries', () => {
  it('limit.attempt.count is the number of retries: 5 make six tries', () => {
    const policy = { limit: { attempt: { count: 5 } } };
    expect([5, 6].map((failed) => retryDelay(policy, state({ failed })))).toEqual([0, undefined]);
    expect(retryDelay({ limit: { attempt: { count: 0 } } }, state())).toBeUndefined();
  });

  it.each([{ limit: { duration: 'PT10S' } }, { limit: { attempt: { duration: 'PT10S' } } }])(
    '%j: no try begins later than that after the first',
    (limit) => {
      const policy = { delay: 'PT4S', ...limit };
      expect(retryDelay(policy, state({ now: 6_000 }))).toBe(4_000);
      expect(retryDelay(policy, state({ now: 6_001 }))).toBeUndefined();
    },
  );
});
