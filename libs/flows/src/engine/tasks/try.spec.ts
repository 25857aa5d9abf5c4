import { standardErrorUri } from '../../definition/standard-errors';
import { failure, Machine, outputOf, run, tasksThat } from '../../testing/flows';

/** A call that is tried. */
const guarded = (handler: string) => `
  do:
    - guard:
        try: [{ ask: { call: crm.find, with: {} } }]
        catch: ${handler}
    - after: { set: { n: "\${ .n? }", got: "\${ . }" } }`;
const REPORT = 'do: [{ report: { set: { caught: "${ $error }" } } }]';
const down = failure('communication', 503, 'the CRM is down');

describe('try', () => {
  it('gives the output of its list when nothing fails', async () => {
    expect(await outputOf(guarded('{}'), { answers: { ask: 1 } })).toMatchObject({ got: 1 });
  });

  it('gives its input when an error is caught and nothing handles it', async () => {
    expect(await outputOf(guarded('{}'), { input: { n: 1 }, answers: { ask: down } })).toEqual({ n: 1, got: { n: 1 } });
  });

  it('runs catch.do with its input and the error', async () => {
    const body = guarded('{ do: [{ report: { set: { caught: "${ $error }", n: "${ .n }" } } }] }');
    expect(await outputOf(body, { input: { n: 1 }, answers: { ask: down } })).toMatchObject({
      n: 1,
      got: { caught: { status: 503, detail: 'the CRM is down', instance: '/do/0/guard/try/0/ask' } },
    });
  });

  it('calls the error as catch.as says, also deep inside catch.do, and nowhere else', async () => {
    const body = guarded('{ as: problem, do: [{ deep: { do: [{ report: { set: "${ $problem.status }" } }] } }] }');
    expect(await outputOf(body, { answers: { ask: down } })).toMatchObject({ got: 503 });
  });

  it('goes where catch.then says after a caught error only', async () => {
    for (const rest of ['', ', do: [{ report: { set: { n: 5 } } }]']) {
      const body = guarded(`{ then: end ${rest} }`);
      expect(await outputOf(body, { input: { n: 5 }, answers: { ask: down }, mistakes: true })).toEqual({ n: 5 });
      expect(await outputOf(body, { answers: { ask: { n: 6 } }, mistakes: true })).toMatchObject({ n: 6 });
    }
  });

  it('catch.then counts for more than the then of the task', async () => {
    const body = guarded('{ then: end }').replace('- guard:', '- guard:\n        then: after');
    expect(await outputOf(body, { input: { n: 5 }, answers: { ask: down } })).toEqual({ n: 5 });
  });

  it('catches what comes from deep inside, and cancels all of it', () => {
    const body = `
      do:
        - guard:
            try:
              - both: { fork: { branches: [{ a: { do: [{ ask: { call: crm.find, with: {} } }] } }, { b: { wait: PT1H } }, { c: { listen: { to: { one: { with: { type: x } } } } } }] } }
            catch: {}`;
    const machine = new Machine(body, { n: 1 });
    machine.fail('ask', down);
    expect(machine.state).toMatchObject({ status: 'completed', output: { n: 1 } });
    expect(machine.last).toEqual([{ kind: 'forget', node: expect.any(Number) as unknown }]);
    expect(tasksThat('cancelled', machine.happenings)).toEqual(['b', 'c']);
    expect(tasksThat('faulted', machine.happenings)).toEqual(['ask', 'a', 'both']);
  });

  it('the inner of two catches first; what it does not want goes to the outer', async () => {
    const body = (status: number) => `
      do:
        - outer:
            try:
              - inner: { try: [{ ask: { call: crm.find, with: {} } }], catch: { errors: { with: { status: ${status} } }, do: [{ i: { set: { by: inner } } }] } }
            catch: { do: [{ o: { set: { by: outer } } }] }`;
    expect(await outputOf(body(503), { answers: { ask: down } })).toEqual({ by: 'inner' });
    expect(await outputOf(body(404), { answers: { ask: down } })).toEqual({ by: 'outer' });
  });

  it('an error inside catch.do goes to the outer try, never round in circles', async () => {
    const body = `
      do:
        - outer:
            try:
              - inner: { try: [{ ask: { call: crm.find, with: {} } }], catch: { do: [{ worse: { set: "\${ error }" } }] } }
            catch: { do: [{ o: { set: { at: "\${ $error.instance }" } } }] }`;
    expect(await outputOf(body, { answers: { ask: down } })).toEqual({
      at: '/do/0/outer/try/0/inner/catch/do/0/worse',
    });
  });
});

