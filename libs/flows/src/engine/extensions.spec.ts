import { failure, outputOf, run, tasksThat } from '../testing/flows';

const extended = (
  extensions: string,
  tasks = '[{ ask: { call: crm.find, with: {}, output: { as: "{ got: . }" } } }]',
) => `
  use: { extensions: ${extensions} }
  do: ${tasks}`;
const NOTE = (name: string) =>
  `[{ ${name}: { call: log.write, with: { task: "\${ $task.name }", data: "\${ . }", raw: "\${ $task.output }" } } }]`;

describe('an extension', () => {
  it('runs its lists before and after each task of a kind, with the task as $task', async () => {
    const body = extended(`[{ logging: { extend: call, before: ${NOTE('b')}, after: ${NOTE('a')} } }]`);
    const { state, calls } = await run(body, { input: { n: 1 }, answers: { ask: 5, a: 'x', b: 'y' } });
    expect(calls.map(({ call, with: args }) => [call, args])).toEqual([
      ['log.write', { task: 'ask', data: { n: 1 }, raw: null }],
      ['crm.find', {}],
      ['log.write', { task: 'ask', data: 5, raw: 5 }],
    ]);
    expect(state.output).toEqual({ got: 5 });
  });

  it.each([
    ['all', ['loop', 'ask', 'ask', 'fin']],
    ['composite', ['loop']],
    ['for', ['loop']],
    ['call', ['ask', 'ask']],
    ['set', ['fin']],
    ['wait', []],
  ])('extend: %s', async (extend, expected) => {
    const tasks =
      '[{ loop: { for: { in: "[1, 2]" }, do: [{ ask: { call: crm.find, with: {} } }] } }, { fin: { set: { x: 1 } } }]';
    const { calls } = await run(extended(`[{ e: { extend: ${extend}, before: ${NOTE('b')} } }]`, tasks));
    const noted = calls
      .filter(({ call }) => call === 'log.write')
      .map(({ with: args }) => (args as { task: string }).task);
    expect(noted).toEqual(expected);
  });

  it('applies when its condition holds', async () => {
    const tasks = '[{ one: { set: { n: 1 } } }, { two: { set: { n: 2 } } }]';
    const { calls } = await run(
      extended(`[{ e: { extend: set, when: $task.name == "two" and .n == 1, before: ${NOTE('b')} } }]`, tasks),
    );
    expect(calls.map(({ with: args }) => args)).toEqual([{ task: 'two', data: { n: 1 }, raw: null }]);
  });

  it('stands in for the task with exit before it; what comes after it runs all the same', async () => {
    const mock =
      '{ mock: { extend: call, before: [{ fake: { set: 1, then: exit } }, { never: { set: { x: 1 } } }] } }'.replace(
        'set: 1',
        'set: { fake: true }',
      );
    const { state, happenings } = await run(
      extended(`[${mock}, { e: { extend: call, after: [{ last: { set: { x: 1 } } }] } }]`),
    );
    expect(state.output).toEqual({ got: { fake: true } });
    expect(tasksThat('started', happenings)).toEqual(['ask', 'fake', 'last']);
  });

  it('exit in a list within it does not', async () => {
    const inner = '{ e: { extend: call, before: [{ group: { do: [{ inner: { set: { x: 1 }, then: exit } }] } }] } }';
    expect(await outputOf(extended(`[${inner}]`), { answers: { ask: 5 } })).toEqual({ got: 5 });
  });

  it('may hold tasks of all kinds', async () => {
    const before = `[
      { loop: { for: { in: "[1, 2]" }, do: [{ each: { set: { n: "\${ $item }" } } }] } },
      { both: { fork: { branches: [{ x: { do: [{ deep: { set: { n: 1 } } }] } }, { y: { wait: PT1S } }] } } },
      { guard: { try: [{ bad: { raise: { error: { type: "https://x.example/e", status: 400 } } } }], catch: { do: [{ fine: { set: { n: 1 } } }] } } },
      { done: { set: { done: true } } }]`;
    const { state, happenings } = await run(extended(`[{ e: { extend: call, before: ${before} } }]`), {
      answers: { ask: 5 },
    });
    expect(state.output).toEqual({ got: 5 });
    expect(tasksThat('started', happenings).join(' ')).toBe('ask loop each each both x y deep guard bad fine done');
  });

  it('does not extend tasks of extensions', async () => {
    const { calls } = await run(
      extended(`[{ one: { extend: all, before: ${NOTE('b')} } }, { two: { extend: all, after: ${NOTE('a')} } }]`),
    );
    expect(calls.map(({ path }) => path)).toEqual([
      '/use/extensions/0/one/before/0/b',
      '/do/0/ask',
      '/use/extensions/1/two/after/0/a',
    ]);
  });

  it('runs several in the order in which they are written', async () => {
    const body = extended(
      `[{ one: { extend: call, before: ${NOTE('b1')}, after: ${NOTE('a1')} } }, { two: { extend: call, before: ${NOTE('b2')}, after: ${NOTE('a2')} } }]`,
    );
    const { happenings } = await run(body);
    expect(tasksThat('completed', happenings)).toEqual(['b1', 'b2', 'a1', 'a2', 'ask']);
  });

  it('its error is an error inside the task, and its deadline counts for it', async () => {
    const guard = (more: string) =>
      `[{ guard: { try: [{ ask: { call: crm.find, with: {} ${more} } }], catch: { do: [{ report: { set: "\${ $error.instance }" } }] } } }]`;
    const extension = `[{ e: { extend: call, before: ${NOTE('b')} } }]`;
    expect(await outputOf(extended(extension, guard('')), { answers: { b: failure('communication', 500) } })).toBe(
      '/use/extensions/0/e/before/0/b',
    );
    const slow = await run(extended(extension, guard(', timeout: { after: PT5S }')), { takesMs: () => Infinity });
    expect([slow.state.output, slow.tookMs]).toEqual(['/do/0/guard/try/0/ask', 5_000]);
  });
});
