import { HeldPlans } from './held-plans';
import type { NewFact } from './fact-sink';

const about = { tenant: 'acme', eventId: 'e' };
const job = (id: string) => ({ id, queue: 'integration-tasks', route: 'r', task: 't', target: 0, run: 'run' });
const planned = (id: string): NewFact => ({ ...about, kind: 'job.planned', job: job(id) });
const ended = (id: string, more: object = {}): NewFact => ({
  ...about,
  kind: 'job.ended',
  jobId: id,
  queue: 'integration-tasks',
  state: 'done',
  ...more,
});

describe('plans that are held back', () => {
  let told: NewFact[];
  let fails: boolean;
  let plans: HeldPlans;

  beforeEach(() => {
    jest.useFakeTimers();
    told = [];
    fails = false;
    plans = new HeldPlans(async (facts) => {
      if (fails) throw new Error('away');
      told.push(...facts);
    });
  });

  afterEach(() => jest.useRealTimers());

  it('are not told when the end of their job tells them', async () => {
    expect(plans.pass([planned('a')])).toEqual([]);
    const end = ended('a', { planned: { job: job('a'), at: 1 } });
    expect(plans.pass([end])).toEqual([end]);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(told).toEqual([]);
  });

  it('are told before a fact of their job that does not tell them', () => {
    plans.pass([planned('a'), planned('b')]);
    expect(plans.pass([ended('a')])).toEqual([planned('a'), ended('a')]);
    expect(plans.pass([ended('a')])).toEqual([ended('a')]);
  });

  it('are told in time when their job goes on', async () => {
    plans.pass([planned('a')]);
    await jest.advanceTimersByTimeAsync(900);
    expect(told).toEqual([]);
    await jest.advanceTimersByTimeAsync(1_200);
    expect(told).toEqual([planned('a')]);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(told).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('are told again when they could not be told', async () => {
    fails = true;
    plans.pass([planned('a')]);
    await jest.advanceTimersByTimeAsync(3_000);
    fails = false;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(told).toEqual([planned('a')]);
  });

  it('are told when the process ends', async () => {
    plans.pass([planned('a'), planned('b')]);
    await plans.close();
    expect(told).toEqual([planned('a'), planned('b')]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
