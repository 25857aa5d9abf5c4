import { createSecretKey } from 'node:crypto';
import * as fc from 'fast-check';
import { type DataKey, keyIdOf, openBytes, openText, type Place, sealBytes, sealText } from './envelope';

const aKey = fc
  .record({
    id: fc.stringMatching(/^[\w-]{1,12}$/),
    tenant: fc.string(),
    seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  })
  .map(({ id, tenant, seed }): DataKey => ({ id, tenant, secret: createSecretKey(Buffer.from(seed)) }));
const aPlace: fc.Arbitrary<Place> = fc.tuple(fc.string(), fc.oneof(fc.string(), fc.nat()), fc.string());
const REFUSED = expect.objectContaining({ code: 'data-unreadable', class: 'permanent' }) as Error;

it('gives back what it was given', () => {
  fc.assert(
    fc.property(aKey, aPlace, fc.string({ unit: 'binary' }), fc.uint8Array(), (key, place, text, bytes) => {
      const sealed = sealText(key, place, text);
      expect(keyIdOf(sealed)).toBe(key.id);
      expect(openText(key, place, sealed)).toBe(Buffer.from(text).toString());
      expect(openBytes(key, place, sealBytes(key, place, Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
});

it('refuses every change of one bit, and what was cut off', () => {
  fc.assert(
    fc.property(aKey, aPlace, fc.uint8Array(), fc.nat(), fc.nat(), (key, place, bytes, at, cut) => {
      const sealed = sealBytes(key, place, Buffer.from(bytes));
      const changed = Buffer.from(sealed);
      changed[(at >> 3) % sealed.length]! ^= 1 << (at & 7);
      expect(() => openBytes(key, place, changed)).toThrow(REFUSED);
      expect(() => openBytes(key, place, sealed.subarray(0, cut % sealed.length))).toThrow(REFUSED);
    }),
  );
});

it('opens for no other tenant, key or place', () => {
  fc.assert(
    fc.property(aKey, aKey, aPlace, aPlace, fc.string(), (key, other, place, elsewhere, text) => {
      const sealed = sealText(key, place, text);
      fc.pre(key.tenant !== other.tenant && key.id !== other.id && !key.secret.equals(other.secret));
      fc.pre(JSON.stringify(place) !== JSON.stringify(elsewhere));
      expect(() => openText({ ...key, tenant: other.tenant }, place, sealed)).toThrow(REFUSED);
      expect(() => openText({ ...key, id: other.id }, place, sealed)).toThrow(REFUSED);
      expect(() => openText({ ...key, secret: other.secret }, place, sealed)).toThrow(REFUSED);
      expect(() => openText(key, elsewhere, sealed)).toThrow(REFUSED);
    }),
  );
});

it('seals the same twice to something else', () => {
  const key = { id: 'k', tenant: 't', secret: createSecretKey(Buffer.alloc(32)) };
  const sealed = Array.from({ length: 1_000 }, () => sealText(key, ['event', 'e'], 'same').slice(2, 18));
  expect(new Set(sealed).size).toBe(1_000);
});
