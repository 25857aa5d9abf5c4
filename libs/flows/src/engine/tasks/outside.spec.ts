import { standardErrorUri } from '../../definition/standard-errors';
import { failure, Machine, NOON, outputOf, run } from '../../testing/flows';

describe('call', () => {
  it('asks for what is called, its arguments worked out, and gives the answer', async () => {
    const body = `
      do: [{ get: { call: http, with: { method: get, endpoint: "https://x.example/{id}", query: { q: "\${ .q }" } }, metadata: { priority: high, idempotencyKey: "order-\${ .id }" } } }]`;
    const { calls, state } = await run(body, { input: { id: 7, q: 'a' }, answers: { get: { name: 'Rex' } } });
    expect(calls).toEqual([
      {
        kind: 'call',
        node: expect.any(Number) as unknown,
        path: '/do/0/get',
        call: 'http',
        with: { method: 'get', endpoint: 'https://x.example/{id}', query: { q: 'a' } },
        input: { id: 7, q: 'a' },
        priority: 'high',
        idempotencyKey: 'order-7',
      },
    ]);
    expect(state.output).toEqual({ name: 'Rex' });
  });

  it('a failure is the error of the task', async () => {
    const { state } = await run('do: [{ get: { call: crm.find, with: {} } }]', {
      answers: { get: failure('communication', 503) },
    });
    expect(state.error).toMatchObject({ type: standardErrorUri('communication'), status: 503, instance: '/do/0/get' });
  });

  it('says how long the answer may take: until the first deadline around it', () => {
    const body = `
      timeout: { after: PT1H }
      do: [{ outer: { timeout: { after: PT10S }, do: [{ get: { call: crm.find, with: {}, timeout: { after: PT30S } } }] } }]`;
    expect(new Machine(body).last).toMatchObject([{ kind: 'call', timeoutMs: 10_000 }]);
  });

  it('an answer without an output is null', () => {
    const machine = new Machine('do: [{ get: { call: crm.find, with: {} } }]');
    machine.give({ kind: 'answer', node: machine.waiting('get'), output: undefined as never });
    expect(machine.state).toMatchObject({ status: 'completed', output: null });
  });
});

describe('call: asyncapi', () => {
  it('leaves what a subscription does with each message as it is written', async () => {
    const body = `
      do:
        - hear:
            call: asyncapi
            with:
              document: { endpoint: https://x.example/doc.json }
              operation: "\${ .operation }"
              subscription: { filter: "\${ .n / 0 }", consume: { until: "\${ .n / 0 }", for: { seconds: 5 } } }`;
    const { calls } = await run(body, { input: { operation: 'inbox', n: 1 } });
    expect(calls[0]!.with).toEqual({
      document: { endpoint: 'https://x.example/doc.json' },
      operation: 'inbox',
      subscription: {
        filter: '${ .n / 0 }',
        consume: { until: '${ .n / 0 }', for: { seconds: 5 } },
        // What they may name.
        variables: expect.objectContaining({ context: {}, input: { operation: 'inbox', n: 1 } }) as object,
      },
    });
    expect(JSON.stringify(calls[0]!.with)).not.toContain('"secrets"');
  });

  const gathering = (more: string) => `
    do:
      - hear:
          call: asyncapi
          with:
            document: { endpoint: https://x.example/doc.json }
            operation: inbox
            subscription:
              consume: { amount: 2 }
              foreach: { item: message, at: n, ${more} }`;
  const messages = [{ payload: 'a' }, { payload: 'b' }];

  it('goes over the messages of a subscription one after another: tasks, output and export of each', async () => {
    const each = `do: [{ ask: { call: crm.find, with: { text: "\${ $message.payload }", n: "\${ $n }" } } }]`;
    const shaped = `output: { as: "{ n: $n, found: . }" }, export: { as: "$context + { seen: (($context.seen // []) + [$message.payload]) }" }`;
    const { state, calls } = await run(
      `${gathering(`${each}, ${shaped}`)}\n    output: { as: "{ all: ., seen: $context.seen }" }`,
      {
        answers: { hear: [messages], ask: (_, args) => (args as { text: string }).text.toUpperCase() },
      },
    );
    expect(state.output).toEqual({
      all: [
        { n: 0, found: 'A' },
        { n: 1, found: 'B' },
      ],
      seen: ['a', 'b'],
    });
    expect(calls.slice(1).map((one) => one.with)).toEqual([
      { text: 'a', n: 0 },
      { text: 'b', n: 1 },
    ]);
    expect(JSON.stringify(calls[0]!.with)).not.toContain('foreach');
  });

  it('goes over them without tasks, and over none', async () => {
    const body = gathering('output: { as: .payload }');
    expect(await outputOf(body, { answers: { hear: [messages] } })).toEqual(['a', 'b']);
    expect(await outputOf(body, { answers: { hear: [[]] } })).toEqual([]);
  });

  it('faults with the task of a message, and keeps the messages for the record', async () => {
    const machine = new Machine(gathering('do: [{ ask: { call: crm.find } }]')).answer('hear', messages);
    machine.answer('ask', 1).answer('ask', 2);
    const done = machine.happenings.find(({ what, task }) => what === 'completed' && task?.name === 'hear');
    expect(done).toMatchObject({ output: [1, 2], answer: messages });
    const failing = new Machine(gathering('do: [{ ask: { call: crm.find } }]')).answer('hear', messages);
    failing.fail('ask', failure('communication', 503));
    expect(failing.state).toMatchObject({
      status: 'faulted',
      error: { instance: '/do/0/hear/with/subscription/foreach/do/0/ask' },
    });
    failing.give({ kind: 'retry' }).answer('ask', 1).answer('ask', 2);
    expect(failing.state).toMatchObject({ status: 'completed', output: [1, 2] });
  });

  it('goes over messages that came while the run stood still after a failure', async () => {
    const body = `
      do:
        - both:
            fork:
              branches:
                - bad: { call: crm.find }
                - ${gathering('output: { as: .payload }')
                  .trim()
                  .replace(/^do:\s+- /, '')
                  .replace(/\n/g, '\n          ')}`;
    const machine = new Machine(body).fail('bad', failure('communication', 503));
    expect(machine.state.status).toBe('faulted');
    machine.answer('hear', messages).give({ kind: 'retry' }).answer('bad', 1);
    expect(machine.state).toMatchObject({ status: 'completed', output: [1, ['a', 'b']] });
  });
});

