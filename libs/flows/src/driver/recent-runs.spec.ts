import * as fc from 'fast-check';
import type { RunRow } from '@spillway/persistence';
import { isSmallJson, RecentRuns } from './recent-runs';

const run = (id: string, seq: number, status = 'waiting', state: unknown = {}) =>
  ({ id, seq, status, state }) as unknown as RunRow;

describe('runs that were stored lately', () => {
  it('are known as they were stored last, until they end', () => {
    const recent = new RecentRuns();
    recent.keep(run('a', 1));
    recent.keep(run('a', 2));
    recent.keep(run('b', 1));
    expect([...recent.of(['a', 'b', 'c'])].map(([id, { seq }]) => [id, seq])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    recent.keep(run('a', 3, 'completed'));
    expect([...recent.of(['a', 'b']).keys()]).toEqual(['b']);
  });

  it('are forgotten when their state cannot be kept', () => {
    const recent = new RecentRuns();
    recent.keep(run('a', 1));
    recent.keep(run('a', 2, 'waiting', { n: NaN }));
    expect(recent.of(['a']).size).toBe(0);
  });

  it('are not kept without end', () => {
    const recent = new RecentRuns();
    for (let n = 0; n < 2_001; n += 1) recent.keep(run(`r${n}`, 1));
    expect([...recent.of(['r0', 'r1', 'r2000']).keys()]).toEqual(['r1', 'r2000']);
  });
});

describe('a state that can be kept', () => {
  it('is the same when it was JSON in between', () => {
    const value = fc.anything({ withNullPrototype: false, maxDepth: 4 });
    fc.assert(
      fc.property(value, (state) => {
        if (isSmallJson(state)) expect(JSON.parse(JSON.stringify(state))).toEqual(state);
      }),
    );
  });

  it.each([[NaN], [Infinity], [-0], [undefined], [[undefined]], [{ deep: [{ n: -Infinity }] }]])(
    'is not %p',
    (value) => {
      expect(isSmallJson(value)).toBe(false);
    },
  );

  it('is not large', () => {
    expect(isSmallJson(Array.from({ length: 499 }, (_, n) => n))).toBe(true);
    expect(isSmallJson(Array.from({ length: 500 }, (_, n) => n))).toBe(false);
    const shared = Array.from({ length: 400 }, (_, n) => n);
    expect(isSmallJson({ a: shared, b: shared })).toBe(true);
  });
});
