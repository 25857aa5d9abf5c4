import { anEvent, failure, flowOf, Machine } from '../testing/flows';

const ASK = '{ call: crm.find, with: {} }';
const down = failure('communication', 503);

describe('answers', () => {
  it('that come twice, late, or for what never asked are passed over', () => {
    const machine = new Machine(`do: [{ ask: ${ASK} }, { again: ${ASK} }]`);
    const first = machine.waiting('ask');
    machine.answer('ask', 1);
    const before = structuredClone(machine.state);
    machine
      .give({ kind: 'answer', node: first, output: 2 }, { kind: 'failure', node: first, error: down.error })
      .give({ kind: 'answer', node: 999, output: 2 }, { kind: 'answer', node: 0, output: 2 });
    expect(machine.state).toEqual(before);
    machine.answer('again', 3);
    const ended = structuredClone(machine.state);
    machine.give(
      { kind: 'answer', node: first, output: 2 },
      { kind: 'event', event: anEvent('x') },
      { kind: 'suspend' },
      { kind: 'resume' },
    );
    machine.give({ kind: 'cancel' }, { kind: 'retry' });
    expect(machine.state).toEqual(ended);
    expect(machine.last).toEqual([]);
  });

  it('twice in one advance: the first counts', () => {
    const machine = new Machine(`do: [{ ask: ${ASK} }]`);
    const node = machine.waiting('ask');
    machine.give(
      { kind: 'answer', node, output: 1 },
      { kind: 'failure', node, error: down.error },
      { kind: 'answer', node, output: 2 },
    );
    expect(machine.state).toMatchObject({ status: 'completed', output: 1 });
  });
});

describe('cancel', () => {
  it('ends the run, forgets what it waits for, and says why', () => {
    const machine = new Machine(
      `do: [{ both: { fork: { branches: [{ a: ${ASK} }, { b: { listen: { to: { any: [] } } } }] } } }]`,
    );
    const asked = machine.last.map(({ node }) => node);
    machine.give({ kind: 'cancel', reason: 'no longer wanted' });
    expect(machine.last).toEqual(asked.map((node) => ({ kind: 'forget', node })));
    expect(machine.state).toMatchObject({ status: 'cancelled', error: { detail: 'no longer wanted' } });
    expect(machine.wakeAt).toBeUndefined();
  });

  it('reaches a suspended run', () => {
    const machine = new Machine(`do: [{ ask: ${ASK} }]`).give({ kind: 'suspend' }).give({ kind: 'cancel' });
    expect(machine.state.status).toBe('cancelled');
  });
});

describe('suspend', () => {
  it('stops the run where it is: answers are kept, nothing begins, no deadline passes', () => {
    const machine = new Machine(
      `do: [{ ask: { call: crm.find, with: {}, timeout: { after: PT1M } } }, { next: ${ASK} }]`,
    );
    machine.give({ kind: 'suspend' });
    expect([machine.state.status, machine.wakeAt]).toEqual(['suspended', undefined]);
    machine.later(3_600_000).answer('ask', 1);
    expect([machine.state.status, machine.last]).toEqual(['suspended', []]);
    machine.give({ kind: 'resume' });
    expect(machine.last).toMatchObject([{ kind: 'call', path: '/do/1/next' }]);
    expect(machine.happenings.filter(({ what }) => ['suspended', 'resumed'].includes(what))).toHaveLength(2);
  });

  it('twice is once, and resume of a run that is not suspended is nothing', () => {
    const machine = new Machine(`do: [{ ask: { call: crm.find, with: {}, timeout: { after: PT1M } } }]`);
    machine
      .give({ kind: 'resume' })
      .give({ kind: 'suspend' }, { kind: 'suspend' })
      .later(1_000)
      .give({ kind: 'suspend' });
    expect(machine.happenings.filter(({ what }) => ['suspended', 'resumed'].includes(what))).toHaveLength(1);
  });

  it('its time does not count for timeouts; a wait until then is over', () => {
    const body = `do: [{ both: { timeout: { after: PT1M }, fork: { branches: [{ ask: ${ASK} }, { pause: { wait: PT30S } }] } } }]`;
    const machine = new Machine(body).later(20_000).give({ kind: 'suspend' }).later(3_600_000).give({ kind: 'resume' });
    expect(machine.active()).toEqual(['both', 'ask']);
    expect(machine.wakeAt).toBe(machine.now + 40_000);
    expect(machine.later(40_000).state).toMatchObject({ status: 'faulted', error: { status: 408 } });
  });

  it('hears events meanwhile', () => {
    const machine = new Machine('do: [{ hear: { listen: { to: { any: [] } } } }]').give({ kind: 'suspend' });
    machine.give({ kind: 'event', event: anEvent('x', 1) });
    expect(machine.state.status).toBe('suspended');
    expect(machine.give({ kind: 'resume' }).state).toMatchObject({ status: 'completed', output: [1] });
  });

  it('can hold up a run in the middle of many inline tasks', () => {
    const machine = new Machine(
      'do: [{ loop: { for: { in: "[range(3000)]" }, do: [{ a: { set: { n: "${ $item }" } } }] } }]',
    );
    expect(machine.state.agenda.length).toBeGreaterThan(0);
    machine.give({ kind: 'suspend' }).give();
    expect([machine.state.status, machine.wakeAt]).toEqual(['suspended', undefined]);
    machine.give({ kind: 'resume' });
    while (machine.wakeAt !== undefined) machine.give();
    expect(machine.state.output).toEqual({ n: 2_999 });
  });
});

