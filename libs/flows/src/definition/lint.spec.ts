import { lintFlow, parseFlow, type Problem } from '.';

const HEAD = 'document: { dsl: 1.0.3, namespace: test, name: wrong, version: 1.0.0 }\n';
const OPTIONS = {
  knownFunctions: (name: string) => name === 'spillway.notify',
  functionNames: ['spillway.notify'],
};

function lint(flow: string): Problem[] {
  return lintFlow(parseFlow(HEAD + flow).definition, OPTIONS);
}

interface Wrong {
  flow: string;
  path: string;
  message: string;
  remedy: string;
  severity?: 'warning';
}

/** Each has one mistake, and gets one line. */
const WRONG: Wrong[] = [
  {
    flow: 'do: [{ charge: { call: http, wiht: { method: post, endpoint: https://example.com } } }]',
    path: '/do/0/charge/wiht',
    message: 'task "charge" has no property "wiht"; did you mean "with"?',
    remedy: 'Write "with".',
  },
  {
    flow: 'do: [{ charge: { call: http, with: { metod: post, endpoint: https://example.com } } }]',
    path: '/do/0/charge/with/metod',
    message: '"with" of task "charge" has no property "metod"; did you mean "method"?',
    remedy: 'Write "method".',
  },
  {
    flow: 'do: [{ charge: { call: http, with: { endpoint: https://example.com } } }]',
    path: '/do/0/charge/with',
    message: '"with" of task "charge" lacks "method"',
    remedy: 'Add "method".',
  },
  {
    flow: 'do: [{ charge: { call: http } }]',
    path: '/do/0/charge',
    message: 'task "charge" lacks "with"',
    remedy: 'Add "with".',
  },
  {
    flow: 'do: [{ charge: { cal: http, with: { method: get, endpoint: https://example.com } } }]',
    path: '/do/0/charge/cal',
    message: 'task "charge" has no property "cal"; did you mean "call"?',
    remedy: 'Write "call".',
  },
  {
    flow: 'do: [{ charge: { method: post } }]',
    path: '/do/0/charge',
    message: 'task "charge" is of no kind: it has only "method"',
    remedy: 'Give it one of call, fork, emit, for, listen, raise, run, set, switch, try, wait, do.',
  },
  {
    flow: 'do: [{ charge: {} }]',
    path: '/do/0/charge',
    message: 'task "charge" is of no kind: nothing says what it does',
    remedy: 'Give it one of call, fork, emit, for, listen, raise, run, set, switch, try, wait, do.',
  },
  {
    flow: 'do: [{ charge: }]',
    path: '/do/0/charge',
    message: 'task "charge" must be an object, not null',
    remedy: 'Give it one of call, fork, emit, for, listen, raise, run, set, switch, try, wait, do.',
  },
  {
    flow: 'do: [{ charge: { call: http, with: { method: get, endpoint: https://example.com }, set: { a: 1 } } }]',
    path: '/do/0/charge',
    message: 'task "charge" is of 2 kinds, "call" and "set"; a task is of one',
    remedy: 'Make a task of each.',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 } }, b: { set: { x: 1 } } }]',
    path: '/do/0',
    message: 'item 1 of "do" has 2 names (a, b); an item of a list has one',
    remedy: 'Begin each with a dash of its own.',
  },
  {
    flow: 'do: [{}]',
    path: '/do/0',
    message: 'item 1 of "do" is empty; it needs a task',
    remedy: 'Add a task.',
  },
  {
    flow: 'do: { charge: { set: { x: 1 } } }',
    path: '/do',
    message: '"do" must be a list, not an object',
    remedy: 'Write a list.',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 } } }]\ntimout: { after: PT1M }',
    path: '/timout',
    message: 'the flow has no property "timout"; did you mean "timeout"?',
    remedy: 'Write "timeout".',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 } } }]\ntimeout: { after: 5 minutes }',
    path: '/timeout/after',
    message: '"timeout.after" must be an expression in ${ } or a duration such as PT30S; it is "5 minutes"',
    remedy: 'Write an expression in ${ } or a duration such as PT30S.',
  },
  {
    flow: 'do: [{ a: { wait: P1M } }]',
    path: '/do/0/a/wait',
    message: '"wait" of task "a": "P1M" counts in months, and a month has no fixed length',
    remedy: 'Write days: P30D.',
  },
  {
    flow: 'do: [{ a: { wait: { minuts: 5 } } }]',
    path: '/do/0/a/wait/minuts',
    message: '"wait" of task "a" has no property "minuts"; did you mean "minutes"?',
    remedy: 'Write "minutes".',
  },
  {
    flow: 'do: [{ a: { wait: { minutes: -5 } } }]',
    path: '/do/0/a/wait',
    message: '"wait" of task "a": "minutes" of a duration must be a number from 0, not -5',
    remedy: 'Write PT30S, PT5M, PT2H, P3D, or parts such as { minutes: 5 }.',
  },
  {
    flow: 'do: [{ a: { wait: 30 } }]',
    path: '/do/0/a/wait',
    message:
      '"wait" of task "a" must be parts such as { minutes: 5 }, an expression in ${ } or a duration such as PT30S, not a number',
    remedy: 'Write parts such as { minutes: 5 }, an expression in ${ } or a duration such as PT30S.',
  },
  {
    flow: 'do: [{ a: { call: http, with: { method: get, endpoint: example.com/x } } }]',
    path: '/do/0/a/with/endpoint',
    message:
      '"with.endpoint" of task "a" must be an expression in ${ } or a URL such as https://example.com/{id}; it is "example.com/x"',
    remedy: 'Write an expression in ${ } or a URL such as https://example.com/{id}.',
  },
  {
    flow: 'do: [{ a: { call: http, with: { method: get, endpoint: "https://example.com/${ .id }" } } }]',
    path: '/do/0/a/with/endpoint',
    message:
      '"with.endpoint" of task "a" must be an expression in ${ } or a URL such as https://example.com/{id}; it is "https://example.com/${ .id }"',
    remedy: 'Make the whole text one expression: ${ "https://example.com/\\(.id)" }.',
  },
  {
    flow: 'do: [{ a: { call: http, with: { method: get, endpoint: { uri: https://example.com, authentication: { baerer: { token: x } } } } } }]',
    path: '/do/0/a/with/endpoint/authentication/baerer',
    message: '"with.endpoint.authentication" of task "a" has no property "baerer"; did you mean "bearer"?',
    remedy: 'Write "bearer".',
  },
  {
    flow: 'do: [{ a: { call: http, with: { method: get, endpoint: { uri: https://example.com, authentication: { basic: { username: x } } } } } }]',
    path: '/do/0/a/with/endpoint/authentication/basic',
    message: '"with.endpoint.authentication.basic" of task "a" lacks "password"',
    remedy: 'Add "password".',
  },
  {
    flow: 'do: [{ a: { call: http, with: { method: get, endpoint: { uri: https://example.com, authentication: { use: crm } } } } }]',
    path: '/do/0/a/with/endpoint/authentication/use',
    message: '"with.endpoint.authentication.use" of task "a" names "crm", which use.authentications does not have',
    remedy: 'Define it under use.authentications.',
  },
  {
    flow: 'use: { secrets: [crmLogin] }\ndo: [{ a: { call: http, with: { method: get, endpoint: { uri: https://example.com, authentication: { basic: { use: crmLogn } } } } } }]',
    path: '/do/0/a/with/endpoint/authentication/basic/use',
    message:
      '"with.endpoint.authentication.basic.use" of task "a" uses the secret "crmLogn", which use.secrets does not list; did you mean "crmLogin"?',
    remedy: 'Write "crmLogin".',
  },
  {
    flow: 'do: [{ a: { call: http, with: { method: get, endpoint: https://example.com, headers: { authorization: "Bearer ${ $secrets.token }" } } } }]',
    path: '/do/0/a/with/headers/authorization',
    message: '"with.headers.authorization" of task "a" uses the secret "token", which use.secrets does not list',
    remedy: 'Add "token" to use.secrets.',
  },
  {
    flow: 'use: { secrets: [token] }\ndo: [{ a: { set: { t: "${ $secrets.token }" } } }]',
    path: '/do/0/a/set/t',
    message: '"set.t" of task "a" puts a secret into the run\'s data, where people can read it',
    remedy: 'Name $secrets where it is used: in the "with" of a call.',
    severity: 'warning',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 }, then: shp } }, { ship: { set: { x: 1 } } }]',
    path: '/do/0/a/then',
    message: '"then" of task "a" names "shp", which is no task of the same list; did you mean "ship"?',
    remedy: 'Name a task of the same list (a, ship), continue, exit or end.',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 }, then: inner } }, { b: { do: [{ inner: { set: { x: 1 } } }] } }]',
    path: '/do/0/a/then',
    message: '"then" of task "a" names "inner", which is no task of the same list; that one is in /do/1/b/do',
    remedy: 'Name a task of the same list (a, b), continue, exit or end.',
  },
  {
    flow: 'do: [{ a: { fork: { branches: [{ l: { set: { x: 1 }, then: r } }, { r: { set: { x: 1 } } }] } } }]',
    path: '/do/0/a/fork/branches/0/l/then',
    message: '"then" of task "l" names "r", another branch; branches run side by side',
    remedy: 'Put what follows into the same branch, in a do.',
  },
  {
    flow: 'do: [{ a: { switch: [{ big: { when: .x > 1, then: bigg } }, { other: { then: end } }] } }]',
    path: '/do/0/a/switch/0/big/then',
    message: '"switch.0.big.then" of task "a" names "bigg", which is no task of the same list',
    remedy: 'Name a task of the same list (a), continue, exit or end.',
  },
  {
    flow: 'do: [{ a: { switch: [{ x: { then: exit } }, { y: { then: end } }] } }]',
    path: '/do/0/a/switch/1/y',
    message: 'task "a" has two cases without "when", "x" and "y"; one can be the default',
    remedy: 'Give "y" a "when".',
  },
  {
    flow: 'do: [{ a: { switch: [{ big: { when: .x > 1, than: end } }] } }]',
    path: '/do/0/a/switch/0/big/than',
    message: '"switch.0.big" of task "a" has no property "than"; did you mean "then"?',
    remedy: 'Write "then".',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 } } }, { a: { set: { x: 2 } } }]',
    path: '/do/1/a',
    message: 'there are two tasks "a" in /do',
    remedy: 'Give one of them another name.',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 }, then: c } }, { b: { set: { x: 2 } } }, { c: { set: { x: 1 } } }]',
    path: '/do/1/b',
    message: 'task "b" is never reached',
    remedy: 'Let a task go on to it, or take it out.',
    severity: 'warning',
  },
  {
    flow: 'do: [{ a: { if: .x >, set: { x: 1 } } }]',
    path: '/do/0/a/if',
    message:
      '"if" of task "a" is not valid jq: an expression is missing (at "end of the expression"), line 1, column 5 of the expression',
    remedy: 'Mend the jq expression.',
  },
  {
    flow: 'do: [{ a: { if: $nope == 1, set: { x: 1 } } }]',
    path: '/do/0/a/if',
    message: '"if" of task "a" names $nope, which does not exist here',
    remedy: 'There are $context, $input, $output, $secrets, $task, $workflow, $runtime, $authorization.',
  },
  {
    flow: 'do: [{ a: { set: { x: "${ $contxt.y }" } } }]',
    path: '/do/0/a/set/x',
    message: '"set.x" of task "a" names $contxt, which does not exist here; did you mean $context?',
    remedy: 'There are $context, $input, $output, $secrets, $task, $workflow, $runtime, $authorization.',
  },
  {
    flow: 'do: [{ a: { set: { x: "${ .y" } } }]',
    path: '/do/0/a/set/x',
    message: '"set.x" of task "a" is not valid jq: the expression is not closed, line 1, column 1 of the expression',
    remedy: 'Mend the jq expression.',
  },
  {
    flow: 'do: [{ a: { set: { x: .y } } }]',
    path: '/do/0/a/set/x',
    message: '"set.x" of task "a" is the text ".y", not an expression',
    remedy: 'Write ${ .y } if it is one.',
    severity: 'warning',
  },
  {
    flow: 'do: [{ a: { set: { x: "${ $output.y }" } } }]',
    path: '/do/0/a/set/x',
    message: '"set.x" of task "a" names $output, which has no value here',
    remedy: 'Here there are $context, $input, $secrets, $task, $workflow, $runtime, $authorization.',
    severity: 'warning',
  },
  {
    flow: 'do: [{ a: { set: { x: "${ env }" } } }]',
    path: '/do/0/a/set/x',
    message:
      '"set.x" of task "a" has jq that Spillway does not run: env/0 is not supported here, line 1, column 2 of the expression',
    remedy: 'Write it without that.',
  },
  {
    flow: 'do: [{ a: { for: { in: ".x | map(" }, do: [{ b: { set: { x: 1 } } }] } }]',
    path: '/do/0/a/for/in',
    message:
      '"for.in" of task "a" is not valid jq: an expression is missing (at "end of the expression"), line 1, column 10 of the expression',
    remedy: 'Mend the jq expression.',
  },
  {
    flow: 'do: [{ a: { for: { each: $pet, in: .pets }, do: [{ b: { set: { x: 1 } } }] } }]',
    path: '/do/0/a/for/each',
    message: '"for.each" of task "a" is "$pet", which cannot name a variable',
    remedy: 'Use letters, digits and _, and no $.',
  },
  {
    flow: 'do: [{ a: { for: { each: input, in: .pets }, do: [{ b: { set: { x: 1 } } }] } }]',
    path: '/do/0/a/for/each',
    message: '"for.each" of task "a" would hide $input',
    remedy: 'Give it another name.',
  },
  {
    flow: 'do: [{ a: { for: { each: pet, in: .pets }, do: [{ b: { set: { x: 1 } } }] } }, { c: { set: { x: "${ $pet }" } } }]',
    path: '/do/1/c/set/x',
    message: '"set.x" of task "c" names $pet, which does not exist here',
    remedy: 'There are $context, $input, $output, $secrets, $task, $workflow, $runtime, $authorization.',
  },
  {
    flow: 'do: [{ a: { for: { each: pet }, do: [{ b: { set: { x: 1 } } }] } }]',
    path: '/do/0/a/for',
    message: '"for" of task "a" lacks "in"',
    remedy: 'Add "in".',
  },
  {
    flow: 'do: [{ a: { timeout: shrt, set: { x: 1 } } }]\nuse: { timeouts: { short: { after: PT1S } } }',
    path: '/do/0/a/timeout',
    message: '"timeout" of task "a" names "shrt", which use.timeouts does not have; did you mean "short"?',
    remedy: 'Define it under use.timeouts.',
  },
  {
    flow: 'do: [{ a: { raise: { error: gone } } }]',
    path: '/do/0/a/raise/error',
    message: '"raise.error" of task "a" names "gone", which use.errors does not have',
    remedy: 'Define it under use.errors.',
  },
  {
    flow: 'do: [{ a: { raise: { error: { type: https://serverlessworkflow.io/spec/1.0.0/errors/comunication, status: 500 } } } }]',
    path: '/do/0/a/raise/error/type',
    message: '"raise.error.type" of task "a" is no error of the language; did you mean "communication"?',
    remedy: 'Write https://serverlessworkflow.io/spec/1.0.0/errors/communication.',
    severity: 'warning',
  },
  {
    flow: 'do: [{ a: { raise: { error: { type: https://example.com/e } } } }]',
    path: '/do/0/a/raise/error',
    message: '"raise.error" of task "a" lacks "status"',
    remedy: 'Add "status".',
  },
  {
    flow: 'do: [{ a: { try: [{ b: { set: { x: 1 } } }], catch: { retry: twice } } }]',
    path: '/do/0/a/catch/retry',
    message: '"catch.retry" of task "a" names "twice", which use.retries does not have',
    remedy: 'Define it under use.retries.',
  },
  {
    flow: 'do: [{ a: { try: [{ b: { set: { x: 1 } } }], catch: { errors: { with: { type: communication } } } } }]',
    path: '/do/0/a/catch/errors/with/type',
    message: '"catch.errors.with.type" of task "a" is "communication", which is no URI; the types of errors are',
    remedy: 'Write https://serverlessworkflow.io/spec/1.0.0/errors/communication.',
    severity: 'warning',
  },
  {
    flow: 'do: [{ a: { try: [{ b: { set: { x: 1 } } }] } }]',
    path: '/do/0/a',
    message: 'task "a" lacks "catch"',
    remedy: 'Add "catch".',
  },
  {
    flow: 'do: [{ a: { try: [{ b: { set: { x: 1 } } }], catch: { when: $err.status == 1 } } }]',
    path: '/do/0/a/catch/when',
    message: '"catch.when" of task "a" names $err, which does not exist here',
    remedy: 'There are $context, $input, $output, $secrets, $task, $workflow, $runtime, $authorization, $error.',
  },
  {
    flow: 'do: [{ a: { try: [{ b: { set: { x: 1 } } }], catch: { retry: { delay: PT1S, backof: { linear: {} } } } } }]',
    path: '/do/0/a/catch/retry/backof',
    message: '"catch.retry" of task "a" has no property "backof"; did you mean "backoff"?',
    remedy: 'Write "backoff".',
  },
  {
    flow: 'do: [{ a: { try: [{ b: { set: { x: 1 } } }], catch: { retry: { backoff: { linear: {}, constant: {} } } } } }]',
    path: '/do/0/a/catch/retry/backoff',
    message: '"catch.retry.backoff" of task "a" has "constant" and "linear", of which only one can be',
    remedy: 'Keep one of them.',
  },
  {
    flow: 'do: [{ a: { call: chargeCard } }]\nuse: { functions: { chargeCards: { set: { x: 1 } } } }',
    path: '/do/0/a/call',
    message: '"call" of task "a" names the function "chargeCard", which does not exist; did you mean "chargeCards"?',
    remedy:
      'Define it under use.functions, or call one of chargeCards, spillway.notify, http, openapi, grpc, asyncapi, mcp.',
  },
  {
    flow: 'do: [{ a: { call: spillway.notfy } }]',
    path: '/do/0/a/call',
    message:
      '"call" of task "a" names the function "spillway.notfy", which does not exist; did you mean "spillway.notify"?',
    remedy: 'Define it under use.functions, or call one of spillway.notify, http, openapi, grpc, asyncapi, mcp.',
  },
  {
    flow: 'do: [{ a: { call: "log:1.0.0@mine" } }]',
    path: '/do/0/a/call',
    message: '"call" of task "a" names the catalog "mine", which use.catalogs does not have',
    remedy: 'Define it under use.catalogs.',
  },
  {
    flow: 'do: [{ a: { call: f } }]\nuse: { functions: { f: { call: g }, g: { do: [{ x: { call: f } }] } } }',
    path: '/use/functions/f',
    message: 'function "f" calls itself, through "g"',
    remedy: 'Use a for task, or run a workflow, to repeat.',
  },
  {
    flow: 'do: [{ a: { call: f } }]\nuse: { functions: { f: { call: f } } }',
    path: '/use/functions/f',
    message: 'function "f" calls itself',
    remedy: 'Use a for task, or run a workflow, to repeat.',
  },
  {
    flow: 'do: [{ a: { call: http, with: { method: get, endpoint: https://example.com } } }]\nuse: { functions: { http: { set: { x: 1 } } } }',
    path: '/use/functions/http',
    message: 'function "http" can never be called: "call: http" is a call of the language',
    remedy: 'Give it another name.',
  },
  {
    flow: 'do: [{ a: { call: a2a, with: { method: message/send } } }]',
    path: '/do/0/a/call',
    message: '"call" of task "a" is not run by Spillway: the A2A protocol is not supported',
    remedy: 'Use "call: http" to post to the agent\'s endpoint, or "call: mcp" if it has one.',
  },
  {
    flow: 'do: [{ a: { run: { container: { image: alpine } } } }]',
    path: '/do/0/a/run/container',
    message: '"run.container" of task "a" is not run by Spillway: workers start no containers',
    remedy: 'Run the image as a service of its own and use "call: http", or write an adapter and call that.',
  },
  {
    flow: 'do: [{ a: { run: { shell: { command: ls } } } }]',
    path: '/do/0/a/run/shell',
    message: '"run.shell" of task "a" is not run by Spillway: workers start no shells',
    remedy: 'Use "run: script" with JavaScript, "call: http", or write an adapter and call that.',
  },
  {
    flow: 'do: [{ a: { run: { script: { language: python, code: print(1) } } } }]',
    path: '/do/0/a/run/script',
    message: '"run.script" of task "a" is not run by Spillway: its language is "python"',
    remedy: 'Write the script in JavaScript ("language: javascript").',
  },
  {
    flow: 'do: [{ a: { run: { script: { language: js } } } }]',
    path: '/do/0/a/run/script',
    message: '"run.script" of task "a" lacks "code" or "source"',
    remedy: 'Add "code" or "source".',
  },
  {
    flow: 'do: [{ a: { run: { await: false } } }]',
    path: '/do/0/a/run',
    message: '"run" of task "a" lacks "container", "script", "shell" or "workflow"',
    remedy: 'Add "container", "script", "shell" or "workflow".',
  },
  {
    flow: 'schedule: { cron: 0 25 * * * }\ndo: [{ a: { set: { x: 1 } } }]',
    path: '/schedule/cron',
    message: '"schedule.cron" "0 25 * * *" is no cron expression: Constraint error, got value 25 expected range 0-23',
    remedy: 'Write minute, hour, day of month, month and day of week: 0 9 * * MON-FRI.',
  },
  {
    flow: 'schedule: { cron: 0 0 }\ndo: [{ a: { set: { x: 1 } } }]',
    path: '/schedule/cron',
    message: '"schedule.cron" "0 0" has 2 fields instead of five',
    remedy: 'Write minute, hour, day of month, month and day of week: 0 9 * * MON-FRI.',
  },
  {
    flow: 'schedule: { every: PT0S }\ndo: [{ a: { set: { x: 1 } } }]',
    path: '/schedule/every',
    message: '"schedule.every" is 0: runs would start without end',
    remedy: 'Write PT1M or more.',
  },
  {
    flow: 'do: [{ a: { listen: { to: { one: { with: {} } } } } }]',
    path: '/do/0/a/listen/to/one/with',
    message: '"listen.to.one.with" of task "a" is empty; it needs a property',
    remedy: 'Add a property.',
  },
  {
    flow: 'do: [{ a: { listen: { to: { one: {} } } } }]',
    path: '/do/0/a/listen/to/one',
    message: '"listen.to.one" of task "a" lacks "with"',
    remedy: 'Add "with".',
  },
  {
    flow: 'do: [{ a: { listen: { to: { all: [] } } } }]',
    path: '/do/0/a/listen/to/all',
    message: '"listen.to.all" of task "a" names no event to wait for',
    remedy: 'Add an event, or write any: [] for every event.',
  },
  {
    flow: 'do: [{ a: { listen: { to: { one: { with: { type: a } }, any: [] } } } }]',
    path: '/do/0/a/listen/to',
    message: '"listen.to" of task "a" has "any" and "one", of which only one can be',
    remedy: 'Keep one of them.',
  },
  {
    flow: 'do: [{ a: { listen: { to: { any: [], until: { any: [], until: "${ true }" } } } } }]',
    path: '/do/0/a/listen/to/until/until',
    message: '"listen.to.until.until" of task "a" is not allowed here',
    remedy: 'Take it out.',
  },
  {
    flow: 'do: [{ a: { listen: { too: { any: [] } } } }]',
    path: '/do/0/a/listen/too',
    message: '"listen" of task "a" has no property "too"; did you mean "to"?',
    remedy: 'Write "to".',
  },
  {
    flow: 'do: [{ a: { listen: { to: { any: [] }, read: evnelope } } }]',
    path: '/do/0/a/listen/read',
    message: '"listen.read" of task "a" must be data, envelope or raw; it is "evnelope"; did you mean "envelope"?',
    remedy: 'Write data, envelope or raw.',
  },
  {
    flow: 'do: [{ a: { emit: { event: { with: { type: a.b } } } } }]',
    path: '/do/0/a/emit/event/with',
    message: '"emit.event.with" of task "a" lacks "source"',
    remedy: 'Add "source".',
  },
  {
    flow: 'do: [{ a: { emit: { event: {} } } }]',
    path: '/do/0/a/emit/event',
    message: '"emit.event" of task "a" lacks "with"',
    remedy: 'Add "with" and in it "source" and "type".',
  },
  {
    flow: 'input: { schema: { document: { type: objekt } } }\ndo: [{ a: { set: { x: 1 } } }]',
    path: '/input/schema/document',
    message: '"input.schema.document" is no valid JSON schema: /type must be equal to one of the allowed values',
    remedy: 'Mend the JSON schema (2020-12, 2019-09 or draft-07).',
  },
  {
    flow: 'input: { schema: { document: { properties: { a: { $ref: "#/$defs/b" } } } } }\ndo: [{ a: { set: { x: 1 } } }]',
    path: '/input/schema/document',
    message: '"input.schema.document" is no valid JSON schema: can\'t resolve reference #/$defs/b from id #',
    remedy: 'Mend the JSON schema (2020-12, 2019-09 or draft-07).',
  },
  {
    flow: 'input: { schema: { format: avro, document: {} } }\ndo: [{ a: { set: { x: 1 } } }]',
    path: '/input/schema/format',
    message: '"input.schema.format" is "avro"; Spillway reads JSON schemas only',
    remedy: 'Write a JSON schema.',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 }, metadata: { priority: urgent } } }]',
    path: '/do/0/a/metadata/priority',
    message: '"metadata.priority" of task "a" is "urgent", which is no priority',
    remedy: 'Write one of critical, high, normal, low.',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 }, metadata: { priority: hihg } } }]',
    path: '/do/0/a/metadata/priority',
    message: '"metadata.priority" of task "a" is "hihg", which is no priority; did you mean "high"?',
    remedy: 'Write one of critical, high, normal, low.',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 }, metadata: { idempotencyKey: "${ .x | }" } } }]',
    path: '/do/0/a/metadata/idempotencyKey',
    message:
      '"metadata.idempotencyKey" of task "a" is not valid jq: an expression is missing (at "end of the expression"), line 1, column 7 of the expression',
    remedy: 'Mend the jq expression.',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 }, metadata: { compensate: { call: http, wth: { method: get, endpoint: https://example.com } } } } }]',
    path: '/do/0/a/metadata/compensate/wth',
    message: '"metadata.compensate" of task "a" has no property "wth"; did you mean "with"?',
    remedy: 'Write "with".',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 }, metadata: { compensate: [{ undo: { set: { y: 1 }, then: nope } }] } } }]',
    path: '/do/0/a/metadata/compensate/0/undo/then',
    message: '"then" of task "undo" names "nope", which is no task of the same list',
    remedy: 'Name a task of the same list (undo), continue, exit or end.',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 }, metadata: { compensate: { call: nope } } } }]',
    path: '/do/0/a/metadata/compensate/call',
    message: '"metadata.compensate.call" of task "a" names the function "nope", which does not exist',
    remedy: 'Define it under use.functions, or call one of spillway.notify, http, openapi, grpc, asyncapi, mcp.',
  },
  {
    flow: 'do: [{ a: { set: { x: 1 }, metadata: { compenstate: { set: { y: 1 } } } } }]',
    path: '/do/0/a/metadata/compenstate',
    message: '"metadata.compenstate" of task "a" means nothing to Spillway; did you mean "compensate"?',
    remedy: 'Write "compensate".',
    severity: 'warning',
  },
  {
    flow: 'do: [{ end: { set: { x: 1 } } }]',
    path: '/do/0/end',
    message: 'no task can go on to task "end": the word is a directive',
    remedy: 'Give it another name.',
    severity: 'warning',
  },
  {
    flow: 'do: []\nuse: { extensions: [{ x: { extend: cal } }] }',
    path: '/use/extensions/0/x/extend',
    message:
      '"use.extensions.0.x.extend" must be call, composite, emit, for, listen, raise, run, set, switch, try, wait or all; it is "cal"; did you mean "call"?',
    remedy: 'Write call, composite, emit, for, listen, raise, run, set, switch, try, wait or all.',
  },
  {
    flow: 'do: [{ a: { call: grpc, with: { proto: { endpoint: https://example.com }, service: { name: s, host: h, port: 70000 }, method: m } } }]',
    path: '/do/0/a/with/service/port',
    message: '"with.service.port" of task "a" must be from 0 to 65535; it is 70000',
    remedy: 'Write a number in between.',
  },
  {
    flow: 'do: [{ a: { call: asyncapi, with: { document: { endpoint: https://example.com }, operation: o } } }]',
    path: '/do/0/a/with',
    message: '"with" of task "a" lacks "message" or "subscription"',
    remedy: 'Add "message" or "subscription".',
  },
  {
    flow: 'do: [{ a: { call: mcp, with: { method: tools/cal, transport: { http: { endpoint: https://example.com } } } } }]',
    path: '/do/0/a/with/method',
    message:
      '"with.method" of task "a" must be tools/list, tools/call, prompts/list, prompts/get, resources/list, resources/read or resources/templates/list; it is "tools/cal"; did you mean "tools/call"?',
    remedy:
      'Write tools/list, tools/call, prompts/list, prompts/get, resources/list, resources/read or resources/templates/list.',
  },
  {
    flow: 'do: [{ a: { set: [1] } }]',
    path: '/do/0/a/set',
    message: '"set" of task "a" must be an object or text, not a list',
    remedy: 'Write an object or text.',
  },
  {
    flow: 'do: [{ a: { set: {} } }]',
    path: '/do/0/a/set',
    message: '"set" of task "a" is empty; it needs a property',
    remedy: 'Add a property.',
  },
  {
    flow: 'do: [{ a: { do: [{ b: { do: [{ c: { call: http, with: { method: get, endpont: https://example.com } } }] } }] } }]',
    path: '/do/0/a/do/0/b/do/0/c/with/endpont',
    message: '"with" of task "c" has no property "endpont"; did you mean "endpoint"?',
    remedy: 'Write "endpoint".',
  },
  {
    flow: 'do: [{ a: { input: { form: .x }, set: { x: 1 } } }]',
    path: '/do/0/a/input/form',
    message: '"input" of task "a" has no property "form"; did you mean "from"?',
    remedy: 'Write "from".',
  },
  {
    flow: 'do: [{ a: { call: asyncapi, with: { document: { endpoint: https://example.com }, message: {} } } }]',
    path: '/do/0/a/with',
    message: '"with" of task "a" lacks "operation" or "channel"',
    remedy: 'Add "operation" or "channel".',
  },
  {
    flow: 'do: [{ a: { try: [{ b: { set: { x: 1 } } }], catch: { errors: { with: { statuss: 404 } } } } }]',
    path: '/do/0/a/catch/errors/with/statuss',
    message: '"catch.errors.with" of task "a" has no property "statuss"; did you mean "status"?',
    remedy: 'Write "status".',
  },
  {
    flow: 'do: [{ a: { try: [{ b: { set: { x: 1 } } }], catch: { then: nowhere } } }]',
    path: '/do/0/a/catch/then',
    message: '"catch.then" of task "a" names "nowhere", which is no task of the same list',
    remedy: 'Name a task of the same list (a), continue, exit or end.',
  },
  {
    flow: 'evaluate: { language: javascript }\ndo: [{ a: { set: { x: 1 } } }]',
    path: '/evaluate/language',
    message: '"evaluate.language" is "javascript"; Spillway knows "jq" only',
    remedy: 'Write "jq".',
  },
  {
    flow: 'do: [{ a: { set: { x: .inf } } }]',
    path: '/do/0/a/set/x',
    message: '"set.x" of task "a" is Infinity, which is no number in JSON',
    remedy: 'Write a number, or text.',
  },
  {
    flow: 'do: [{ a: { try: [{ b: { set: { x: 1 } } }], catch: { retry: { jitter: { from: PT5S, to: PT1S } } } } }]',
    path: '/do/0/a/catch/retry/jitter',
    message: '"catch.retry.jitter" of task "a" begins after it ends',
    remedy: 'Let "from" be less than "to".',
  },
  {
    flow: 'do: [{ a: { listen: { to: { one: { with: { type: a }, correlate: { id: { form: .id } } } } } } }]',
    path: '/do/0/a/listen/to/one/correlate/id/form',
    message: '"listen.to.one.correlate.id" of task "a" has no property "form"; did you mean "from"?',
    remedy: 'Write "from".',
  },
  {
    flow: 'do: [{ a: { listen: { to: { any: [] } }, foreach: { item: e, do: [{ b: { set: { x: "${ $item }" } } }] } } }]',
    path: '/do/0/a/foreach/do/0/b/set/x',
    message: '"set.x" of task "b" names $item, which does not exist here',
    remedy: 'There are $context, $input, $output, $secrets, $task, $workflow, $runtime, $authorization, $e, $index.',
  },
  {
    flow: 'do: [{ a: { set: { "x": 1 }, output: { as: ".x |" } } }]',
    path: '/do/0/a/output/as',
    message:
      '"output.as" of task "a" is not valid jq: an expression is missing (at "end of the expression"), line 1, column 5 of the expression',
    remedy: 'Mend the jq expression.',
  },
  {
    flow: 'do: [{ a: { set: { "x": 1 }, export: { as: { y: "${ .x | nofunction }" } } } }]',
    path: '/do/0/a/export/as/y',
    message:
      '"export.as.y" of task "a" is not valid jq: nofunction/0 is not defined, line 1, column 7 of the expression',
    remedy: 'Write .nofunction if the field is meant.',
  },
  {
    flow: 'do: [{ a: { set: { "x": 1 }, if: 1 } }]',
    path: '/do/0/a/if',
    message: '"if" of task "a" must be text, not a number',
    remedy: 'Write text.',
  },
  {
    flow: 'do: [{ a: { set: { "x": 1 }, then: [b] } }]',
    path: '/do/0/a/then',
    message: '"then" of task "a" must be text, not a list',
    remedy: 'Write text.',
  },
  {
    flow: 'do: [{ a: { run: { workflow: { namespace: a, name: b, version: 1.0.0, inputs: {} } } } }]',
    path: '/do/0/a/run/workflow/inputs',
    message: '"run.workflow" of task "a" has no property "inputs"; did you mean "input"?',
    remedy: 'Write "input".',
  },
  {
    flow: 'do: [{ a: { switch: [] } }]',
    path: '/do/0/a/switch',
    message: '"switch" of task "a" must have at least 1, and is empty',
    remedy: 'Add one.',
  },
  {
    flow: 'do: [{ a: { wait: PT1S } }, 5]',
    path: '/do/1',
    message: 'item 2 of "do" must be a task with a name, not a number',
    remedy: 'Write a task with a name.',
  },
];

