import { type Answers, anEvent, Machine, outputOf, run, tasksThat } from '../../testing/flows';

const heat = (degrees: number, more = {}) => anEvent('heat', { degrees }, more);
const listen = (to: string, more = '') => `do: [{ hear: { listen: { to: ${to} ${more} } } }]`;
const HOT = '{ with: { type: heat, data: "${ .degrees > 38 }" } }';
const PULSE = '{ with: { type: pulse } }';

describe('listen', () => {
  it('to one: waits for the first event that matches, and gives the list of it', async () => {
    const events = [anEvent('other'), heat(37), heat(39), heat(40)];
    expect(await outputOf(listen(`{ one: ${HOT} }`), { events })).toEqual([{ degrees: 39 }]);
  });

  it('to any: ends with the first that one of the filters matches', async () => {
    const events = [heat(37), anEvent('pulse', 50), heat(39)];
    expect(await outputOf(listen(`{ any: [${HOT}, ${PULSE}] }`), { events })).toEqual([50]);
  });

  it('to any without filters: every event', async () => {
    expect(await outputOf(listen('{ any: [] }'), { events: [anEvent('whatever', 1)] })).toEqual([1]);
    expect(new Machine(listen('{ any: [] }')).last).toEqual([{ kind: 'listen', node: 2, filters: [{ with: {} }] }]);
  });

  it('to all: one event for each filter, in order of arrival', async () => {
    const events = [anEvent('pulse', 50), anEvent('pulse', 51), heat(37), heat(39)];
    expect(await outputOf(listen(`{ all: [${HOT}, ${PULSE}] }`), { events })).toEqual([50, { degrees: 39 }]);
  });

  it('to all: an event counts for one filter, though it matches two', async () => {
    const body = listen('{ all: [{ with: { type: pulse } }, { with: { source: "https://example.com" } }] }');
    expect(await outputOf(body, { events: [anEvent('pulse', 1), anEvent('pulse', 2)] })).toEqual([1, 2]);
  });

  it('reads data, the whole event, or raw data', async () => {
    const event = anEvent('pulse', { n: 1 });
    for (const [read, expected] of [
      ['data', [{ n: 1 }]],
      ['envelope', [event]],
      ['raw', ['{"n":1}']],
    ] as const) {
      expect(await outputOf(listen(`{ one: ${PULSE} }`, `, read: ${read}`), { events: [event] })).toEqual(expected);
    }
    expect(
      await outputOf(listen(`{ one: ${PULSE} }`), { events: [{ specversion: '1.0', type: 'pulse', source: 'x' }] }),
    ).toEqual([null]);
  });

  it('is waiting meanwhile, tells the world what for, and that it is over', () => {
    const machine = new Machine(
      listen(`{ any: [${PULSE}], until: { one: { with: { type: end, source: "\${ . }" } } } }`),
    );
    expect(machine.state.status).toBe('waiting');
    const filters = [
      { type: 'pulse', with: { type: 'pulse' } },
      { type: 'end', with: { type: 'end', source: '${ . }' } },
    ];
    expect(machine.last).toEqual([{ kind: 'listen', node: 2, filters }]);
    machine.give({ kind: 'event', event: anEvent('end') });
    expect(machine.last).toEqual([{ kind: 'forget', node: 2 }]);
    expect(machine.state).toMatchObject({ status: 'completed', output: [] });
  });

  it('hears an event once, however often it comes', async () => {
    const same = { id: '1' };
    const events = [anEvent('pulse', 1, same), anEvent('pulse', 1, same), anEvent('pulse', 2, { id: '2' })];
    expect(await outputOf(listen(`{ all: [${PULSE}, ${PULSE}] }`), { events })).toEqual([1, 2]);
    expect(await outputOf(listen(`{ any: [${PULSE}], until: "length == 2" }`), { events })).toEqual([1, 2]);
    const others = events.map((event, index) => ({ ...event, source: `https://${index}.example` }));
    expect(await outputOf(listen(`{ all: [${PULSE}, ${PULSE}] }`), { events: others })).toEqual([1, 1]);
  });

  it('two tasks that listen both hear the same event', async () => {
    const body = `do: [{ both: { fork: { branches: [{ a: { listen: { to: { one: ${PULSE} } } } }, { b: { listen: { to: { one: ${PULSE} } } } }] } } }]`;
    expect(await outputOf(body, { events: [anEvent('pulse', 1)] })).toEqual([[1], [1]]);
  });
});

