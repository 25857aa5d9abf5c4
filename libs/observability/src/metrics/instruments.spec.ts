import fc from 'fast-check';
import { Counter, Histogram } from './instruments';

const names = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ add: names }) },
  fc.record({ fold: names, to: names }),
  fc.record({ clear: fc.constant(true) }),
);

describe('an instrument', () => {
  it('counts each series by itself, whichever was counted, folded or forgotten before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const counter = new Counter({ name: 'x', unit: '1', description: '' });
        const model = new Map<string, number>();
        const count = (name: string, value: number) => model.set(name, (model.get(name) ?? 0) + value);
        for (const one of steps) {
          if ('clear' in one) {
            counter.clear();
            model.clear();
          } else if ('fold' in one) {
            counter.fold(one.fold, one.to);
            const value = model.get(one.fold);
            model.delete(one.fold);
            if (value !== undefined) count(one.to, value);
          } else {
            counter.add(1, one.add);
            count(one.add, 1);
          }
        }
        const told = new Map(counter.series().map(({ labels, point }) => [labels.join(), point.value]));
        expect(told).toEqual(model);
      }),
    );
  });

  it('tells labels apart that begin alike', () => {
    const histogram = new Histogram({ name: 'x', unit: 's', description: '' });
    for (const labels of [['a', 'b'], ['a', 'b'], ['a'], ['a', 'c'], ['a', 'b']]) histogram.record(1, ...labels);
    const told = histogram.series().map(({ labels, point }) => [...labels, point.count]);
    expect(told).toEqual([
      ['a', 'b', 3],
      ['a', 1],
      ['a', 'c', 1],
    ]);
  });
});