describe('a flow with a mistake gets one line that says which', () => {
  it.each(WRONG)('$message', ({ flow, path, message, remedy, severity = 'error' }) => {
    expect(lint(flow)).toEqual([{ path, message, remedy, severity }]);
  });
});

describe('a flow with several mistakes gets a line for each', () => {
  it('of the shape and of what the schema cannot see', () => {
    const flow = 'do: [{ a: { cal: http, if: .x > } }, { b: { set: { x: 1 }, then: c } }, { b: { wait: soon } }]';
    expect(lint(flow).map(({ path }) => path)).toEqual([
      '/do/0/a/cal',
      '/do/2/b/wait',
      '/do/2/b',
      '/do/1/b/then',
      '/do/0/a/if',
    ]);
  });

  it('also when tasks and components are of the wrong type altogether', () => {
    const definition = { document: 1, do: [1, { a: 2 }], use: { functions: 3, secrets: 4 }, schedule: 5, input: 6 };
    expect(lintFlow(definition).map(({ path }) => path)).toEqual([
      '/document',
      '/input',
      '/use/functions',
      '/use/secrets',
      '/do/0',
      '/do/1/a',
      '/schedule',
    ]);
  });
});

describe('the version of the language', () => {
  const flow = (dsl: string) => ({ document: { dsl, namespace: 'a', name: 'b', version: '1.0.0' }, do: [] });

  it.each(['1.0.0', '1.0.3', '1.0.10', '1.0.0-alpha1'])('%s is taken', (dsl) => {
    expect(lintFlow(flow(dsl))).toEqual([]);
  });

  it.each(['0.8.0', '1.1.0', '2.0.0'])('%s is refused', (dsl) => {
    const message = `the flow is written in version ${dsl} of the language; Spillway runs 1.0`;
    expect(lintFlow(flow(dsl))).toMatchObject([{ path: '/document/dsl', message, severity: 'error' }]);
  });
});

