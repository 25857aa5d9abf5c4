import { BACKENDS } from '@spillway/testing';
import type { LaneJob } from '../lane-store';
import { Servers, TOKEN, type World } from './world';

describe.each(BACKENDS)('the order in which lanes give their jobs, on %s', (backend) => {
  let servers: Servers;
  let world: World;

  beforeAll(async () => {
    servers = await Servers.start(backend);
  }, 60_000);

  beforeEach(async () => {
    world = servers.world(5_000);
    // The window is 4: so many may be taken in the order in which they came. What follows is about more.
    await world.store.register('w', 2, Date.now() + 3_600_000);
    await world.store.add([...jobs('first', 4)]);
    await take(4);
  });

  afterEach(() => world.close());
  afterAll(() => servers?.close());

  /** Ids of the next jobs; each is done as soon as it is taken. */
  async function take(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let job = await world.take(); job && ids.push(job.id!) < count; job = await world.take())
      await job.moveToCompleted('done', TOKEN, false);
    return ids;
  }

  async function addEach(...lists: LaneJob[][]): Promise<void> {
    for (const list of lists)
      for (let at = 0; at < list.length; at += 50) await world.store.add(list.slice(at, at + 50));
  }

  const of = (lane: string, ids: string[]) => ids.filter((id) => id.startsWith(`${lane}-`)).length;
  const spilled = async () => (await world.store.list(100)).spilled;

  it('shares by weight, and spills nothing for it', async () => {
    await addEach(jobs('one', 40), jobs('two', 40, { weight: 2 }), jobs('four', 40, { weight: 4 }));
    expect(await spilled()).toBe(0);
    const ids = await take(70);
    expect([of('one', ids), of('two', ids), of('four', ids)].map((count) => Math.round(count / 10))).toEqual([1, 2, 4]);
  });

  it("another lane's job is next, whatever backlog there is", async () => {
    await addEach(jobs('many', 300), jobs('few', 1));
    expect(await world.store.waiting('many', 1_000)).toBeGreaterThan(290);
    expect(of('few', await take(6))).toBe(1);
  });

  it('an urgent job comes before others of its lane, and not before its turn among lanes', async () => {
    await addEach(jobs('a', 30), jobs('b', 30));
    const urgent = { ...jobs('a', 1)[0]! };
    await world.store.add([{ ...urgent, opts: { ...urgent.opts, jobId: 'a-urgent', priority: 1 } }]);
    const ids = await take(20);
    expect(ids.indexOf('a-urgent')).toBeLessThan(6);
    // It took one turn of its lane ahead of time, beside the four that came first.
    expect(Math.abs(of('a', ids) - of('b', ids))).toBeLessThanOrEqual(6);
  });

  it('a change of policies reaches jobs that have their place in the queue', async () => {
    await addEach(jobs('a', 60), jobs('b', 60));
    await world.store.configure(new Map([['b', { weight: 1, cap: 0 }]]));
    expect(of('b', await take(20))).toBe(0);
    await world.store.configure(new Map([['b', { weight: 3 }]]));
    const ids = await take(20);
    expect(of('b', ids)).toBeGreaterThanOrEqual(14);
    // In the order in which they came.
    const numbers = ids.filter((id) => id.startsWith('b-')).map((id) => Number(id.slice(2)));
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  });

  it('a job that BullMQ tries again has its turn among those that came meanwhile', async () => {
    await addEach(jobs('a', 2), jobs('b', 30));
    const job = (await world.take())!;
    await job.moveToFailed(new Error('not now'), TOKEN, false);
    await new Promise((resolve) => setTimeout(resolve, 5));
    // BullMQ's own timer lets it in when the next one is taken.
    await take(1);
    await world.store.pump([], 16);
    expect(await take(8)).toContain(job.id);
  });
});

function jobs(lane: string, count: number, policy: { weight?: number } = {}): LaneJob[] {
  return Array.from({ length: count }, (_, index) => ({
    name: 'n',
    data: {},
    json: '{}',
    opts: { jobId: `${lane}-${index}`, attempts: 3, priority: 3, backoff: { type: 'fixed', delay: 1 } },
    place: { lane, ...policy },
  }));
}
