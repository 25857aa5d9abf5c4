import { differences } from './differences';

describe('differences between two values', () => {
  it('are none where they are the same', () => {
    const value = { a: [1, { b: null }], c: 'text' };
    expect(differences('output', value, structuredClone(value))).toEqual([]);
  });

  it('name each place', () => {
    const expected = { a: [1, { b: null }], c: 'text', 'd e': true, f: [] };
    const received = { a: [2, { b: false, x: 1 }, 3], 'd e': { deep: true }, f: {} };
    expect(differences('output', expected, received)).toEqual([
      'output.a[0]: expected 1, received 2',
      'output.a[1].b: expected null, received false',
      'output.a[1].x: not expected, received 1',
      'output.a[2]: not expected, received 3',
      'output.c: expected "text", received nothing',
      'output["d e"]: expected true, received {"deep":true}',
      'output.f: expected [], received {}',
    ]);
  });

  it('pass over what is there besides, where a part is enough', () => {
    expect(differences('error', { a: { b: 1 } }, { a: { b: 1, c: 2 }, d: 3 }, true)).toEqual([]);
    expect(differences('error', { a: 1 }, undefined, true)).toEqual(['error: expected {"a":1}, received nothing']);
  });
});