describe('what is no mistake', () => {
  it.each([
    [
      'a task that ends the flow on a condition',
      'do: [{ a: { if: .x, set: { y: 1 }, then: end } }, { b: { set: { y: 2 } } }]',
    ],
    [
      'a raise on a condition',
      'do: [{ a: { if: .x, raise: { error: e } } }, { b: { wait: PT1S } }]\nuse: { errors: { e: { type: https://example.com/e, status: 400 } } }',
    ],
    [
      'a jump back',
      'do: [{ a: { wait: PT1S } }, { b: { switch: [{ again: { when: .x, then: a } }] } }, { c: { wait: PT1S } }]',
    ],
    [
      'a loop variable in a nested task',
      'do: [{ a: { for: { each: pet, in: .pets }, while: $pet.ill, do: [{ b: { do: [{ c: { set: { x: "${ $pet }" } } }] } }] } }]',
    ],
    [
      'a caught error in the handler, the condition and the policy',
      'do: [{ a: { try: [{ b: { wait: PT1S } }], catch: { as: e, when: $e.status == 1, retry: { when: "${ $e.status > 1 }", delay: PT1S }, do: [{ c: { set: { x: "${ $e }" } } }] } } }]',
    ],
    [
      'the error of a reusable policy, by the name its users give it',
      'use: { retries: { r: { when: $e.status == 503, delay: PT1S } } }\ndo: [{ a: { try: [{ b: { wait: PT1S } }], catch: { as: e, retry: r } } }]',
    ],
    [
      'a secret that is listed',
      'use: { secrets: [key] }\ndo: [{ a: { call: http, with: { method: get, endpoint: https://example.com, headers: { key: "${ $secrets.key }" } } } }]',
    ],
    ['the word $secrets in a text of an expression', 'do: [{ a: { set: { x: \'${ "$secrets.key" }\' } } }]'],
    ['an expression of several lines', 'do:\n  - a:\n      wait: |\n        ${\n          .x\n        }'],
    [
      'JavaScript with a template of its own',
      'do: [{ a: { run: { script: { language: js, code: "console.log(`${ (x) => x }`)" } } } }]',
    ],
    [
      'a function of the runtime',
      'do: [{ a: { call: spillway.notify, with: { to: "${ .to }" }, metadata: { priority: high, idempotencyKey: "n-${ .id }", team: blue } } }]',
    ],
    [
      'a function of a catalog',
      'use: { catalogs: { mine: { endpoint: https://example.com } } }\ndo: [{ a: { call: "log:1.0.0@mine" } }, { b: { call: "log:1.0.0@default" } }]',
    ],
    [
      'functions that call each other without end',
      'use: { functions: { f: { call: g }, g: { call: h }, h: { wait: PT1S } } }\ndo: [{ a: { call: f } }]',
    ],
    [
      'a compensation',
      'do: [{ a: { set: { x: 1 }, metadata: { compensate: [{ u: { set: { y: 1 }, then: v } }, { v: { wait: PT1S } }] } } }]',
    ],
    [
      'schemas of three dialects',
      'input: { schema: { document: { $schema: http://json-schema.org/draft-07/schema#, type: object } } }\noutput: { schema: { document: { $schema: https://json-schema.org/draft/2019-09/schema, type: object } } }\ndo: [{ a: { wait: PT1S, input: { schema: { document: { $id: "https://example.com/a", format: email } } } } }]',
    ],
    [
      'another standard error family',
      'do: [{ a: { try: [{ b: { wait: PT1S } }], catch: { errors: { with: { type: https://serverlessworkflow.io/dsl/errors/types/communication } }, then: end } } }]',
    ],
    [
      'what a function is called with, whatever it looks like',
      'do: [{ a: { call: spillway.notify, with: { authentication: { use: x }, subscription: { foreach: { do: [{ b: 1 }] } } } } }]',
    ],
    ['a cron with seconds, or a word', 'schedule: { cron: "@daily" }\ndo: []'],
  ])('%s', (_, flow) => {
    expect(lint(flow)).toEqual([]);
  });

  it('a capability, when nobody says which there are', () => {
    const { definition } = parseFlow(`${HEAD}do: [{ a: { call: crm.upsertContact } }]`);
    expect(lintFlow(definition)).toEqual([]);
    expect(lint('do: [{ a: { call: crm.upsertContact } }]')).toHaveLength(1);
  });
});

