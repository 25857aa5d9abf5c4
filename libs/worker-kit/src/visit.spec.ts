import type { JobData, NewFact, Queues } from '@spillway/queues';
import type { NextJob } from './handler';
import { type Colleague, OnTheSpot } from './on-the-spot';

type Data = JobData['integration-tasks'];

const data = { meta: { tenant: 't' } } as Data;
const job = (id: string): NextJob => ({ queue: 'integration-tasks', id, data });

/** Two workers of a process whose queues are free. */
function world({ concurrency = 2 } = {}) {
  const recorded: NewFact[][] = [];
  const taken = { 'ingress-events': 0, 'integration-tasks': 0 };
  const queues = {
    partitions: { of: () => 0 },
    queue: () => ({}),
    backend: { atHand: () => Promise.resolve({ isPaused: false, ready: 0 }) },
    catalogue: { 'integration-tasks': { concurrency } },
    lanes: { placeOf: () => undefined, capOf: () => undefined },
  } as unknown as Queues;
  const spot = new OnTheSpot(queues, {
    record: (facts: NewFact[]) => Promise.resolve(void recorded.push(facts)),
  } as never);
  const colleague = (queue: keyof typeof taken, doNext: Colleague['doNext'] = () => Promise.resolve([])) => {
    const one = {
      queue,
      concurrency: queue === 'ingress-events' ? 4 : concurrency,
      isClosing: false,
      enter: () => Promise.resolve(taken[queue] < concurrency && (taken[queue] += 1) > 0),
      leave: () => void (taken[queue] -= 1),
      doNext,
    };
    spot.join(one);
    return one;
  };
  return { spot, colleague, taken, recorded };
}

describe('what is done in the place of a job', () => {
  it('gives back what was taken for jobs that were not done then, and takes nothing more', async () => {
    const { spot, colleague, taken } = world();
    const visit = spot.visit(colleague('ingress-events'));
    colleague('integration-tasks');
    expect(await visit.mayGoOn('integration-tasks', data)).toBe(true);
    expect(taken['integration-tasks']).toBe(1);
    const late = visit.mayGoOn('integration-tasks', data);
    await visit.leave();
    expect(await late).toBe(false);
    expect(await visit.mayGoOn('integration-tasks', data)).toBe(false);
    expect(taken['integration-tasks']).toBe(0);
    // The host's own place, too.
    const next = spot.visit(colleague('ingress-events'));
    expect(await next.mayGoOn('integration-tasks', data)).toBe(true);
  });

  it('is one after the other, in one place', async () => {
    const { spot, colleague, taken } = world({ concurrency: 1 });
    const done: string[] = [];
    const visit = spot.visit(colleague('ingress-events'));
    colleague('integration-tasks', async ({ id }, _, mayGoOn) => {
      done.push(`${id} ${taken['integration-tasks']}`);
      const may = [await mayGoOn('integration-tasks', data), await mayGoOn('integration-tasks', data)];
      // There is the one place that it has itself.
      expect(may).toEqual([true, false]);
      return id === 'c' ? [] : [job(id === 'a' ? 'b' : 'c')];
    });
    expect(await visit.mayGoOn('integration-tasks', data)).toBe(true);
    await visit.do([job('a')]);
    expect(done).toEqual(['a 1', 'b 1', 'c 1']);
    expect(taken['integration-tasks']).toBe(0);
    await visit.leave();
    expect(taken['integration-tasks']).toBe(0);
  });

  it('is told together, in the order in which it happened', async () => {
    const { spot, colleague, recorded } = world();
    const visit = spot.visit(colleague('ingress-events'));
    const fact = (eventId: string): NewFact => ({ kind: 'run.ended', tenant: 't', eventId, runId: 'r' });
    visit.tell([fact('1')]);
    visit.tell([fact('2')]);
    await visit.tellAll();
    visit.tell([fact('3')]);
    await visit.tellAll();
    expect(recorded.map((facts) => facts.map(({ eventId }) => eventId))).toEqual([['1', '2'], ['3']]);
  });
});
