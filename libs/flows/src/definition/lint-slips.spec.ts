import { lintFlow, parseFlow } from '.';

const HEAD = 'document: { dsl: 1.0.3, namespace: test, name: wrong, version: 1.0.0 }\n';
const lint = (flow: string) => lintFlow(parseFlow(HEAD + flow).definition, { published: true });
const call = (more: string, before = '') =>
  `${before}do: [{ a: { call: http, with: { method: get, endpoint: https://x.example, ${more} } } }]`;
const SECRETS = 'use: { secrets: [KEY] }\n';

/** Flows with one slip, the place, and what of the message or the remedy says it. */
it.each([
  ['do: [{ "": { set: { x: 1 } } }]', '/do/0/', 'has no name'],
  ['do: [{ a: { fork: { branches: [{ " ": { set: { x: 1 } } }] } } }]', '/do/0/a/fork/branches/0/ ', 'has no name'],
  [
    `${SECRETS}do: [{ a: { if: '$secrets.KEY == "x"', set: { x: 1 } } }]`,
    '/do/0/a/if',
    'names $secrets, which is empty',
  ],
  [`${SECRETS}do: [{ a: { wait: "\${ $secrets.KEY }" } }]`, '/do/0/a/wait', 'names $secrets, which is empty'],
  [
    `use: { secrets: [KEY], functions: { f: { set: { x: 1 } } } }\ndo: [{ a: { call: f, with: { key: "\${ $secrets.KEY }" } } }]`,
    '/do/0/a/with',
    'names $secrets, which is empty',
  ],
  [
    call('headers: { authorization: Bearer $secrets.KEY }', SECRETS),
    '/do/0/a/with/headers/authorization',
    'Bearer ${ $secrets.KEY }',
  ],
  [call('headers: { key: "${ $secrets.KYE }" }', SECRETS), '/do/0/a/with/headers/key', 'Write "KEY".'],
  ['do: [{ a: { set: { x: "Hello $context.name" } } }]', '/do/0/a/set/x', 'Hello ${ $context.name }'],
  ['do: [{ a: { set: { x: "Hello {{ .name }}" } } }]', '/do/0/a/set/x', 'Expressions are in ${ }'],
  ['do: [{ a: { set: { "${ .name }": 1 } } }]', '/do/0/a/set/${ .name }', 'only values are expressions'],
  [`do: [{ a: { if: ".x == 'paid'", set: { x: 1 } } }]`, '/do/0/a/if', 'in double quotes'],
  ['do: [{ a: { if: .x && .y, set: { x: 1 } } }]', '/do/0/a/if', 'Write "and"'],
  ['do: [{ a: { if: "!.x", set: { x: 1 } } }]', '/do/0/a/if', '| not'],
  ['do: [{ a: { set: { x: "${ .a ? 1 : 2 }" } } }]', '/do/0/a/set/x', 'if … then … else … end'],
  ['do: [{ a: { set: { x: "${ .first-name }" } } }]', '/do/0/a/set/x', 'Write ."first-name"'],
  [
    'do: [{ a: { for: { in: items }, do: [{ b: { set: { x: 1 } } }] } }]',
    '/do/0/a/for/in',
    'Write .items if the field is meant.',
  ],
  ['do: [{ a: { set: { x: "${ context.x }" } } }]', '/do/0/a/set/x', 'Write $context.'],
  ['do: [{ a: { set: { x: "${ env.HOME }" } } }]', '/do/0/a/set/x', 'does not run: env/0'],
  ['do: [{ a: { if: .x = 1, set: { x: 1 } } }]', '/do/0/a/if', 'did you mean "=="?'],
  ['schedule: { every: "${ .x }" }\ndo: [{ a: { set: { x: 1 } } }]', '/schedule/every', 'before a run'],
  ['schedule: {}\ndo: [{ a: { set: { x: 1 } } }]', '/schedule', 'is empty'],
  ['schedule: { cron: 0 9 * * *, every: PT1H }\ndo: [{ a: { set: { x: 1 } } }]', '/schedule', 'only one can be'],
  [
    'do: [{ a: { run: { script: { language: js, code: "let x = (" } } } }]',
    '/do/0/a/run/script/code',
    'line 1, column 10',
  ],
  [
    'do: [{ a: { run: { script: { language: js, source: { endpoint: file:///x.js } } } } }]',
    '/do/0/a/run/script/source/endpoint',
    'does not bring it with it',
  ],
  [
    'do: [{ a: { run: { workflow: { namespace: t, name: f, version: newest } } } }]',
    '/do/0/a/run/workflow/version',
    'Write "latest"',
  ],
  ['do: [{ a: { call: http, with: { method: gett, endpoint: https://x.example } } }]', '/do/0/a/with/method', '"get"?'],
  [
    'do: [{ a: { call: http, with: { method: get, endpoint: ftp://x.example } } }]',
    '/do/0/a/with/endpoint',
    'web server',
  ],
  [
    'do: [{ a: { call: http, with: { method: get, endpoint: { uri: "https://x.example:99999/{id}" } } } }]',
    '/do/0/a/with/endpoint/uri',
    'web server',
  ],
  [
    'do: [{ a: { raise: { error: { type: https://x.example, status: "404" } } } }]',
    '/do/0/a/raise/error/status',
    'must be a whole number or an expression',
  ],
  [
    'do: [{ a: { raise: { error: { type: https://x.example, status: 99999 } } } }]',
    '/do/0/a/raise/error/status',
    'no status',
  ],
  ['do: [{ a: { wait: P1Y } }]', '/do/0/a/wait', 'Write days: P365D.'],
  ['do: [{ a: { timeout: PT5S, set: { x: 1 } } }]', '/do/0/a/timeout', 'timeout: { after: PT5S }'],
  ['do: [{ a: { when: .x, set: { x: 1 } } }]', '/do/0/a/when', 'Write "if".'],
  ['do: [{ a: { set: { x: 1 }, priority: high } }]', '/do/0/a/priority', 'stands under "metadata"'],
  ['do: [{ a: { for: { in: .x, while: .y }, do: [{ b: { set: { x: 1 } } }] } }]', '/do/0/a/for/while', 'beside "for"'],
  [call('authentication: { bearer: { token: x } }'), '/do/0/a/with/authentication', 'in "endpoint"'],
  ['do: [{ a: { try: [{ b: { wait: PT1S } }], catch: { retry: {} } } }]', '/do/0/a/catch/retry', 'without end'],
  [
    'do: [{ a: { set: { x: 1 }, metadata: { callback: true } } }]',
    '/do/0/a/metadata/callback',
    'no call that takes a link',
  ],
  [
    'do: [{ a: { call: mcp, with: { method: tools/list, transport: { stdio: { command: x } } } } }]',
    '/do/0/a/with/transport/stdio',
    'workers start no processes',
  ],
  [
    'do: [{ a: { call: mcp, with: { method: tools/list, transport: { http: { endpoint: https://x.example, header: { a: b } } } } } }]',
    '/do/0/a/with/transport/http/header',
    'Write "headers".',
  ],
  [
    'do: [{ a: { call: asyncapi, with: { document: { endpoint: https://x.example }, operation: o, protocol: kafka, message: { payload: {} } } } }]',
    '/do/0/a/with/protocol',
    'speaks no kafka',
  ],
])('%s', (flow, path, words) => {
  const problems = lint(flow);
  expect(problems.map((problem) => problem.path)).toEqual([path]);
  expect(`${problems[0]!.message} ${problems[0]!.remedy}`).toContain(words);
});

/** What is right and near to those. */
it.each([
  call('headers: { authorization: "Bearer ${ $secrets.KEY }" }', SECRETS),
  `${SECRETS}do: [{ a: { run: { script: { language: js, code: "let x = 1", environment: { KEY: "\${ $secrets.KEY }" } } } } }]`,
  'do: [{ a: { set: { price: costs $5, other: "$x.y", regex: "a{{2}}" } } }]',
  'do: [{ a: { if: .x == 1, set: { x: 1 } } }]',
  `do: [{ a: { if: '.x | test("=")', set: { x: 1 } } }]`,
  'do: [{ a: { call: http, with: { method: PATCH, endpoint: "https://{host}.example/{id}" } } }]',
  'do: [{ a: { call: http, with: { method: get, endpoint: "${ .url }" } } }]',
  'do: [{ a: { call: http, with: { method: get, endpoint: https://x.example }, metadata: { callback: true } } }]',
  'do: [{ a: { raise: { error: { type: https://x.example, status: "${ .status }" } } } }]',
  'do: [{ a: { run: { workflow: { namespace: t, name: f, version: latest } } } }]',
])('%s is taken', (flow) => expect(lint(flow)).toEqual([]));