describe('what a try catches', () => {
  const caught = async (filter: string, error = down) =>
    (await run(guarded(`{ ${filter}, ${REPORT} }`), { answers: { ask: error } })).state.status === 'completed';

  it.each([
    ['every error without a filter', 'errors: {}', true],
    ['its type', `errors: { with: { type: "${standardErrorUri('communication')}" } }`, true],
    [
      'another family of URIs for the same type',
      'errors: { with: { type: "https://serverlessworkflow.io/dsl/errors/types/communication" } }',
      true,
    ],
    ['another type', `errors: { with: { type: "${standardErrorUri('timeout')}" } }`, false],
    ['its status', 'errors: { with: { status: 503 } }', true],
    ['another status', 'errors: { with: { status: 500 } }', false],
    ['its instance', 'errors: { with: { instance: /do/0/guard/try/0/ask } }', true],
    ['another instance', 'errors: { with: { instance: /do/0/guard } }', false],
    ['its title', 'errors: { with: { title: Failed } }', true],
    ['another title', 'errors: { with: { title: Fallen } }', false],
    ['its detail', 'errors: { with: { details: the CRM is down } }', true],
    [
      'all of them',
      `errors: { with: { type: "${standardErrorUri('communication')}", status: 503, title: Failed } }`,
      true,
    ],
    [
      'all but one',
      `errors: { with: { type: "${standardErrorUri('communication')}", status: 504, title: Failed } }`,
      false,
    ],
  ])('%s', async (_what, filter, expected) => {
    expect(await caught(filter)).toBe(expected);
  });

  it.each([
    ['when: $error.status == 503', true],
    ['when: $error.status == 500', false],
    ['when: .n == 1', true],
    ['exceptWhen: $error.status == 503', false],
    ['exceptWhen: .n == 2', true],
    ['when: "true", exceptWhen: "true"', false],
  ])('%s', async (conditions, expected) => {
    const { state } = await run(guarded(`{ ${conditions}, ${REPORT} }`), { input: { n: 1 }, answers: { ask: down } });
    expect(state.status).toBe(expected ? 'completed' : 'faulted');
  });

  it('a condition that fails is an error of the try, which an outer one may catch', async () => {
    const body = `
      do:
        - outer:
            try: [{ inner: { try: [{ ask: { call: crm.find, with: {} } }], catch: { when: $error.status / 0 > 1 } } }]
            catch: { do: [{ report: { set: "\${ $error | { type, instance } }" } }] }`;
    expect(await outputOf(body, { answers: { ask: down } })).toEqual({
      type: standardErrorUri('expression'),
      instance: '/do/0/outer/try/0/inner',
    });
  });
});

