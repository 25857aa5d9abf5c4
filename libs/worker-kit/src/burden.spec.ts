import { Burden, payloadOf } from './burden';

describe('what a worker carries', () => {
  it('is full from so many bytes on, tells when that changes, and is empty at the end, also after a failure', async () => {
    const seen: boolean[] = [];
    const burden: Burden = new Burden(() => seen.push(burden.isFull), 100);
    const ends: (() => void)[] = [];
    const held = (bytes: number) => burden.carry(bytes, () => new Promise<void>((resolve) => ends.push(resolve)));
    const first = held(60);
    expect(seen).toEqual([]);
    const second = held(40);
    expect(seen).toEqual([true]);
    ends[0]!();
    await first;
    expect(seen).toEqual([true, false]);
    await expect(burden.carry(60, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(seen).toEqual([true, false, true, false]);
    ends[1]!();
    await second;
    expect(burden.isFull).toBe(false);
  });

  it('knows the size of what is one text, and of an event that was taken in', () => {
    expect(payloadOf({ $sealed: 'x'.repeat(10) }, {})).toBe(10);
    expect(payloadOf({ $signed: 'x'.repeat(20) }, {})).toBe(20);
    expect(payloadOf({}, { body: { bytes: 30 } })).toBe(30);
    expect(payloadOf({}, {})).toBe(0);
  });
});
