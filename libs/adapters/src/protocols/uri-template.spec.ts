import { PermanentError } from '@spillway/contracts';
import * as fc from 'fast-check';
import { expandUriTemplate } from './uri-template';

describe('a URI template', () => {
  it.each([
    ['https://x/pets/{petId}', { petId: 1 }, 'https://x/pets/1'],
    ['https://x/{a}/{b}', { a: 'x y/z', b: true }, 'https://x/x%20y%2Fz/true'],
    ['https://x/{pet.id}', { 'pet.id': 7, pet: { id: 8 } }, 'https://x/7'],
    ['https://x/{gone}?q={none}', { none: null }, 'https://x/?q='],
    ['https://x/{toString}', {}, 'https://x/'],
    ['https://x/a/../b', { a: 1 }, 'https://x/a/../b'],
    ['https://x/?v={v}', { v: '..' }, 'https://x/?v=..'],
  ])('%s with %j', (template, input, expected) => {
    expect(expandUriTemplate(template, input)).toBe(expected);
  });

  it.each([
    ['https://x/{a}', { a: {} }],
    ['https://x/{a}', { a: [1] }],
    ['https://x/pets/{a}/delete', { a: '..' }],
    ['https://x/pets/{a}', { a: '.' }],
    ['https://x/pets/{a}{a}', { a: '.' }],
  ])('%s refuses %j', (template, input) => {
    expect(() => expandUriTemplate(template, input)).toThrow(PermanentError);
  });

  it('never lets a value choose another host or leave its path segment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        let expanded: string;
        try {
          expanded = expandUriTemplate('https://shop.test/pets/{id}/toys?x={id}', { id: value });
        } catch {
          return value === '.' || value === '..';
        }
        const url = new URL(expanded);
        expect(url.origin).toBe('https://shop.test');
        expect(url.pathname.split('/')).toHaveLength(4);
        expect(url.pathname).toMatch(/^\/pets\/[^/]*\/toys$/);
        expect(decodeURIComponent(url.pathname.split('/')[2]!)).toBe(value.toWellFormed());
        return url.searchParams.get('x') === value.toWellFormed();
      }),
    );
  });
});