describe('filters of events', () => {
  const hears = async (filter: string, event: ReturnType<typeof anEvent>, input = {}) =>
    (await run(listen(`{ one: { with: ${filter} } }`), { events: [event], input })).state.status === 'completed';

  it.each([
    ['a literal', '{ type: order.placed }', true],
    ['another literal', '{ type: order }', false],
    ['a regular expression between slashes', '{ type: "/^order\\\\./" }', true],
    ['one that does not match', '{ type: "/^invoice\\\\./" }', false],
    ['an expression over the attribute that decides', '{ type: "${ startswith(\\"order\\") }" }', true],
    ['an expression over the attribute that gives what it must be', '{ tier: "${ \\"gold\\" }" }', true],
    ['one that gives something else', '{ tier: "${ \\"silver\\" }" }', false],
    ['an attribute that the event does not have', '{ subject: x }', false],
    ['an expression over its data', '{ data: "${ .n == 1 }" }', true],
    ['an expression over its data that does not hold', '{ data: "${ .n == 2 }" }', false],
    ['literal data', '{ data: { n: 1, list: [1] } }', true],
    ['other literal data', '{ data: { n: 1 } }', false],
    ['all of several', '{ type: order.placed, tier: gold }', true],
    ['all of several but one', '{ type: order.placed, tier: silver }', false],
  ])('%s', async (_what, filter, expected) => {
    expect(await hears(filter, anEvent('order.placed', { n: 1, list: [1] }, { tier: 'gold' }))).toBe(expected);
  });

  it('see the context', async () => {
    const body = `
      do:
        - remember: { set: { id: 7 }, export: { as: . } }
        - hear: { listen: { to: { one: { with: { type: paid, data: "\${ .id == $context.id }" } } } } }`;
    const events = [anEvent('paid', { id: 6 }), anEvent('paid', { id: 7 })];
    expect(await outputOf(body, { events })).toEqual([{ id: 7 }]);
  });

  it('an event over which an expression fails is no match, and brings nothing down', async () => {
    const events = [anEvent('heat', 'no object'), anEvent('heat', null), heat(39)];
    expect(await outputOf(listen(`{ one: ${HOT} }`), { events })).toEqual([{ degrees: 39 }]);
  });

  it('an index gets literal types and sources only', () => {
    const filters = '[{ with: { type: a, source: "https://x.example" } }, { with: { type: "/b/", source: "${ . }" } }]';
    expect(new Machine(listen(`{ any: ${filters} }`)).last).toMatchObject([
      { filters: [{ type: 'a', source: 'https://x.example' }, { with: { type: '/b/' } }] },
    ]);
    expect(JSON.stringify(new Machine(listen(`{ any: ${filters} }`)).last)).toContain(
      '{"with":{"type":"/b/","source":"${ . }"}}',
    );
  });
});

describe('correlation', () => {
  const PAID = (correlate: string) => `{ with: { type: paid }, correlate: { order: ${correlate} } }`;
  const paid = (order: unknown, n: number) => anEvent('paid', { order: order as never, n });

  it('takes events whose key is what is expected: an expression over the input, or a constant', async () => {
    const events = [paid('a', 1), paid(null, 2), paid('b', 3)];
    const expression = PAID('{ from: .data.order, expect: "${ .id }" }');
    expect(await outputOf(listen(`{ one: ${expression} }`), { events, input: { id: 'b' } })).toEqual([
      { order: 'b', n: 3 },
    ]);
    expect(await outputOf(listen(`{ one: ${PAID('{ from: .data.order, expect: b }')} }`), { events })).toEqual([
      { order: 'b', n: 3 },
    ]);
    expect(
      await outputOf(listen(`{ one: ${PAID('{ from: .data.order, expect: "7" }')} }`), { events: [paid(7, 1)] }),
    ).toEqual([{ order: 7, n: 1 }]);
  });

  it('tells the world what is expected, for its index', () => {
    const machine = new Machine(listen(`{ one: ${PAID('{ from: .data.order, expect: "${ .id }" }')} }`), { id: 'b' });
    expect(machine.last).toMatchObject([{ filters: [{ correlate: { order: { from: '.data.order', expect: 'b' } } }] }]);
  });

  it('without an expectation the first event sets it for the others', async () => {
    const body = listen(
      `{ all: [${PAID('{ from: .data.order }')}, { with: { type: sent }, correlate: { order: { from: .data.order } } }] }`,
    );
    const sent = (order: string) => anEvent('sent', { order });
    expect(await outputOf(body, { events: [paid('a', 1), sent('b'), paid('b', 2), sent('a')] })).toEqual([
      { order: 'a', n: 1 },
      { order: 'a' },
    ]);
  });

  it('an event without the key is no match', async () => {
    expect(
      await outputOf(listen(`{ one: ${PAID('{ from: .data.order }')} }`), { events: [paid(null, 1), paid('a', 2)] }),
    ).toEqual([{ order: 'a', n: 2 }]);
  });
});