describe('call of a function of the flow', () => {
  const body = `
    use:
      functions:
        getPet:
          input: { schema: { document: { type: object, required: [id] } } }
          call: http
          with: { method: get, endpoint: "https://x.example/\${ .id }" }
          output: { as: .pet }
    do:
      - get: { call: getPet, with: { id: "\${ .n }" }, output: { as: "{ pet: . }" } }`;

  it('runs its definition with the arguments as input', async () => {
    const { calls, state } = await run(body.replace('https://x.example/\${ .id }', 'https://x.example/{id}'), {
      input: { n: 7 },
      answers: { getPet: { pet: 'Rex' } },
    });
    expect(calls).toMatchObject([{ call: 'http', path: '/use/functions/getPet', input: { id: 7 } }]);
    expect(state.output).toEqual({ pet: 'Rex' });
  });

  it('its error names it, and is caught around the call', async () => {
    const guarded = `
      use: { functions: { check: { input: { schema: { document: { required: [id] } } }, set: { ok: true } } } }
      do:
        - guard:
            try: [{ get: { call: check, with: {} } }]
            catch: { do: [{ report: { set: "\${ $error }" } }] }`;
    expect(await outputOf(guarded)).toMatchObject({
      type: standardErrorUri('validation'),
      instance: '/use/functions/check',
    });
  });

  it('a name every object has is no function', async () => {
    const { calls } = await run('use: { functions: {} }\ndo: [{ a: { call: toString, with: {} } }]');
    expect(calls).toMatchObject([{ call: 'toString' }]);
  });

  it('may be several tasks, and may call others', async () => {
    const nested = `
      use:
        functions:
          twice: { do: [{ first: { call: once, with: { n: "\${ .n }" } } }, { second: { call: once, with: "\${ . }" } }] }
          once: { set: { n: "\${ .n + 1 }" } }
      do: [{ go: { call: twice, with: { n: 1 } } }]`;
    expect(await outputOf(nested, { mistakes: true })).toEqual({ n: 3 });
  });
});

describe('run.workflow', () => {
  const body = (more: string) => `
    do:
      - sub: { run: { workflow: { namespace: test, name: other, version: 1.2.3, input: { n: "\${ .n }" } } ${more} } }
      - after: { set: { got: "\${ . }", at: "\${ $task.startedAt.epoch.milliseconds }" } }`;

  it('asks for the run and waits for its output', async () => {
    const asked: unknown[] = [];
    const world = { run: (command: unknown) => (asked.push(command), { ok: true }), takesMs: () => 5_000 };
    const { state } = await run(body(''), { input: { n: 1 }, ...world });
    expect(asked).toEqual([
      {
        kind: 'run',
        node: expect.any(Number) as unknown,
        path: '/do/0/sub',
        namespace: 'test',
        name: 'other',
        version: '1.2.3',
        input: { n: 1 },
        wait: true,
      },
    ]);
    expect(state.output).toEqual({ got: { ok: true }, at: NOON + 5_000 });
  });

  it('does not wait with await: false, and hands its input on', async () => {
    const world = { run: () => ({ ok: true }), takesMs: () => 5_000 };
    expect(await outputOf(body(', await: false'), { input: { n: 1 }, ...world })).toEqual({ got: { n: 1 }, at: NOON });
  });

  it('an error of the other run is an error of the task', async () => {
    const fail = () => {
      throw failure('timeout', 408);
    };
    const { state } = await run(body(''), { run: fail });
    expect(state.error).toMatchObject({ status: 408, instance: '/do/0/sub' });
  });

  it('hands its own input on when none is given', async () => {
    const asked: { input: unknown }[] = [];
    await run('do: [{ sub: { run: { workflow: { namespace: a, name: b, version: 1.0.0 } } } }]', {
      input: { n: 1 },
      run: (command) => (asked.push(command), null),
    });
    expect(asked[0]!.input).toEqual({ n: 1 });
  });
});

describe('run of anything else', () => {
  it('a script is a call', async () => {
    const { calls } = await run(
      'do: [{ js: { run: { return: all, script: { language: javascript, code: "1", arguments: ["${ .n }"] } } } }]',
      { input: { n: 1 } },
    );
    expect(calls).toMatchObject([
      { call: 'script', with: { language: 'javascript', code: '1', arguments: [1], return: 'all' } },
    ]);
  });

  it.each([
    ['containers', 'container: { image: alpine }'],
    ['shell commands', 'shell: { command: ls }'],
  ])('%s are refused', async (what, process) => {
    const { state } = await run(`do: [{ a: { run: { ${process} } } }]`, { mistakes: true });
    expect(state.error).toMatchObject({
      type: standardErrorUri('configuration'),
      detail: expect.stringContaining(what) as unknown,
    });
  });
});
