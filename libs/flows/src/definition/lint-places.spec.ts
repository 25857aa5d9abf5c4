import { lintFlow, parseFlow } from '.';

const HEAD = 'document: { dsl: 1.0.3, namespace: test, name: places, version: 1.0.0 }\n';

/** Pointers to the problems of a flow, in the order of the text. */
function pathsOf(flow: string): string[] {
  const { definition, locate } = parseFlow(HEAD + flow);
  const place = (path: string) => locate(path)!.line * 1000 + locate(path)!.column;
  const paths = lintFlow(definition).map(({ path }) => path);
  return paths.sort((a, b) => place(a) - place(b));
}

/** `BAD` is jq that does not compile; the comment of its line says where it is. */
function expectEach(flow: string): void {
  const expected = [...flow.matchAll(/# (\/.*)/g)].map(([, path]) => path);
  expect(expected.length).toBeGreaterThan(0);
  expect(pathsOf(flow.replace(/BAD/g, "'${ .x + }'"))).toEqual(expected);
}

describe('broken jq is found', () => {
  it('in the flow itself', () =>
    expectEach(`
input: { from: BAD } # /input/from
output: { as: BAD } # /output/as
timeout: { after: BAD } # /timeout/after
schedule:
  on: { one: { with: { type: BAD } } } # /schedule/on/one/with/type
use:
  authentications: { a: { bearer: { token: BAD } } } # /use/authentications/a/bearer/token
  errors: { e: { type: https://example.com, status: 1, title: BAD } } # /use/errors/e/title
  timeouts: { t: { after: BAD } } # /use/timeouts/t/after
  catalogs: { c: { endpoint: BAD } } # /use/catalogs/c/endpoint
  retries: { r: { delay: PT1S, exceptWhen: BAD } } # /use/retries/r/exceptWhen
  functions: { f: { set: { a: BAD } } } # /use/functions/f/set/a
  extensions:
    - x:
        extend: all
        when: BAD # /use/extensions/0/x/when
        before: [{ b: { set: { a: BAD } } }] # /use/extensions/0/x/before/0/b/set/a
        after: [{ c: { set: { a: BAD } } }] # /use/extensions/0/x/after/0/c/set/a
do: []
`));

  it('in what every task has', () =>
    expectEach(`
do:
  - a:
      if: BAD # /do/0/a/if
      input: { from: BAD } # /do/0/a/input/from
      output: { as: { b: BAD } } # /do/0/a/output/as/b
      export: { as: BAD } # /do/0/a/export/as
      timeout: { after: BAD } # /do/0/a/timeout/after
      metadata:
        idempotencyKey: BAD # /do/0/a/metadata/idempotencyKey
        compensate: [{ u: { set: { a: BAD } } }] # /do/0/a/metadata/compensate/0/u/set/a
      wait: BAD # /do/0/a/wait
`));

  it('in tasks of every kind and the tasks within them', () =>
    expectEach(
      `
do:
  - a: { call: f.g, with: { b: [BAD] } } # /do/0/a/with/b/0
  - b: { emit: { event: { with: { source: https://example.com, type: t, data: BAD } } } } # /do/1/b/emit/event/with/data
  - c:
      for: { in: BAD } # /do/2/c/for/in
      while: BAD # /do/2/c/while
      do: [{ d: { set: { a: BAD } } }] # /do/2/c/do/0/d/set/a
  - e: { fork: { branches: [{ f: { set: { a: BAD } } }] } } # /do/3/e/fork/branches/0/f/set/a
  - g: { raise: { error: { type: https://example.com, status: BAD } } } # /do/4/g/raise/error/status
  - h: { if: .x, run: { workflow: { namespace: n, name: w, version: 1.0.0, input: { a: BAD } } } } # /do/5/h/run/workflow/input/a
  - i:
      run:
        script:
          language: js
          stdin: BAD # /do/6/i/run/script/stdin
          arguments: [BAD] # /do/6/i/run/script/arguments/0
          environment: { A: BAD } # /do/6/i/run/script/environment/A
          source: { endpoint: BAD } # /do/6/i/run/script/source/endpoint
  - j: { switch: [{ k: { when: BAD, then: l } }] } # /do/7/j/switch/0/k/when
  - l:
      try: [{ m: { set: { a: BAD } } }] # /do/8/l/try/0/m/set/a
      catch:
        when: BAD # /do/8/l/catch/when
        exceptWhen: BAD # /do/8/l/catch/exceptWhen
        retry:
          when: BAD # /do/8/l/catch/retry/when
          delay: BAD # /do/8/l/catch/retry/delay
          limit: { duration: BAD } # /do/8/l/catch/retry/limit/duration
        do: [{ n: { set: { a: BAD } } }] # /do/8/l/catch/do/0/n/set/a
`
        // A raise ends the list unless it has a condition.
        .replace('- g: {', '- g: { if: .y,'),
    ));

  it('in subscriptions', () =>
    expectEach(`
do:
  - a:
      listen:
        to:
          any:
            - with: { type: t, data: BAD } # /do/0/a/listen/to/any/0/with/data
              correlate:
                id:
                  from: BAD # /do/0/a/listen/to/any/0/correlate/id/from
                  expect: BAD # /do/0/a/listen/to/any/0/correlate/id/expect
          until: BAD # /do/0/a/listen/to/until
      foreach:
        do: [{ b: { set: { x: BAD } } }] # /do/0/a/foreach/do/0/b/set/x
        output: { as: BAD } # /do/0/a/foreach/output/as
        export: { as: BAD } # /do/0/a/foreach/export/as
  - c:
      listen:
        to:
          any: []
          until: { one: { with: { type: BAD } } } # /do/1/c/listen/to/until/one/with/type
  - d:
      call: asyncapi
      with:
        document: { endpoint: BAD } # /do/2/d/with/document/endpoint
        operation: o
        subscription:
          filter: BAD # /do/2/d/with/subscription/filter
          consume:
            for: BAD # /do/2/d/with/subscription/consume/for
            until: BAD # /do/2/d/with/subscription/consume/until
          foreach: { do: [{ e: { set: { x: BAD } } }] } # /do/2/d/with/subscription/foreach/do/0/e/set/x
`));
});

describe('a reference to nothing is found', () => {
  it('in every authentication', () => {
    const flow = `
input: { schema: { resource: { endpoint: { uri: https://example.com, AUTH } } } } # /input/schema/resource/endpoint/authentication/use
use:
  catalogs: { c: { endpoint: { uri: https://example.com, AUTH } } } # /use/catalogs/c/endpoint/authentication/use
do:
  - a: { call: http, with: { method: get, endpoint: { uri: https://example.com, AUTH } } } # /do/0/a/with/endpoint/authentication/use
  - b:
      call: openapi
      with:
        operationId: o
        document: { endpoint: { uri: https://example.com, AUTH } } # /do/1/b/with/document/endpoint/authentication/use
        AUTH # /do/1/b/with/authentication/use
  - c:
      call: grpc
      with:
        method: m
        proto: { endpoint: { uri: https://example.com, AUTH } } # /do/2/c/with/proto/endpoint/authentication/use
        service: { name: s, host: h, AUTH } # /do/2/c/with/service/authentication/use
  - d:
      call: mcp
      with:
        method: tools/list
        transport: { http: { endpoint: { uri: https://example.com, AUTH } } } # /do/3/d/with/transport/http/endpoint/authentication/use
  - e:
      run:
        script:
          language: js
          source: { endpoint: { uri: https://example.com, AUTH } } # /do/4/e/run/script/source/endpoint/authentication/use
`;
    expectEach(flow.replaceAll('AUTH', 'authentication: { use: nobody }'));
  });

  it('in the timeout of the flow', () => expect(pathsOf('timeout: t\ndo: []')).toEqual(['/timeout']));
});

describe('a duration in months is found', () => {
  it('wherever there are durations', () =>
    expectEach(`
timeout: { after: P1M } # /timeout/after
schedule:
  every: P1M # /schedule/every
  after: P1M # /schedule/after
use:
  timeouts: { t: { after: P1M } } # /use/timeouts/t/after
  retries: { r: { delay: P1M } } # /use/retries/r/delay
do:
  - a:
      timeout: { after: P1M } # /do/0/a/timeout/after
      call: mcp
      with:
        method: tools/list
        transport: { http: { endpoint: https://example.com } }
        timeout: P1M # /do/0/a/with/timeout
  - b:
      try: []
      catch:
        retry:
          limit:
            duration: P1M # /do/1/b/catch/retry/limit/duration
            attempt: { duration: P1M } # /do/1/b/catch/retry/limit/attempt/duration
          jitter:
            from: P1M # /do/1/b/catch/retry/jitter/from
            to: P1M # /do/1/b/catch/retry/jitter/to
  - c:
      call: asyncapi
      with:
        document: { endpoint: https://example.com }
        operation: o
        subscription: { consume: { amount: 1, for: P1M } } # /do/2/c/with/subscription/consume/for
`));
});

describe('a name that no variable can have is found', () => {
  it('wherever variables are named, and where two have the same', () =>
    expectEach(`
do:
  - a:
      for: { in: .x, at: $i } # /do/0/a/for/at
      do: []
  - b:
      try: []
      catch: { as: $e } # /do/1/b/catch/as
  - c:
      listen: { to: { any: [] } }
      foreach:
        item: 1x # /do/2/c/foreach/item
        at: context # /do/2/c/foreach/at
  - d:
      for: { in: .x, each: index } # /do/3/d/for/each
      do: []
  - e:
      for: { in: .x, each: y, at: y } # /do/4/e/for/at
      do: []
`));
});

describe('further mistakes are found', () => {
  it('in policies, events and error types', () =>
    expectEach(`
use:
  errors: { e: { type: https://serverlessworkflow.io/errors/timeuot, status: 1 } } # /use/errors/e/type
do:
  - a:
      try: []
      catch:
        retry:
          limit: { attempt: { count: -1 } } # /do/0/a/catch/retry/limit/attempt/count
  - b:
      listen:
        to:
          any: []
          until: { all: [] } # /do/1/b/listen/to/until/all
  - c:
      switch:
        - x: { when: .x, then: a }
        - x: { when: .y, then: a } # /do/2/c/switch/1/x
`));
});

describe('where the schema has refused something', () => {
  it('nothing else is said of the same place', () =>
    expect(pathsOf('do: [{ a: { run: { script: { language: python } } } }]')).toEqual(['/do/0/a/run/script']));
});

describe('a task that nothing leads to is found', () => {
  it.each([
    ['after a raise', '{ a: { raise: { error: { type: https://example.com, status: 400 } } } }'],
    ['after a switch with a default', '{ a: { switch: [{ x: { then: end } }] } }'],
    ['after the end', '{ a: { wait: PT1S, then: end } }'],
  ])('%s', (_, task) => expect(pathsOf(`do: [${task}, { b: { wait: PT1S } }]`)).toEqual(['/do/1/b']));

  it('but not one that a catch leads to, nor a branch', () => {
    const caught = '{ a: { try: [], catch: { then: c }, then: end } }';
    expect(pathsOf(`do: [${caught}, { b: { wait: PT1S } }, { c: { wait: PT1S } }]`)).toEqual(['/do/1/b']);
    const branches = '[{ b: { wait: PT1S, then: end } }, { c: { wait: PT1S } }]';
    expect(pathsOf(`do: [{ a: { fork: { branches: ${branches} } } }]`)).toEqual([]);
  });
});