describe('until', () => {
  it('a condition over what was heard', async () => {
    const events = [1, 2, 3, 4].map((n) => anEvent('pulse', n));
    expect(await outputOf(listen(`{ any: [${PULSE}], until: "add > 5" }`), { events })).toEqual([1, 2, 3]);
  });

  it('the events of another strategy, which are not part of the output', async () => {
    const events = [anEvent('pulse', 1), anEvent('pulse', 2), anEvent('out', 3), anEvent('pulse', 4)];
    expect(await outputOf(listen(`{ any: [${PULSE}], until: { one: { with: { type: out } } } }`), { events })).toEqual([
      1, 2,
    ]);
    expect(await outputOf(listen('{ any: [], until: { one: { with: { type: out } } } }'), { events })).toEqual([1, 2]);
    const all =
      '{ any: [], until: { all: [{ with: { type: out } }, { with: { type: pulse, data: "${ . == 4 }" } }] } }';
    expect(await outputOf(listen(all), { events })).toEqual([1, 2]);
  });

  it('a condition that fails is an error of the task', async () => {
    const { state } = await run(listen(`{ any: [${PULSE}], until: "add / 0 > 1" }`), { events: [anEvent('pulse', 1)] });
    expect(state).toMatchObject({ status: 'faulted', error: { status: 400, instance: '/do/0/hear' } });
  });
});

describe('foreach', () => {
  const each = (foreach: string, until = 'length == 3') => `
    do:
      - hear:
          listen: { to: { any: [${PULSE}], until: "${until}" } }
          foreach: ${foreach}
      - result: { set: { out: "\${ . }", context: "\${ $context }" } }`;
  const events = [1, 2, 3].map((n) => anEvent('pulse', n));

  it('runs its tasks for each event and gives their outputs', async () => {
    const body = each(
      '{ item: pulse, at: i, do: [{ ask: { call: crm.find, with: { n: "${ $pulse }", i: "${ $i }" } } }] }',
    );
    const answers: Answers = { ask: (_input, args) => ({ heard: (args as { n: number }).n }) };
    const { state, calls } = await run(body, { events, answers });
    expect(calls.map((call) => call.with)).toEqual([
      { n: 1, i: 0 },
      { n: 2, i: 1 },
      { n: 3, i: 2 },
    ]);
    expect(state.output).toMatchObject({ out: [{ heard: 1 }, { heard: 2 }, { heard: 3 }] });
  });

  it('shapes each output and exports it, with and without tasks', async () => {
    const shape =
      'output: { as: . * 10 }, export: { as: "{ sum: (($context.sum // 0) + .), last: $item, at: $index }" }';
    const expected = { out: [10, 20, 30], context: { sum: 60, last: 3, at: 2 } };
    expect(await outputOf(each(`{ ${shape} }`), { events })).toEqual(expected);
    expect(await outputOf(each(`{ ${shape}, do: [{ same: { set: "\${ $item }" } }] }`), { events })).toEqual(expected);
  });

  it('takes events one after another: those that come meanwhile wait', () => {
    const machine = new Machine(each('{ do: [{ ask: { call: crm.find, with: {} } }] }'));
    const hear = (n: number) => ({ kind: 'event', event: anEvent('pulse', n) }) as const;
    machine.give(hear(1), hear(2));
    expect(machine.active()).toEqual(['hear', 'ask']);
    machine.give(hear(3), hear(4));
    machine.answer('ask', 'a');
    expect(machine.active()).toEqual(['hear', 'ask']);
    machine.answer('ask', 'b').answer('ask', 'c');
    expect(machine.state.output).toMatchObject({ out: ['a', 'b', 'c'] });
  });

  it('what is not valid is an error of the task', async () => {
    const { state } = await run(each('{ output: { schema: { document: { type: string } } } }'), { events });
    expect(state.error).toMatchObject({ status: 400, instance: '/do/0/hear' });
  });

  it('a fault of one ends the listening, and can be caught', () => {
    const body = `
      do:
        - guard:
            try: [{ hear: { listen: { to: { any: [${PULSE}], until: "false" } }, foreach: { do: [{ bad: { set: "\${ error }" } }] } } }]
            catch: {}`;
    const machine = new Machine(body, { n: 1 });
    const { node } = machine.last[0]!;
    machine.give({ kind: 'event', event: anEvent('pulse', 'x') });
    expect(machine.last).toEqual([{ kind: 'forget', node }]);
    expect(machine.state).toMatchObject({ status: 'completed', output: { n: 1 } });
    expect(tasksThat('faulted', machine.happenings)).toEqual(['bad', 'hear']);
  });
});
