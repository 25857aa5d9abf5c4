/** A Flow document; its tasks begin on line 8. */
export function flowDocument(tasks: string[]): string {
  return [
    'apiVersion: spillway/v1',
    'kind: Flow',
    'metadata:',
    '  name: checked',
    '  tenant: acme',
    'spec:',
    '  do:',
    ...tasks,
    '',
  ].join('\n');
}

/** Flows with one mistake each, and what is said of it. */
export const WRONG_FLOWS: { lines: string[]; line: number; column: number; path: string; says: RegExp }[] = [
  {
    lines: ['    - charge:', '        call: http', '        with:', '          method: post'],
    line: 10,
    column: 9,
    path: '/do/0/charge/with',
    says: /"endpoint"/,
  },
  {
    lines: ['    - charge:', '        call: payments.charg', '        with: {}'],
    line: 9,
    column: 9,
    path: '/do/0/charge/call',
    says: /names the function "payments\.charg", which does not exist/,
  },
  {
    lines: ['    - a.b/c:', '        set:', '          x: 1', '          y.z/w: ${ .a + }'],
    line: 11,
    column: 11,
    path: '/do/0/a.b~1c/set/y.z~1w',
    says: /is not valid jq: .*line 1, column 7/,
  },
  {
    lines: ['    - a:', '        set: { x: 1 }', '    - a.call:', '        call: nobody.knows'],
    line: 11,
    column: 9,
    path: '/do/1/a.call/call',
    says: /nobody\.knows/,
  },
  {
    lines: ['    - 7:', '        set: { x: 1 }', '        then: nowhere'],
    line: 10,
    column: 9,
    path: '/do/0/7/then',
    says: /"nowhere"/,
  },
  {
    lines: ['    - pause:', '        wait: 5 minutes'],
    line: 9,
    column: 9,
    path: '/do/0/pause/wait',
    says: /5 minutes/,
  },
  {
    lines: ['    - guard:', '        try:', '          - inner:', '              sett: {}', '        catch: {}'],
    line: 11,
    column: 15,
    path: '/do/0/guard/try/0/inner/sett',
    says: /did you mean "set"\? Write "set"\.$/,
  },
  {
    lines: [
      '    - pay:',
      '        call: http',
      '        with:',
      '          method: get',
      '          endpoint: https://api.example.com',
      '          headers: { x.y: \'${ "Bearer \\($secrets.key)" }\' }',
    ],
    line: 13,
    column: 22,
    path: '/do/0/pay/with/headers/x.y',
    says: /use\.secrets/,
  },
];
