import { payloadOf, Room } from './room';

/** Jobs that run until they are told to end. */
function roomOf(options: { concurrency: number; partitions: number; mostBytes: number }) {
  const told: number[][] = [];
  const room = new Room({ ...options, onChange: (most) => told.push(most) });
  const begin = (partition: number, bytes: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ended = room.take(partition, (hold) => {
      hold(bytes);
      return promise;
    });
    return async () => {
      resolve();
      await ended;
    };
  };
  return { room, told, begin };
}

describe('the room for jobs in a process', () => {
  it('is not told of again and again where one partition has it alone', async () => {
    const { room, told, begin } = roomOf({ concurrency: 10, partitions: 1, mostBytes: 100 });
    const end = begin(0, 10);
    await end();
    expect(told).toEqual([]);
    expect(room.most).toEqual([10]);
  });

  it('leaves to a partition what the others do not use', async () => {
    const { room, told, begin } = roomOf({ concurrency: 10, partitions: 2, mostBytes: 100 });
    const end = begin(0, 10);
    expect(told).toEqual([[10, 9]]);
    await end();
    expect(room.most).toEqual([10, 10]);
  });

  it('keeps places for jobs that were asked for, until they begin or do not come', async () => {
    const { room, begin } = roomOf({ concurrency: 10, partitions: 2, mostBytes: 100 });
    room.expect(0, 8);
    // The even share is everybody's.
    expect(room.most).toEqual([10, 5]);
    const end = begin(0, 1);
    room.expect(0, -1);
    expect(await room.enter(0)).toBe(true);
    expect(await room.enter(0)).toBe(true);
    expect(await room.enter(0)).toBe(false);
    const waiting = room.enter(1_000);
    room.expect(0, -7);
    expect(await waiting).toBe(true);
    await end();
    for (let n = 0; n < 3; n += 1) room.leave();
    expect(room.most).toEqual([10, 10]);
  });

  it('has none for more jobs from so many bytes on, and all of it again at the end', async () => {
    const { room, begin } = roomOf({ concurrency: 10, partitions: 1, mostBytes: 100 });
    const first = begin(0, 60);
    expect(room.most).toEqual([10]);
    const second = begin(0, 40);
    expect(room.most).toEqual([2]);
    await first();
    expect(room.most).toEqual([10]);
    await second();
    expect(room.most).toEqual([10]);
  });

  it('tells when it becomes full and when it has room again, also after a failure', async () => {
    const { told, room } = roomOf({ concurrency: 10, partitions: 1, mostBytes: 100 });
    const failing = room.take(0, async (hold) => {
      hold(100);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(told).toEqual([[1], [10]]);
  });

  it('is shared with jobs that do not come through the queue', async () => {
    const { room, begin } = roomOf({ concurrency: 3, partitions: 1, mostBytes: 100 });
    const end = begin(0, 0);
    expect([await room.enter(0), await room.enter(0), await room.enter(0)]).toEqual([true, true, false]);
    expect(room.most).toEqual([1]);
    await end();
    // A worker cannot be told to run none: a place is left to it.
    expect(await room.enter(0)).toBe(false);
    const waiting = room.enter(1_000);
    room.leave();
    expect(await waiting).toBe(true);
    for (let n = 0; n < 2; n += 1) room.leave();
    expect(room.most).toEqual([3]);
  });

  it('is for nobody else while so many bytes are held', async () => {
    const { room, begin } = roomOf({ concurrency: 3, partitions: 1, mostBytes: 100 });
    const end = begin(0, 100);
    expect(await room.enter(0)).toBe(false);
    await end();
    expect(await room.enter(0)).toBe(true);
  });
});

describe('the size of a payload', () => {
  it('is known of what is one text, and of an event that was taken in', () => {
    expect(payloadOf({ $sealed: 'x'.repeat(10) }, {})).toBe(10);
    expect(payloadOf({ $signed: 'x'.repeat(20) }, {})).toBe(20);
    expect(payloadOf({}, { body: { bytes: 30 } })).toBe(30);
    expect(payloadOf({}, {})).toBe(0);
  });
});
