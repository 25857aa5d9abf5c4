import { standardErrorUri } from '../../definition/standard-errors';
import { Machine, NOON, outputOf, run } from '../../testing/flows';

describe('set', () => {
  it('takes an object whose strings may be expressions, or one expression', async () => {
    expect(
      await outputOf('do: [{ a: { set: { n: "${ .n }", deep: { list: ["${ .n + 1 }", "text .n"] } } } }]', {
        input: { n: 1 },
      }),
    ).toEqual({
      n: 1,
      deep: { list: [2, 'text .n'] },
    });
    expect(await outputOf('do: [{ a: { set: "${ [.n] }" } }]', { input: { n: 1 } })).toEqual([1]);
  });
});

describe('raise', () => {
  it('faults with the error as it is written, its texts expressions, and where it came from', async () => {
    const body = `
      do: [{ refuse: { raise: { error: { type: "https://x.example/e", status: 402, title: "\${ \\"no \\" + .what }", detail: text } } } }]`;
    const { state } = await run(body, { input: { what: 'money' } });
    expect(state).toMatchObject({
      status: 'faulted',
      error: { type: 'https://x.example/e', status: 402, title: 'no money', detail: 'text', instance: '/do/0/refuse' },
    });
  });

  it('raises an error of use.errors by name', async () => {
    const body = `
      use: { errors: { poor: { type: "https://x.example/poor", status: 402, title: "\${ .what }" } } }
      do: [{ refuse: { raise: { error: poor } } }]`;
    expect((await run(body, { input: { what: 'no money' } })).state.error).toEqual({
      type: 'https://x.example/poor',
      status: 402,
      title: 'no money',
      instance: '/do/0/refuse',
    });
  });

  it('keeps an instance that is given', async () => {
    const body =
      'do: [{ a: { raise: { error: { type: "https://x.example/e", status: 400, instance: /elsewhere } } } }]';
    expect((await run(body)).state.error!.instance).toBe('/elsewhere');
  });

  it.each([
    ['a name that is not there', '"poor"', 'there is no "poor" under use.errors'],
    ['a name every object has', 'constructor', 'there is no "constructor" under use.errors'],
    [
      'a status that is no number',
      '{ type: "https://x.example/e", status: "${ .n }" }',
      'not type "https://x.example/e" and status null',
    ],
  ])('%s is a configuration error', async (_what, error, detail) => {
    const { state } = await run(`do: [{ a: { raise: { error: ${error} } } }]`, { mistakes: true });
    expect(state.error).toMatchObject({
      type: standardErrorUri('configuration'),
      detail: expect.stringContaining(detail) as unknown,
    });
  });
});

describe('emit', () => {
  const body = `
    do:
      - tell: { emit: { event: { with: { source: "https://x.example", type: order.placed, data: { n: "\${ .n }" }, tier: gold } } } }`;

  it('sends a CloudEvent and hands it on', async () => {
    const { emitted, state } = await run(body, { input: { n: 1 } });
    expect(emitted).toEqual([
      {
        specversion: '1.0',
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/) as unknown,
        time: new Date(NOON).toISOString(),
        source: 'https://x.example',
        type: 'order.placed',
        data: { n: 1 },
        tier: 'gold',
      },
    ]);
    expect(state.output).toEqual(emitted[0]);
  });

  it('gives the same task of the same run the same id, and others another', async () => {
    const id = async (runId: string) => (await run(body, { runId })).emitted[0]!['id'];
    expect(await id('r-1')).toBe(await id('r-1'));
    expect(await id('r-1')).not.toBe(await id('r-2'));
    const twice = await run(
      body
        .replace('do:', 'do:\n      - first: { set: {n: 1}, then: tell }\n')
        .replace('tier: gold', 'id: "${ .n | tostring }"'),
    );
    expect(twice.emitted[0]!['id']).toBe('1');
  });
});

describe('wait', () => {
  it('waits and hands its input on; the run is waiting meanwhile', () => {
    const machine = new Machine('do: [{ pause: { wait: { minutes: 1, seconds: 30 } } }]', { n: 1 });
    expect([machine.state.status, machine.wakeAt]).toEqual(['waiting', NOON + 90_000]);
    machine.later(89_999);
    expect(machine.state.status).toBe('waiting');
    machine.later(1);
    expect(machine.state).toMatchObject({ status: 'completed', output: { n: 1 } });
  });

  it('takes ISO 8601 and expressions that give it', async () => {
    expect((await run('do: [{ pause: { wait: PT2H } }]')).tookMs).toBe(7_200_000);
    expect((await run('do: [{ pause: { wait: "${ .for }" } }]', { input: { for: 'PT3S' } })).tookMs).toBe(3_000);
  });

  it('an expression that gives no duration is its error', async () => {
    const { state } = await run('do: [{ pause: { wait: "${ .for }" } }]', { input: { for: 'a while' } });
    expect(state.error).toMatchObject({ type: standardErrorUri('expression'), instance: '/do/0/pause' });
  });
});