describe('retry', () => {
  const policy = (more = '') => `retry: { delay: PT3S, limit: { attempt: { count: 2 } } ${more} }`;
  const tries = (calls: unknown[]) => calls.length;

  it('begins the list again, with the same input, after the delay', async () => {
    const body = `
      do:
        - guard:
            try: [{ count: { set: { n: "\${ .n + 1 }" } }, }, { ask: { call: crm.find, with: { n: "\${ .n }" } } }]
            catch: { ${policy()} }`;
    const { state, calls, tookMs, happenings } = await run(body, {
      input: { n: 1 },
      answers: { ask: [down, down, 'yes'] },
    });
    expect(state.output).toBe('yes');
    expect(calls.map((call) => call.with)).toEqual([{ n: 2 }, { n: 2 }, { n: 2 }]);
    expect(new Set(calls.map(({ node }) => node)).size).toBe(3);
    expect(tookMs).toBe(6_000);
    expect(happenings.flatMap(({ what, task }) => (what === 'retried' ? [[task!.name, task!.attempt]] : []))).toEqual([
      ['guard', 1],
      ['guard', 2],
    ]);
  });

  it('runs catch.do once, after the last try', async () => {
    const { state, calls, happenings } = await run(guarded(`{ ${policy()}, ${REPORT} }`), { answers: { ask: down } });
    expect(tries(calls)).toBe(3);
    expect(tasksThat('started', happenings).filter((name) => name === 'report')).toHaveLength(1);
    expect(state.output).toMatchObject({ got: { caught: { status: 503 } } });
  });

  it('without catch.do the last error goes on: retries that did not help are a failure', async () => {
    const { state, calls } = await run(guarded(`{ ${policy()} }`), {
      answers: { ask: [down, down, failure('timeout', 408)] },
    });
    expect(tries(calls)).toBe(3);
    expect(state).toMatchObject({ status: 'faulted', error: { status: 408, instance: '/do/0/guard/try/0/ask' } });
  });

  it('does not retry what is not caught', async () => {
    const { state, calls } = await run(guarded(`{ errors: { with: { status: 500 } }, ${policy()} }`), {
      answers: { ask: down },
    });
    expect([state.status, tries(calls)]).toEqual(['faulted', 1]);
  });

  it('a second error that is not caught ends it', async () => {
    const answers = { ask: [down, failure('validation', 400)] };
    const { state, calls } = await run(guarded(`{ errors: { with: { status: 503 } }, ${policy()} }`), { answers });
    expect([state.error!.status, tries(calls)]).toEqual([400, 2]);
  });

  it('has conditions of its own, and when they do not hold catch.do runs at once', async () => {
    for (const [condition, expected] of [
      ['when: $error.status == 503', 3],
      ['when: $error.status == 500', 1],
      ['exceptWhen: $error.status == 503', 1],
    ] as const) {
      const { state, calls } = await run(guarded(`{ ${policy(`, ${condition}`)}, ${REPORT} }`), {
        answers: { ask: down },
      });
      expect([state.status, tries(calls)]).toEqual(['completed', expected]);
    }
  });

  it('takes a policy of use.retries', async () => {
    const body = `
  use: { retries: { thrice: { delay: PT1S, backoff: { linear: {} }, limit: { attempt: { count: 3 } } } } }${guarded('{ retry: thrice }')}`;
    const { calls, tookMs } = await run(body, { answers: { ask: down } });
    expect([tries(calls), tookMs]).toEqual([4, 6_000]);
  });

  it('stops at a limit of time', async () => {
    const { calls, tookMs } = await run(guarded('{ retry: { delay: PT4S, limit: { duration: PT10S } } }'), {
      answers: { ask: down },
    });
    expect([tries(calls), tookMs]).toEqual([3, 8_000]);
  });

  it('delays may be expressions', async () => {
    const body = guarded('{ retry: { delay: "${ .pause }", limit: { attempt: { count: 1 } } } }');
    expect((await run(body, { input: { pause: 'PT7S' }, answers: { ask: [down, 1] } })).tookMs).toBe(7_000);
    const { state } = await run(body, { input: { pause: 'soon' }, answers: { ask: [down, 1] } });
    expect(state.error).toMatchObject({ type: standardErrorUri('expression'), instance: '/do/0/guard' });
  });

  it('forgets what a failed try asked for', () => {
    const body = `
      do:
        - guard:
            try: [{ both: { fork: { branches: [{ a: { call: crm.find, with: {} } }, { b: { call: crm.find, with: {} } }] } } }]
            catch: { ${policy()} }`;
    const machine = new Machine(body);
    const [a, b] = [machine.waiting('a'), machine.waiting('b')];
    machine.fail('a', down);
    expect(machine.last).toEqual([{ kind: 'forget', node: b }]);
    machine.later(3_000);
    expect(machine.last.map(({ node }) => node)).not.toContain(a);
    machine.give({ kind: 'answer', node: b, output: 'late' }).answer('a', 1).answer('b', 2);
    expect(machine.state.output).toEqual([1, 2]);
  });
});
