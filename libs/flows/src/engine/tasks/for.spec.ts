import { standardErrorUri } from '../../definition/standard-errors';
import { Machine, outputOf, run } from '../../testing/flows';

const sum = (more: string) => `
  do:
    - loop:
        for: { in: .list, each: n, at: i }
        ${more}
        do:
          - add: { set: { list: "\${ .list }", sum: "\${ (.sum // 0) + $n }", last: "\${ $i }" } }
  output: { as: "{ sum, last }" }`;

describe('for', () => {
  it('hands each iteration the output of the one before, with the item and its index', async () => {
    expect(await outputOf(sum(''), { input: { list: [5, 6, 7] } })).toEqual({ sum: 18, last: 2 });
  });

  it('calls them item and index without names', async () => {
    const body =
      'do: [{ loop: { for: { in: "[7, 8]" }, do: [{ a: { set: { i: "${ $index }", n: "${ $item }" } } }] } }]';
    expect(await outputOf(body)).toEqual({ i: 1, n: 8 });
  });

  it('gives its input when there is nothing to go through', async () => {
    expect(
      await outputOf('do: [{ loop: { for: { in: .list }, do: [{ a: { set: { x: 1 } } }] } }]', { input: { list: [] } }),
    ).toEqual({ list: [] });
  });

  it('looks at "while" before each iteration, over the output so far, with the item', async () => {
    const body = sum('while: (.sum // 0) + $n < 15');
    expect(await outputOf(body, { input: { list: [5, 6, 7, 1] } })).toEqual({ sum: 11, last: 1 });
    expect(await outputOf(sum('while: $n > 9'), { input: { list: [5] } })).toEqual({ sum: null, last: null });
  });

  it('ends with exit, with the output of the task that said so', async () => {
    const body = `
      do:
        - loop:
            for: { in: "[1, 2, 3]" }
            do:
              - first: { set: { n: "\${ $item }" } }
              - enough: { switch: [{ yes: { when: .n == 2, then: exit } }] }
        - after: { set: { after: "\${ .n }" } }`;
    expect(await outputOf(body)).toEqual({ after: 2 });
  });

  it('evaluates its collection once', async () => {
    const body = `
      do:
        - loop: { for: { in: .list }, do: [{ empty: { set: { list: [], n: "\${ (.n // 0) + 1 }" } } }] }`;
    expect(await outputOf(body, { input: { list: [1, 2, 3] } })).toEqual({ list: [], n: 3 });
  });

  it.each([
    ['null', {}],
    ['an object', { list: {} }],
    ['text', { list: 'abc' }],
  ])('does not go through %s', async (what, input) => {
    const { state } = await run(sum(''), { input });
    expect(state.error).toEqual({
      type: standardErrorUri('expression'),
      status: 400,
      title: 'Expression Error',
      detail: `for.in must give a list, and gave ${what}`,
      instance: '/do/0/loop',
    });
  });

  it('a "while" that fails is the error of the loop, in the first iteration and in a later one', async () => {
    for (const list of [['a'], [1, 'a']]) {
      const { state } = await run(sum('while: $n / 2 > -1'), { input: { list } });
      expect(state).toMatchObject({ status: 'faulted', error: { instance: '/do/0/loop' } });
    }
  });
});

describe('for with metadata.parallel', () => {
  const body = (parallel: number, more = '') => `
    do:
      - loop:
          for: { in: .list, each: n, at: i }
          metadata: { parallel: ${parallel} }
          ${more}
          do:
            - ask: { call: crm.find, with: { n: "\${ $n }" }, output: { as: "{ n: $n, got: . }" } }
            - stop: { switch: [{ stop: { when: .got == "stop", then: exit } }] }`;
  const ids = (machine: Machine) => machine.last.flatMap((command) => (command.kind === 'call' ? [command] : []));

  it('runs so many at once, each with the input of the task, and gives their outputs in order', () => {
    const machine = new Machine(body(2), { list: ['a', 'b', 'c'] });
    const [a, b] = ids(machine);
    expect(ids(machine).map((call) => call.with)).toEqual([{ n: 'a' }, { n: 'b' }]);
    machine.give({ kind: 'answer', node: b!.node, output: 2 });
    const [c] = ids(machine);
    expect(ids(machine).map((call) => call.with)).toEqual([{ n: 'c' }]);
    machine.give({ kind: 'answer', node: c!.node, output: 3 }, { kind: 'answer', node: a!.node, output: 1 });
    expect(machine.state).toMatchObject({
      status: 'completed',
      output: [
        { n: 'a', got: 1 },
        { n: 'b', got: 2 },
        { n: 'c', got: 3 },
      ],
    });
  });

  it('gives an empty list for an empty one', async () => {
    expect(await outputOf(body(3), { input: { list: [] } })).toEqual([]);
  });

  it('begins no more after exit, and waits for those under way', () => {
    const machine = new Machine(body(2), { list: ['a', 'b', 'c'] });
    const [a, b] = ids(machine);
    machine.give({ kind: 'answer', node: a!.node, output: 'stop' });
    expect(ids(machine)).toEqual([]);
    machine.give({ kind: 'answer', node: b!.node, output: 2 });
    expect(machine.state.output).toEqual([
      { n: 'a', got: 'stop' },
      { n: 'b', got: 2 },
    ]);
  });

  it('begins no more when "while" does not hold, and looks at it with the input of the task', async () => {
    const answers = { ask: 1 };
    const { state } = await run(body(2, 'while: $n != .last'), {
      input: { list: ['a', 'b', 'c'], last: 'b' },
      answers,
    });
    expect(state.output).toEqual([{ n: 'a', got: 1 }]);
  });

  it('fails with the first that fails, and forgets the others', () => {
    const machine = new Machine(body(3), { list: ['a', 'b', 'c'] });
    const [, b] = ids(machine);
    machine.give({ kind: 'failure', node: b!.node, error: { type: 'x', status: 500 } });
    expect(machine.state).toMatchObject({ status: 'faulted', error: { type: 'x' } });
  });
});
