import { runFlowTests } from './run-flow-tests';

const FLOW = `
document: { dsl: '1.0.3', namespace: shop, name: refund, version: '1.0.0' }
do:
  - pay:
      try:
        - send: { call: bank.pay, with: { order: "\${ .order }" } }
      catch:
        errors: { with: { type: "https://serverlessworkflow.io/spec/1.0.0/errors/communication" } }
        retry: { delay: PT3S, limit: { attempt: { count: 1 } } }
  - check: { switch: [{ refused: { when: .paid == false, then: refuse } }] }
  - tell: { emit: { event: { with: { source: https://shop.example, type: refund.paid, data: "\${ . }" } } }, output: { as: .data } }
  - ship:
      run: { workflow: { namespace: shop, name: ship, version: 1.0.0 } }
      then: end
  - refuse: { raise: { error: { type: "https://shop.example/errors/refused", status: 402, title: Refused } } }
`;

const testOf = (cases: string) => `
apiVersion: spillway/v1
kind: FlowTest
metadata: { name: refunds }
spec:
  flow: refund.yaml
  cases: ${cases}`;

const runCases = (cases: string, flow = FLOW) =>
  runFlowTests(testOf(cases), (file) =>
    file === 'refund.yaml' ? Promise.resolve(flow) : Promise.reject(new Error(`there is no ${file}`)),
  );
const problemsOf = async (one: string, flow = FLOW) => (await runCases(`[${one}]`, flow))[0]!.problems;

describe('tests of a flow', () => {
  it('pass when every case comes to what it expects', async () => {
    const results = await runCases(`
    - name: pays, at the second try
      input: { order: 7 }
      answers:
        - { task: send, error: { type: communication, status: 503, title: Down }, times: 1 }
        - { task: send, output: { paid: true } }
        - { task: ship, output: { shipped: true } }
      expect:
        status: completed
        output: { shipped: true }
        emitted: [{ type: refund.paid, data: { paid: true } }]
        calls: [send, send, ship]
        tookAtLeast: PT3S
    - name: refuses
      answers: [{ task: bank.pay, output: { paid: false } }]
      expect: { error: { type: "https://shop.example/errors/refused", status: 402, instance: /do/4/refuse } }
    - name: gives up
      answers: [{ task: /do/0/pay/try/0/send, error: { type: communication, status: 503 } }]
      expect: { status: faulted, error: { type: communication, status: 503 } }
    - name: needs nothing but to complete
      answers: [{ task: send, output: {} }, { task: shop/ship, takes: PT1H }]`);
    expect(results).toEqual(
      ['pays, at the second try', 'refuses', 'gives up', 'needs nothing but to complete'].map((name) => ({
        name,
        passed: true,
        problems: [],
      })),
    );
  });

  it('say what is not as expected, place by place', async () => {
    const problems = await problemsOf(`{
      name: pays,
      answers: [{ task: send, output: { paid: true } }, { task: ship, output: { shipped: true, box: [1, 2] } }],
      expect: { output: { shipped: false, box: [1] }, emitted: [], calls: [send], tookAtLeast: PT1M } }`);
    expect(problems).toEqual([
      'output.shipped: expected false, received true',
      'output.box[1]: not expected, received 2',
      expect.stringMatching(/^emitted.0.: not expected, received ."specversion":"1.0"/),
      'calls: expected send, received send, ship',
      'tookAtLeast: expected 60000 ms, received 0 ms',
    ]);
  });

  it('say how a run ended that should have ended otherwise', async () => {
    expect(await problemsOf('{ name: x, answers: [{ task: send, output: { paid: false } }] }')).toEqual([
      'status: expected completed, received faulted: https://shop.example/errors/refused 402 at /do/4/refuse',
    ]);
    expect(
      await problemsOf('{ name: x, answers: [{ task: send }, { task: ship }], expect: { error: { status: 402 } } }'),
    ).toEqual(['status: expected faulted, received completed']);
  });

  it('say which call has no answer, and what to add', async () => {
    expect(await problemsOf('{ name: x, answers: [{ task: ship }] }')).toEqual([
      'task "send" asks for bank.pay, and the case has no answer for it. Add to its answers: { task: send, output: … }.',
    ]);
    const failing = '{ task: send, error: { type: communication, status: 503 }, times: 1 }';
    expect(await problemsOf(`{ name: x, answers: [${failing}] }`)).toEqual([
      expect.stringContaining('task "send" asks for bank.pay, and the answers of the case for it are used up.'),
    ]);
    expect(await problemsOf('{ name: x, answers: [{ task: send }] }')).toEqual([
      expect.stringContaining('task "ship" asks for shop/ship, and the case has no answer for it.'),
    ]);
  });

  it('say when an answer is for a task that does not exist', async () => {
    expect(await problemsOf('{ name: x, answers: [{ task: sned }, { task: send }, { task: ship }] }')).toEqual([
      'answers: the flow has no task "sned"; did you mean "send"?',
    ]);
  });

  it('give events to a flow that listens, and time to one that waits', async () => {
    const flow = `
document: { dsl: '1.0.3', namespace: shop, name: refund, version: '1.0.0' }
do:
  - hear: { listen: { to: { one: { with: { type: paid } } } }, timeout: { after: PT1H } }
  - now: { set: { heard: "\${ .[0] }", at: "\${ $workflow.startedAt.iso8601 }" } }`;
    const event = '{ type: paid, data: 5 }';
    const expected = '{ output: { heard: 5, at: "2026-02-03T04:05:06.000Z" } }';
    expect(
      await problemsOf(
        `{ name: x, at: "2026-02-03T04:05:06Z", events: [{ type: other }, ${event}], expect: ${expected} }`,
        flow,
      ),
    ).toEqual([]);
    expect(await problemsOf('{ name: x, expect: { error: { type: timeout }, tookAtLeast: PT1H } }', flow)).toEqual([]);
    const patient = flow.replace(', timeout: { after: PT1H }', '');
    expect(await problemsOf('{ name: x, expect: { status: waiting } }', patient)).toEqual([]);
  });

  it('say when a run goes round in circles', async () => {
    const flow = `
document: { dsl: '1.0.3', namespace: shop, name: refund, version: '1.0.0' }
do: [{ a: { set: { n: 1 }, then: a } }]`;
    expect(await problemsOf('{ name: x }', flow)).toEqual([expect.stringContaining('circles')]);
  });
});

