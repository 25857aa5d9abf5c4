import fc from 'fast-check';
import { isId, isIdOfContent, newEventId, newId, sha256, timeOfId } from './ids';

describe('an id', () => {
  it('is a UUIDv7 that tells its time', () => {
    const now = 1_795_200_000_123;
    const id = newId(now);
    expect(isId(id)).toBe(true);
    expect(timeOfId(id)).toBe(now);
  });

  it('sorts in the order in which ids were made, also within one millisecond', () => {
    const ids = Array.from({ length: 20_000 }, () => newId());
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('an event id', () => {
  it('knows its content from other content', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        fc.pre(one !== other);
        const id = newEventId(sha256(one));
        expect(isId(id)).toBe(true);
        expect(isIdOfContent(id, sha256(one))).toBe(true);
        expect(isIdOfContent(id, sha256(other))).toBe(false);
      }),
    );
  });

  it('differs for the same content each time', () => {
    const digest = sha256('same');
    expect(new Set(Array.from({ length: 10_000 }, () => newEventId(digest))).size).toBe(10_000);
  });
});
