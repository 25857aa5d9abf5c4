import { setTimeout as wait } from 'node:timers/promises';
import { batched, type Batching } from './batcher';

/** Batches as they begin; each ends when it is told to. */
function recorded(options: Batching<number>) {
  const begun: { items: number[]; end: () => void }[] = [];
  const ask = batched(
    (items: number[]) =>
      new Promise<number[]>((resolve) => begun.push({ items, end: () => resolve(items.map((item) => item * 2)) })),
    options,
  );
  return { ask, begun, sizes: () => begun.map(({ items }) => items.length) };
}

const turns = async (count = 4) => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
};
const LONG_MS = 60_000;

describe('batched', () => {
  it('gathers what comes while a batch is under way, in order, and gives each its own result', async () => {
    const { ask, begun } = recorded({ most: 3 });
    const first = ask(1);
    await turns();
    const rest = Promise.all([2, 3, 4, 5].map(ask));
    await turns();
    expect(begun.map(({ items }) => items)).toEqual([[1]]);
    for (let at = 0; at < 3; at += 1) {
      begun[at]!.end();
      await turns();
    }
    expect(begun.map(({ items }) => items)).toEqual([[1], [2, 3, 4], [5]]);
    expect([await first, ...(await rest)]).toEqual([2, 4, 6, 8, 10]);
  });

  it('has as many under way as it may, and no more', async () => {
    const { ask, begun, sizes } = recorded({ most: 2, parallel: 2 });
    const all = Promise.all([1, 2, 3, 4, 5].map(ask));
    await turns();
    expect(sizes()).toEqual([2, 2]);
    begun[1]!.end();
    await turns();
    expect(sizes()).toEqual([2, 2, 1]);
    for (const { end } of begun) end();
    expect(await all).toEqual([2, 4, 6, 8, 10]);
  });

  it('lingers only under load, and no longer than until it is full', async () => {
    const { ask, begun, sizes } = recorded({ most: 3, lingerMs: LONG_MS });
    void Promise.all([1, 2].map(ask));
    await turns();
    expect(sizes()).toEqual([2]);
    begun[0]!.end();
    void ask(3);
    await turns();
    expect(sizes()).toEqual([2]);
    void Promise.all([4, 5].map(ask));
    await turns();
    expect(sizes()).toEqual([2, 3]);
  });

  it('lingers beside others for so long', async () => {
    const { ask, sizes } = recorded({ most: 10, parallel: 2, lingerMs: 500 });
    void Promise.all([1, 2].map(ask));
    await turns();
    void ask(3);
    await turns();
    expect(sizes()).toEqual([2]);
    await wait(520);
    expect(sizes()).toEqual([2, 1]);
  });

  it('waits for nobody when nothing else is under way any more', async () => {
    const { ask, begun, sizes } = recorded({ most: 10, parallel: 2, lingerMs: LONG_MS });
    void Promise.all([1, 2].map(ask));
    await turns();
    void ask(3);
    await turns();
    expect(sizes()).toEqual([2]);
    begun[0]!.end();
    await turns();
    expect(sizes()).toEqual([2, 1]);
  });

  it('tries the items of a batch that failed one by one', async () => {
    const ask = batched(
      async (items: number[]) => {
        if (items.includes(2)) throw new Error('two');
        return items;
      },
      { most: 10 },
    );
    const results = await Promise.allSettled([1, 2, 3].map(ask));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});