describe('a test that is none', () => {
  it.each([
    ['text that is no YAML', '{', /flow/i],
    [
      'another kind',
      'apiVersion: spillway/v1\nkind: Flow\nmetadata: { name: x }\nspec: { flow: a, cases: [{ name: x }] }',
      /^kind: /,
    ],
    ['no cases', testOf('[]'), /^spec\.cases: /],
    ['a word that is not known', testOf('[{ name: x, expect: { ouput: 1 } }]'), /^spec\.cases\[0\]\.expect: .*ouput/],
    [
      'an answer that is an output and an error',
      testOf('[{ name: x, answers: [{ task: a, output: 1, error: { type: x, status: 400 } }] }]'),
      /not both/,
    ],
    [
      'a duration that is none',
      testOf('[{ name: x, expect: { tookAtLeast: soon } }]'),
      /^spec\.cases\[0\]\.expect\.tookAtLeast: .*"soon"/,
    ],
  ])('%s', async (_what, text, message) => {
    const run = runFlowTests(text, () => Promise.resolve(FLOW));
    await expect(run).rejects.toMatchObject({
      code: 'flow-test-invalid',
      message: expect.stringMatching(message) as unknown,
    });
  });

  it('a flow that the linter refuses', async () => {
    const bad = FLOW.replace('then: refuse', 'then: refused');
    await expect(runCases('[{ name: x }]', bad)).rejects.toMatchObject({
      code: 'flow-invalid',
      message: expect.stringMatching(/^refund\.yaml: .*"refused"/) as unknown,
    });
  });

  it('a flow that is not there', async () => {
    await expect(
      runFlowTests(testOf('[{ name: x }]').replace('refund.yaml', 'x.yaml'), (file) =>
        Promise.reject(new Error(`there is no ${file}`)),
      ),
    ).rejects.toThrow('there is no x.yaml');
  });
});
