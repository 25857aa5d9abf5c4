import { Places } from './places';

describe('places', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('are as many as there are; who does not wait hears so at once', async () => {
    const places = new Places((taken) => taken < 2);
    expect([await places.take(0), await places.take(0), await places.take(0)]).toEqual([true, true, false]);
    places.give();
    expect(await places.take(0)).toBe(true);
  });

  it('go to who waits longest, and to nobody who came later', async () => {
    const places = new Places((taken) => taken < 1);
    await places.take(0);
    const order: string[] = [];
    const waiting = ['a', 'b'].map((name) => places.take(100).then((got) => order.push(`${name} ${got}`)));
    expect(await places.take(0)).toBe(false);
    places.give();
    places.give();
    await Promise.all(waiting);
    expect(order).toEqual(['a true', 'b true']);
    expect(places.taken).toBe(1);
  });

  it('are waited for no longer than was said, and after that by nobody for a second', async () => {
    const places = new Places((taken) => taken < 1);
    await places.take(0);
    const late = places.take(100);
    await jest.advanceTimersByTimeAsync(100);
    expect(await late).toBe(false);
    expect(await places.take(100)).toBe(false);
    await jest.advanceTimersByTimeAsync(1_000);
    const patient = places.take(100);
    places.give();
    expect(await patient).toBe(true);
  });

  it('are given when something else makes one free', async () => {
    let most = 0;
    const places = new Places((taken) => taken < most);
    const waiting = places.take(100);
    most = 1;
    places.look();
    expect(await waiting).toBe(true);
  });
});
