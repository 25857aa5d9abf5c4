import fc from 'fast-check';
import { Share } from './leases';

/** A store of so many units that never come back. */
function store(units: number) {
  const given: number[] = [];
  return {
    given,
    lease: async (want: number) => {
      const granted = Math.min(want, units);
      units -= granted;
      given.push(granted);
      return { granted, waitMs: 1_000 };
    },
  };
}

it('gives as many as there are, whatever is asked at a time, and by how many processes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.record({ process: fc.nat(2), count: fc.integer({ min: 1, max: 5 }) }), { maxLength: 120 }),
      async (units, chunk, asks) => {
        const shared = store(units);
        const parts = { lease: shared.lease, keptUntil: () => Infinity };
        const processes = [new Share(parts), new Share(parts), new Share(parts)];
        let taken = 0;
        await Promise.all(
          asks.map(async ({ process, count }) => {
            const { refused } = await processes[process]!.take(count, chunk);
            if (!refused) taken += count;
          }),
        );
        // A lease of one unit is enough for one request, so each process may be ahead by one request at most.
        expect(taken).toBeLessThanOrEqual(units + processes.length * 4);
        const unused = processes.reduce((sum, one) => sum + one.unused, 0);
        expect(taken + unused).toBeGreaterThanOrEqual(Math.min(units, taken));
      },
    ),
    { numRuns: 200 },
  );
});

it('asks once for those who come at the same time, and nobody while there is nothing', async () => {
  let now = 0;
  const shared = store(3);
  const share = new Share({ lease: shared.lease, keptUntil: () => Infinity, now: () => now });
  const first = await Promise.all(Array.from({ length: 10 }, () => share.take(1, 3)));
  expect(first.filter(({ refused }) => !refused)).toHaveLength(3);
  expect(shared.given).toEqual([3, 0]);
  expect(first.at(-1)).toEqual({ refused: true, waitMs: 1_000 });
  now = 999;
  expect(await share.take(1, 3)).toEqual({ refused: true, waitMs: 1 });
  expect(shared.given).toHaveLength(2);
  now = 1_000;
  await share.take(1, 3);
  expect(shared.given).toHaveLength(3);
});

it('puts off one after another what is given ahead of time', async () => {
  const share = new Share({
    lease: async (want) => ({ granted: want, waitMs: 500, stepMs: 100 }),
    keptUntil: () => Infinity,
    now: () => 0,
  });
  const taken = await Promise.all([share.take(1, 4), share.take(2, 4), share.take(1, 4)]);
  expect(taken.map(({ waitMs }) => waitMs)).toEqual([500, 600, 800]);
});

it('drops what is left of a lease when its time is over', async () => {
  let now = 0;
  const shared = store(10);
  const share = new Share({ lease: shared.lease, keptUntil: (at) => at + 100, now: () => now });
  await share.take(1, 5);
  expect(share.unused).toBe(4);
  now = 100;
  expect(share.unused).toBe(0);
  await share.take(1, 5);
  expect(shared.given).toEqual([5, 5]);
});
