import { failure, Machine, nameOf, run, tasksThat } from '../testing/flows';

/** A call and how it is undone. */
const step = (name: string, more = '') => `
  - ${name}:
      call: crm.upsert
      with: { n: "\${ .n }" }
      ${more}
      metadata:
        compensate: { call: crm.remove, with: { input: "\${ .input.n }", output: "\${ .output }", error: "\${ .error.status }" } }`;
const trip = `
do:${step('flight', 'input: { from: "{ n: 1 }" }')}${step('hotel', 'input: { from: "{ n: 2 }" }')}
  - pay: { call: crm.pay, with: {} }`;
const undone = (calls: { call: string; with: unknown }[]) =>
  calls.filter(({ call }) => call === 'crm.remove').map((call) => call.with);

describe('compensation', () => {
  it('undoes what is done, newest first, with the input and output of each, and the run is faulted then', async () => {
    const answers = { flight: 'F', hotel: 'H', pay: failure('communication', 502) };
    const { state, calls, happenings } = await run(trip, { answers });
    expect(undone(calls)).toEqual([
      { input: 2, output: 'H', error: 502 },
      { input: 1, output: 'F', error: 502 },
    ]);
    expect(state).toMatchObject({ status: 'faulted', error: { status: 502, instance: '/do/2/pay' } });
    expect(state.failed).toBeUndefined();
    expect(tasksThat('completed', happenings)).toEqual(['flight', 'hotel', 'undo hotel', 'undo flight']);
    expect(happenings.map(({ what }) => what)).toContain('compensating');
  });

  it('does not undo what is not done, nor anything of a run that completes', async () => {
    const { calls } = await run(trip, { answers: { flight: 'F', hotel: failure('communication', 500) } });
    expect(undone(calls)).toEqual([{ input: 1, output: 'F', error: 500 }]);
    expect(undone((await run(trip)).calls)).toEqual([]);
  });

  it('does not undo what was done within a try that caught the error: the run goes on', async () => {
    const body = `
do:
  - guard:
      try:${step('flight').replaceAll('\n', '\n      ')}
        - pay: { call: crm.pay, with: {} }
      catch: {}
  - after: { call: crm.pay, with: {} }`;
    const caught = await run(body, { answers: { pay: failure('communication', 500) } });
    expect([caught.state.status, undone(caught.calls)]).toEqual(['completed', []]);
    const answers = { pay: failure('communication', 500), after: failure('communication', 500), flight: 'F' };
    expect(undone((await run(body, { answers })).calls)).toHaveLength(1);
  });

  it('an undo that fails does not stop the others', async () => {
    const answers = { flight: 'F', hotel: 'H', pay: failure('communication', 502) };
    const body = trip.replace(
      'call: crm.remove, with: { input: "${ .input.n }"',
      'call: crm.remove, with: { input: "${ .input.n / (.input.n - 1) }"',
    );
    const { state, happenings, calls } = await run(body, { answers });
    expect(state).toMatchObject({ status: 'faulted', error: { status: 502 } });
    expect(tasksThat('faulted', happenings)).toEqual(['pay', 'undo flight']);
    expect(undone(calls)).toHaveLength(1);
  });

  it('calls off what an undo that fails still waits for, and goes on with the next', () => {
    const fork = '{ fork: { branches: [{ slow: { call: crm.remove, with: {} } }, { bad: { set: "${ error }" } }] } }';
    const body = `
do:
  - a: { set: { id: 1 }, metadata: { compensate: { call: crm.remove, with: { id: "\${ .output.id }" } } } }
  - b: { set: { id: 2 }, metadata: { compensate: ${fork} } }
  - fail: { raise: { error: { type: "https://x.example/e", status: 400 } } }`;
    const machine = new Machine(body);
    const [slow, forgotten, next] = machine.last;
    expect(forgotten).toEqual({ kind: 'forget', node: slow!.node });
    expect(next).toMatchObject({ kind: 'call', with: { id: 1 } });
    expect(machine.active()).toEqual(['undo a']);
    machine.give({ kind: 'answer', node: next!.node, output: null });
    expect(machine.state).toMatchObject({ status: 'faulted', error: { status: 400, instance: '/do/2/fail' } });
  });

  it('happens on cancel too, and then the run is cancelled', () => {
    const machine = new Machine(trip).answer('flight', 'F').answer('hotel', 'H');
    const pay = machine.waiting('pay');
    machine.give({ kind: 'cancel', reason: 'the customer said no' });
    expect(machine.last).toMatchObject([
      { kind: 'forget', node: pay },
      { kind: 'call', with: { output: 'H' } },
    ]);
    expect(machine.state.status).toBe('running');
    const undo = () => machine.last.find(({ kind }) => kind === 'call')!.node;
    machine.give({ kind: 'answer', node: undo(), output: null });
    machine.give({ kind: 'cancel' });
    expect(machine.last).toEqual([]);
    machine.give({ kind: 'answer', node: machine.commands.at(-1)!.node, output: null });
    expect(machine.state).toMatchObject({ status: 'cancelled', error: { detail: 'the customer said no' } });
  });

  it('undoes each iteration with the variables it had', async () => {
    const body = `
do:
  - loop:
      for: { in: "[1, 2, 3]", each: n }
      do:
        - add: { call: crm.add, with: {}, metadata: { compensate: { call: crm.remove, with: { n: "\${ $n }", i: "\${ $index }" } } } }
  - fail: { raise: { error: { type: "https://x.example/e", status: 400 } } }`;
    expect(undone((await run(body)).calls)).toEqual([
      { n: 3, i: 2 },
      { n: 2, i: 1 },
      { n: 1, i: 0 },
    ]);
  });

  it('may be a list of tasks, with waits, and is not undone itself', async () => {
    const body = `
do:
  - add:
      set: { id: 7 }
      metadata:
        compensate:
          - pause: { wait: PT1M }
          - remove: { call: crm.remove, with: { id: "\${ .output.id }" }, metadata: { compensate: { call: crm.remove, with: { wrong: true } } } }
  - fail: { raise: { error: { type: "https://x.example/e", status: 400 } } }`;
    const { calls, tookMs } = await run(body);
    expect(undone(calls)).toEqual([{ id: 7 }]);
    expect(tookMs).toBe(60_000);
  });

  it('is not cut short by the timeout of the workflow, when that has not passed yet', async () => {
    const { happenings, tookMs } = await run(`timeout: { after: PT1M }\n${trip.trim()}`, {
      answers: { pay: failure('communication', 502) },
      takesMs: (command) => (nameOf(command.path) === 'compensate' ? 50_000 : 0),
    });
    expect(tasksThat('completed', happenings)).toEqual(['flight', 'hotel', 'undo hotel', 'undo flight']);
    expect(tookMs).toBe(100_000);
  });

  it('is not cut short by the timeout of the workflow that caused it', async () => {
    const { state, calls } = await run(`timeout: { after: PT1M }\n${trip.trim()}`, {
      takesMs: (command) => (nameOf(command.path) === 'pay' ? Infinity : 20_000),
    });
    expect(undone(calls)).toHaveLength(2);
    expect(state.error).toMatchObject({ status: 408 });
  });
});
