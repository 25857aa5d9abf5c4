import { FlowCrashes, type Outcome, wrongs } from '@spillway/chaos';
import { BACKENDS } from '@spillway/testing';

/**
 * Workers that die at crash points (libs/workers/src/faults.ts) under a flow with every kind of task. Here a sample;
 * `npm run chaos:flows` takes every point.
 */
describe.each(BACKENDS)('a run whose workers die, on %s', (backend) => {
  let crashes: FlowCrashes;
  let expected: Outcome;

  beforeAll(async () => {
    crashes = await FlowCrashes.start(backend);
    expected = await crashes.run();
  }, 60_000);

  afterAll(() => crashes?.close(), 60_000);

  it('comes to its end when none dies', () => {
    expect(wrongs(expected, expected)).toEqual([]);
    expect(expected).toMatchObject({ status: 'completed', crashes: 0, repeats: 0 });
    expect(expected.output).toMatchObject({
      context: {
        list: { n: 2 },
        heard: 2,
        chosen: true,
        sub: { part: 2 },
        code: '2',
        asked: 7,
        approved: [true, 'chaos'],
        race: { won: true },
      },
    });
    const worker = ['commit', 'publishing', 'taking on', 'emit', 'catch-up', 'add to orchestration-flows'];
    const routing = ['keeping the event', 'hear', 'waking listeners', 'adding the jobs of routes'];
    for (const what of [...worker, ...routing, 'opening', 'question', 'cancel']) {
      expect(expected.points).toEqual(expect.arrayContaining([`before ${what}`, `after ${what}`]));
    }
    for (const what of ['taking the answer', 'waking']) {
      expect(expected.edgePoints).toEqual(expect.arrayContaining([`before ${what}`, `after ${what}`]));
    }
  });

  it('comes to the same end when one dies after another: between a commit, its jobs and an answer', async () => {
    const outcome = await crashes.run(
      { at: 1, only: 'after commit' },
      { at: 1, only: 'after call' },
      { at: 1, only: 'before emit' },
      { at: 1, only: 'after taking on' },
    );
    expect(wrongs(outcome, expected)).toEqual([]);
    expect(outcome.crashes).toBe(4);
  }, 90_000);

  it('comes to the same end when they die while it hears, asks and is answered, and the edge with them', async () => {
    const outcome = await crashes.run(
      { at: 1, only: 'after hear' },
      { at: 1, only: 'before close' },
      { at: 1, only: 'before question' },
      { at: 1, only: 'after taking the answer', edge: true },
    );
    expect(wrongs(outcome, expected)).toEqual([]);
    expect(outcome.crashes).toBe(4);
  }, 90_000);

  it('that froze: its commit is refused when it goes on', async () => {
    const { seq, ...outcome } = await crashes.freeze('before commit', 3);
    expect(wrongs({ ...outcome, crashes: 1 }, expected)).toEqual([]);
    expect(seq[1]).toBe(seq[0]);
  }, 60_000);
});

describe.each(BACKENDS)('a run whose calls go through their queues, and whose workers die, on %s', (backend) => {
  let crashes: FlowCrashes;

  beforeAll(async () => {
    crashes = await FlowCrashes.start(backend, { throughQueues: true });
  }, 60_000);

  afterAll(() => crashes?.close(), 60_000);

  it('comes to the same end', async () => {
    const expected = await crashes.run();
    expect(wrongs(expected, expected)).toEqual([]);
    const outcome = await crashes.run(
      { at: 2, only: 'after add to integration-tasks' },
      { at: 1, only: 'after call' },
      { at: 1, only: 'after publishing' },
    );
    expect(wrongs(outcome, expected)).toEqual([]);
    expect(outcome.crashes).toBe(3);
  }, 90_000);
});