describe('retry of a run that failed', () => {
  it('begins the task that failed again, under a new id, and goes on from there', () => {
    const machine = new Machine(
      `do: [{ first: ${ASK} }, { ask: { call: crm.find, with: { n: "\${ . }" } } }, { last: { set: { got: "\${ . }" } } }]`,
    );
    machine.answer('first', 1);
    const failed = machine.waiting('ask');
    machine.fail('ask', down);
    expect(machine.state).toMatchObject({ status: 'faulted', error: { status: 503 } });
    machine.give({ kind: 'retry' });
    expect(machine.state).toMatchObject({ status: 'running' });
    expect(machine.state.error).toBeUndefined();
    expect(machine.last).toMatchObject([{ kind: 'call', path: '/do/1/ask', with: { n: 1 } }]);
    expect(machine.waiting('ask')).toBeGreaterThan(failed);
    machine.give({ kind: 'answer', node: failed, output: 'late' }).answer('ask', 2);
    expect(machine.state).toMatchObject({ status: 'completed', output: { got: 2 } });
  });

  it('may be asked for again and again', () => {
    const machine = new Machine(`do: [{ ask: ${ASK} }]`);
    for (let times = 0; times < 3; times += 1) machine.fail('ask', down).give({ kind: 'retry' });
    expect(machine.answer('ask', 1).state).toMatchObject({ status: 'completed', output: 1 });
  });

  const three = `
    do:
      - all:
          fork:
            branches:
              - a: ${ASK}
              - b: { do: [{ b1: ${ASK} }, { b2: ${ASK} }] }
              - c: ${ASK}`;

  it('keeps what its other branches have done, what comes while it stands still, and what comes after', () => {
    const machine = new Machine(three);
    const c = machine.waiting('c');
    machine.answer('a', 1).fail('b1', down);
    // Nothing that is under way is called off: a retry still wants it.
    expect(machine.last).toEqual([]);
    machine.give({ kind: 'answer', node: c, output: 3 });
    expect(machine.state.status).toBe('faulted');
    machine.give({ kind: 'retry' });
    expect(machine.last).toMatchObject([{ kind: 'call', path: '/do/0/all/fork/branches/1/b/do/0/b1' }]);
    machine.answer('b1', 'x').answer('b2', 2);
    expect(machine.state).toMatchObject({ status: 'completed', output: [1, 2, 3] });
  });

  it('keeps an answer that came in the same advance as the failure', () => {
    const machine = new Machine(three);
    const [a, b1, c] = ['a', 'b1', 'c'].map((name) => machine.waiting(name));
    machine.give(
      { kind: 'failure', node: b1!, error: down.error },
      { kind: 'answer', node: a!, output: 1 },
      { kind: 'answer', node: c!, output: 3 },
    );
    machine.give({ kind: 'retry' }).answer('b1', 'x').answer('b2', 2);
    expect(machine.state).toMatchObject({ status: 'completed', output: [1, 2, 3] });
  });

  it('a second failure while it stands still is looked at after the retry', () => {
    const machine = new Machine(three);
    const c = machine.waiting('c');
    machine
      .answer('a', 1)
      .fail('b1', down)
      .give({ kind: 'failure', node: c, error: failure('timeout', 408).error });
    machine.give({ kind: 'retry' });
    expect(machine.state).toMatchObject({
      status: 'faulted',
      error: { status: 408, instance: '/do/0/all/fork/branches/2/c' },
    });
    machine.give({ kind: 'retry' }).answer('b1', 'x').answer('b2', 2).answer('c', 3);
    expect(machine.state).toMatchObject({ status: 'completed', output: [1, 2, 3] });
  });

  it('of a list that could not go on begins with the task it had come to, with the variables around it', () => {
    const body = `
      do:
        - loop:
            for: { in: "[7]" }
            do: [{ first: ${ASK} }, { lost: { set: { n: "\${ $item }" }, then: nowhere } }]`;
    const machine = new Machine(body, {}, flowOf(body, { mistakes: true })).answer('first', 1);
    const instance = '/do/0/loop/do/1/lost';
    expect(machine.state.error).toMatchObject({ status: 400, instance });
    machine.give({ kind: 'retry' });
    expect(machine.last).toEqual([]);
    expect(machine.state.error).toMatchObject({ detail: expect.stringContaining('nowhere') as unknown, instance });
  });

  it('begins a loop that failed by itself from its start, and forgets what that one had asked for', () => {
    const body = `
      do:
        - loop:
            for: { in: "[1, 2, 3]" }
            metadata: { parallel: 2 }
            while: 6 / ($context.zero // (3 - $item)) > 0
            do: [{ ask: ${ASK} }]`;
    const machine = new Machine(body);
    const [, second] = machine.last.map(({ node }) => node);
    machine.give({ kind: 'answer', node: machine.last[0]!.node, output: 1 });
    expect(machine.state).toMatchObject({ status: 'faulted', error: { instance: '/do/0/loop' } });
    machine.give({ kind: 'retry' });
    expect(machine.last).toContainEqual({ kind: 'forget', node: second });
    expect(machine.last.filter(({ kind }) => kind === 'call')).toHaveLength(2);
  });

  it('does not count the time in between for timeouts, and listens again', () => {
    const body = `
      timeout: { after: PT1M }
      do: [{ both: { fork: { branches: [{ ask: ${ASK} }, { hear: { listen: { to: { any: [] } } } }] } } }]`;
    const machine = new Machine(body).later(20_000);
    machine.fail('ask', down);
    expect(machine.last).toMatchObject([{ kind: 'forget' }]);
    machine.later(3_600_000).give({ kind: 'retry' });
    expect(machine.last.map(({ kind }) => kind)).toEqual(['listen', 'call']);
    expect(machine.wakeAt).toBe(machine.now + 40_000);
    machine.give({ kind: 'event', event: anEvent('x', 5) }).answer('ask', 1);
    expect(machine.state.output).toEqual([1, [5]]);
  });

  it('runs the extensions of the task again', () => {
    const body = `
      use: { extensions: [{ e: { extend: call, before: [{ note: { set: { x: 1 } } }] } }] }
      do: [{ ask: ${ASK} }]`;
    const machine = new Machine(body).fail('ask', down).give({ kind: 'retry' });
    expect(machine.happenings.filter(({ what, task }) => what === 'started' && task?.name === 'note')).toHaveLength(2);
  });

  it('is nothing for a run whose tasks were undone, that timed out as a whole, or was cancelled', () => {
    const undone = `do: [{ a: { set: { x: 1 }, metadata: { compensate: { set: { y: 1 } } } } }, { ask: ${ASK} }]`;
    for (const machine of [
      new Machine(undone).fail('ask', down),
      new Machine(`timeout: { after: PT1S }\ndo: [{ ask: ${ASK} }]`).later(1_000),
      new Machine(`do: [{ ask: ${ASK} }]`).give({ kind: 'cancel' }),
    ]) {
      const { status } = machine.state;
      expect(machine.give({ kind: 'retry' }).state.status).toBe(status);
    }
  });
});
