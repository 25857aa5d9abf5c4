import { failure, Machine, outputOf, run, tasksThat } from '../../testing/flows';

const both = (more = '') => `
  do:
    - both:
        fork:
          ${more}
          branches:
            - a: { call: crm.find, with: {} }
            - b: { call: crm.find, with: {} }`;

describe('fork', () => {
  it('asks for all branches at once and gives their outputs in the order in which they are written', () => {
    const machine = new Machine(both());
    expect(machine.last.map(({ kind }) => kind)).toEqual(['call', 'call']);
    machine.answer('b', 2).answer('a', 1);
    expect(machine.state.output).toEqual([1, 2]);
  });

  it('gives every branch the same input, whatever kind of task it is', async () => {
    const body = `
      do:
        - all:
            fork:
              branches:
                - a: { set: { n: "\${ .n + 1 }" } }
                - b: { for: { in: "[1, 2, 3]" }, do: [{ add: { set: { n: "\${ .n + $item }" } } }] }
                - c: { do: [{ inner: { set: "\${ .n }" } }] }
                - d: { try: [{ bad: { raise: { error: { type: "https://x.example/e", status: 400 } } } }], catch: {} }
                - e: { if: "false", set: { x: 1 } }
                - f: { fork: { branches: [{ deep: { set: { deep: "\${ .n }" } } }] } }`;
    expect(await outputOf(body, { input: { n: 1 } })).toEqual([
      { n: 2 },
      { n: 7 },
      1,
      { n: 1 },
      { n: 1 },
      [{ deep: 1 }],
    ]);
  });

  it('merges contexts by order of their exports: each sees the ones before, the last one counts', () => {
    const body = `
      do:
        - both:
            fork:
              branches:
                - a: { call: crm.find, with: {}, export: { as: "$context + { a: ., last: \\"a\\" }" } }
                - b: { call: crm.find, with: {}, export: { as: "$context + { b: ., last: \\"b\\" }" } }
        - read: { set: "\${ $context }" }`;
    expect(new Machine(body).answer('b', 2).answer('a', 1).state.output).toEqual({ a: 1, b: 2, last: 'a' });
    expect(new Machine(body).answer('a', 1).answer('b', 2).state.output).toEqual({ a: 1, b: 2, last: 'b' });
  });

  it('faults with the first branch that does; the others are cancelled', () => {
    const body = `
      do:
        - guard:
            try: ${JSON.stringify([{ both: { fork: { branches: [{ a: { call: 'crm.find', with: {} } }, { b: { call: 'crm.find', with: {} } }] } } }])}
            catch: { do: [{ report: { set: { by: "\${ $error.instance }" } } }] }`;
    const machine = new Machine(body);
    const a = machine.waiting('a');
    machine.fail('b', failure('communication', 503));
    expect(machine.last).toEqual([{ kind: 'forget', node: a }]);
    expect(machine.state.output).toEqual({ by: '/do/0/guard/try/0/both/fork/branches/1/b' });
    expect(tasksThat('cancelled', machine.happenings)).toEqual(['a']);
    expect(tasksThat('faulted', machine.happenings)).toEqual(['b', 'both']);
  });

  it('ends the run when a branch says so', async () => {
    const body = `
      do:
        - both: { fork: { branches: [{ a: { set: { n: 1 }, then: end } }, { b: { wait: PT1H } }] } }
        - never: { set: { n: 2 } }`;
    const { state, tookMs } = await run(body);
    expect([state.output, tookMs]).toEqual([{ n: 1 }, 0]);
  });
});

describe('fork with compete', () => {
  it('gives the output of the first branch that ends, and forgets the others', () => {
    const machine = new Machine(both('compete: true'));
    const a = machine.waiting('a');
    machine.answer('b', 2);
    expect(machine.state.output).toBe(2);
    expect(machine.last).toEqual([{ kind: 'forget', node: a }]);
  });

  it('has one winner when both answer at once', () => {
    const machine = new Machine(both('compete: true'));
    const [a, b] = [machine.waiting('a'), machine.waiting('b')];
    machine.give({ kind: 'answer', node: b, output: 2 }, { kind: 'answer', node: a, output: 1 });
    expect(machine.state).toMatchObject({ status: 'completed', output: 2 });
  });

  it('races a call against time', async () => {
    const body = `
      do:
        - race: { fork: { compete: true, branches: [{ ask: { call: crm.find, with: {} } }, { late: { wait: PT5S } }] } }`;
    const answers = { ask: { found: true } };
    expect(await outputOf(body, { answers, takesMs: () => 4_000 })).toEqual({ found: true });
    expect(await outputOf(body, { answers, takesMs: () => 6_000, input: { n: 1 } })).toEqual({ n: 1 });
  });

  it('faults when the first to end is a fault', async () => {
    const { state } = await run(both('compete: true'), { answers: { a: failure('communication', 500), b: 2 } });
    expect(state).toMatchObject({ status: 'faulted', error: { status: 500 } });
  });

  it('a branch that is skipped wins at once; one that had not begun is not told as cancelled', async () => {
    const body = `
      do:
        - race: { fork: { compete: true, branches: [{ a: { if: "false", set: { n: 2 } } }, { b: { set: { n: 3 } } }] } }`;
    const { state, happenings } = await run(body, { input: { n: 1 } });
    expect(state.output).toEqual({ n: 1 });
    expect(happenings.flatMap(({ what, task }) => (task ? [`${what} ${task.name}`] : []))).toEqual([
      'started race',
      'completed race',
    ]);
  });
});
