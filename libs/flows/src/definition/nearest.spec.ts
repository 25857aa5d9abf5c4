import fc from 'fast-check';
import { didYouMean, nearest } from './nearest';

describe('the name that was meant', () => {
  it.each([
    ['wiht', ['with', 'width'], 'with'],
    ['Metod', ['method', 'metadata'], 'method'],
    ['shp', ['skip', 'ship'], 'ship'],
    ['notfy', ['notify'], 'notify'],
    ['a', ['b'], 'b'],
    ['charge', ['refund', 'ship'], undefined],
    ['', [], undefined],
    ['x'.repeat(41), ['x'.repeat(40)], undefined],
  ])('%s of %j', (name, names, meant) => expect(nearest(name, names)).toBe(meant));

  it('is said, or nothing is', () => {
    expect(didYouMean('wiht', ['with'])).toBe('; did you mean "with"?');
    expect(didYouMean('wiht', ['endpoint'])).toBe('');
  });

  it('is found after one letter is lost, added, changed or swapped', () => {
    const word = fc.stringMatching(/^[a-z]{4,30}$/);
    fc.assert(
      fc.property(word, fc.nat(), fc.stringMatching(/^[a-z]$/), (name, seed, letter) => {
        const at = seed % (name.length - 1);
        const [before, after] = [name.slice(0, at), name.slice(at)];
        const slips = [
          before + after.slice(1),
          before + letter + after,
          before + letter + after.slice(1),
          before + after[1]! + after[0]! + after.slice(2),
        ];
        for (const slip of slips) expect(nearest(slip, ['-'.repeat(name.length), name])).toBe(name);
      }),
    );
  });
});
