import { PermanentError, RateLimitedError, TransientError } from '@spillway/contracts';
import { judge } from './failure';

describe('a failed attempt', () => {
  const away = new TransientError('away', { code: 'queues-unavailable' });

  it('is tried again while attempts are left, if that can help', () => {
    expect(judge(new Error('x'), 1, 3, 0)).toEqual({ next: 'retry' });
    expect(judge(new Error('x'), 3, 3, 0)).toEqual({ next: 'dead-letter' });
    expect(judge(new PermanentError('x', { code: 'x' }), 1, 3, 0)).toEqual({ next: 'dead-letter' });
  });

  it('uses up nothing when the other side asks to wait, or the queues are away, but not for ever', () => {
    const limited = new RateLimitedError('x', { code: 'x', retryAfterMs: 7_000 });
    expect(judge(limited, 3, 3, 5)).toEqual({ next: 'wait', delayMs: 7_000 });
    expect(judge(away, 3, 3, 5)).toEqual({ next: 'wait', delayMs: 1_000 });
    expect(judge(away, 3, 3, 100)).toEqual({ next: 'dead-letter' });
    expect(judge(away, 1, 3, 100)).toEqual({ next: 'retry' });
  });
});
