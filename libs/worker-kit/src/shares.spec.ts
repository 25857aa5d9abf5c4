import { array, assert, integer, property } from 'fast-check';
import { shares } from './shares';

describe('the shares of partitions in a process', () => {
  it('give all to the one that works alone, and an even part to each when all work', () => {
    expect(shares(50, [0])).toEqual([50]);
    expect(shares(50, [30, 0])).toEqual([50, 25]);
    expect(shares(8, [4, 4])).toEqual([4, 4]);
    expect(shares(2, [0, 1, 1, 0])).toEqual([1, 1, 1, 1]);
  });

  it('never stop a partition, and come down to the whole once all keep to them', () => {
    const running = array(integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 16 });
    assert(
      property(integer({ min: 1, max: 200 }), running, (concurrency, busy) => {
        const most = shares(concurrency, busy);
        const even = Math.max(1, Math.floor(concurrency / busy.length));
        expect(Math.min(...most)).toBeGreaterThanOrEqual(even);
        // A job more in any partition that has reached its share is not taken; others take only what is free.
        busy.forEach((own, index) => {
          const others = busy.reduce((sum, one) => sum + one, 0) - own;
          if (own < most[index]! && most[index]! > even) expect(own + others).toBeLessThan(concurrency);
        });
      }),
    );
  });
});