// A second or so each in plain Node, several within Jest; without limits they take minutes, or do not end.
jest.setTimeout(120_000);

describe('a flow that is meant to be slow to check', () => {
  const flow = (tasks: unknown[]) => ({
    document: { dsl: '1.0.3', namespace: 'a', name: 'b', version: '1.0.0' },
    do: tasks,
  });
  const limited = (definition: unknown) => {
    const before = process.cpuUsage();
    const problems = lintFlow(definition);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(15_000);
    return problems;
  };

  it.each(['do', 'for'])('by %s tasks within each other', (kind) => {
    let task: object = { wait: 'soon' };
    for (let depth = 0; depth < 60; depth += 1)
      task = { do: [{ x: task }], ...(kind === 'for' && { for: { in: '.x' } }) };
    expect(limited(flow([{ x: task }]))).toHaveLength(1);
  });

  it('by tasks that all go on to another that is not there', () => {
    const tasks = Array.from({ length: 2000 }, (_, index) => ({
      [`task${10_000 + index}`]: { wait: 'PT1S', then: `task${20_000 + index}` },
    }));
    expect(limited(flow(tasks))).toHaveLength(2000);
  });

  it('by too many tasks', () => {
    const tasks = Array.from({ length: 2001 }, (_, index) => ({ [`t${index}`]: { wait: 'PT1S' } }));
    expect(limited(flow(tasks))).toMatchObject([{ path: '', message: 'the flow has 2001 tasks' }]);
  });

  it('by properties that do not exist, of which it tells the first 20', () => {
    const unknown = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`witt${index}`, 1]));
    expect(limited(flow([{ a: { wait: 'PT1S', ...unknown } }]))).toHaveLength(20);
  });

  it('by values of the wrong type', () => {
    expect(limited(flow(Array.from({ length: 150_000 }, () => 1)))).toHaveLength(150_000);
  });
});
