import { standardErrorUri } from '../definition/standard-errors';
import { anEvent, failure, Machine, NOON, run, tasksThat } from '../testing/flows';

const ASK = '{ call: crm.find, with: {} }';
const timeout = { type: standardErrorUri('timeout'), status: 408, title: 'Timeout Error' };

describe('a timeout', () => {
  it('of a task is its error, and forgets what it asked for', () => {
    const machine = new Machine(`do: [{ ask: { call: crm.find, with: {}, timeout: { after: PT5S } } }]`);
    const asked = machine.waiting('ask');
    expect(machine.wakeAt).toBe(NOON + 5_000);
    expect(machine.later(4_999).state.status).toBe('running');
    machine.later(1);
    expect(machine.state).toMatchObject({
      status: 'faulted',
      error: { ...timeout, instance: '/do/0/ask', detail: 'the task "ask" took longer than it may' },
    });
    expect(machine.last).toEqual([{ kind: 'forget', node: asked }]);
  });

  it('may be one of use.timeouts, and an expression', async () => {
    const body = `
      use: { timeouts: { short: { after: "\${ .most }" } } }
      do: [{ ask: { call: crm.find, with: {}, timeout: short } }]`;
    const { state, tookMs } = await run(body, { input: { most: 'PT2S' }, takesMs: () => Infinity });
    expect([state.error?.status, tookMs]).toEqual([408, 2_000]);
  });

  it('of a task that holds others cancels all that is inside', () => {
    const body = `
      do:
        - outer:
            timeout: { after: PT5S }
            fork:
              branches:
                - a: ${ASK}
                - b: { do: [{ pause: { wait: PT1H } }] }
                - c: { listen: { to: { one: { with: { type: x } } } } }
                - d: { run: { workflow: { namespace: a, name: b, version: 1.0.0 } } }`;
    const machine = new Machine(body);
    const ids = machine.last.map(({ node }) => node);
    machine.later(5_000);
    expect(machine.last).toEqual(ids.map((node) => ({ kind: 'forget', node })));
    expect(machine.state.error).toMatchObject({ instance: '/do/0/outer' });
    expect(tasksThat('cancelled', machine.happenings)).toEqual(['a', 'pause', 'b', 'c', 'd']);
  });

  it('inside another: the shorter one counts', async () => {
    const body = (outer: string, inner: string) =>
      `do: [{ outer: { timeout: { after: ${outer} }, do: [{ ask: { call: crm.find, with: {}, timeout: { after: ${inner} } } }] } }]`;
    for (const [outer, inner, instance, ms] of [
      ['PT5S', 'PT1M', '/do/0/outer', 5_000],
      ['PT1M', 'PT5S', '/do/0/outer/do/0/ask', 5_000],
      ['PT5S', 'PT5S', '/do/0/outer', 5_000],
    ] as const) {
      const { state, tookMs } = await run(body(outer, inner), { takesMs: () => Infinity });
      expect([state.error?.instance, tookMs]).toEqual([instance, ms]);
    }
  });

  it('that passes together with one inside it calls everything off once', () => {
    const body = `do: [{ outer: { timeout: { after: PT5S }, do: [{ ask: { call: crm.find, with: {}, timeout: { after: PT5S } } }] } }]`;
    const machine = new Machine(body);
    const node = machine.waiting('ask');
    expect(machine.later(5_000).last).toEqual([{ kind: 'forget', node }]);
  });

  it('is caught by a try around the task, and not by a try inside it', async () => {
    const body = `
      do:
        - outer:
            try:
              - slow:
                  timeout: { after: PT5S }
                  try: [{ ask: ${ASK} }]
                  catch: { do: [{ wrong: { set: { by: inner } } }] }
            catch: { errors: { with: { status: 408 } }, do: [{ right: { set: { by: outer, at: "\${ $error.instance }" } } }] }`;
    const { state } = await run(body, { takesMs: () => Infinity });
    expect(state.output).toEqual({ by: 'outer', at: '/do/0/outer/try/0/slow' });
  });

  it('of a try is not caught by itself, whatever its name', async () => {
    const body = `do: [{ try: { timeout: { after: PT5S }, try: [{ ask: ${ASK} }], catch: {} } }]`;
    const { state } = await run(body, { takesMs: () => Infinity });
    expect(state.error).toMatchObject({ status: 408, instance: '/do/0/try' });
  });

  it('of a try counts over all its tries, and of what is tried for each', async () => {
    const body = (outer: string, inner: string) => `
      do:
        - guard:
            ${outer}
            try: [{ ask: { call: crm.find, with: {} ${inner} } }]
            catch: { retry: { delay: PT1S, limit: { attempt: { count: 3 } } } }`;
    const slow = { takesMs: () => Infinity };
    expect((await run(body('', ', timeout: { after: PT5S }'), slow)).tookMs).toBe(4 * 5_000 + 3 * 1_000);
    expect((await run(body('timeout: { after: PT8S }', ', timeout: { after: PT5S }'), slow)).tookMs).toBe(8_000);
  });

  it('ends a wait, a listening, and its foreach', async () => {
    const events = [anEvent('x')];
    for (const task of [
      'wait: PT1H',
      'listen: { to: { one: { with: { type: y } } } }',
      `listen: { to: { one: { with: { type: x } } } }, foreach: { do: [{ ask: ${ASK} }] }`,
    ]) {
      const { state, tookMs } = await run(`do: [{ slow: { timeout: { after: PT5S }, ${task} } }]`, {
        events,
        takesMs: () => Infinity,
      });
      expect([state.error?.instance, tookMs]).toEqual(['/do/0/slow', 5_000]);
    }
  });

  it('does not touch a task that ends in time, or an answer that comes with the wake-up', () => {
    const body = `do: [{ ask: { call: crm.find, with: {}, timeout: { after: PT5S } } }, { pause: { wait: PT1H } }]`;
    const machine = new Machine(body);
    machine.now += 6_000;
    machine.answer('ask', 1);
    expect(machine.active()).toEqual(['pause']);
    expect(machine.later(3_600_000).state).toMatchObject({ status: 'completed', output: 1 });
  });

  it('of the workflow faults the run, wherever it is, and no try helps', async () => {
    const body = `
      timeout: { after: PT30S }
      do: [{ guard: { try: [{ pause: { wait: PT1M } }], catch: {} } }]`;
    const { state, tookMs } = await run(body);
    expect(state).toMatchObject({
      status: 'faulted',
      error: { ...timeout, instance: '', detail: 'the workflow took longer than it may' },
    });
    expect(tookMs).toBe(30_000);
  });

  it('of the workflow may be an expression over its input', async () => {
    const { tookMs } = await run('timeout: { after: "${ .most }" }\ndo: [{ pause: { wait: PT1M } }]', {
      input: { most: 'PT3S' },
    });
    expect(tookMs).toBe(3_000);
  });

  it('a failure in time is the failure', async () => {
    const { state } = await run(`do: [{ ask: { call: crm.find, with: {}, timeout: { after: PT5S } } }]`, {
      answers: { ask: failure('communication', 503) },
      takesMs: () => 4_000,
    });
    expect(state.error?.status).toBe(503);
  });
});
