import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BACKENDS, eventually, ThirdParty } from '@spillway/testing';
import { commandLine, processLine } from './flows/command-line';
import { flowDocument, WRONG_FLOWS } from './flows/wrong-flows';
import { Stack } from './stack';

const EXAMPLES = join(__dirname, '../../../docs/examples/flows');

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'spillway-flows-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = join(directory, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

describe('flows without a server', () => {
  const spillway = commandLine(() => ({ directory, environment: {} }));

  it('validate says where each mistake is and what to do, and fails', async () => {
    WRONG_FLOWS.forEach(({ lines }, index) =>
      write(`wrong/${index + 10}.yaml`, flowDocument(lines).replace('name: checked', `name: checked-${index}`)),
    );
    const { code, out } = await spillway(['flows', 'validate', 'wrong']);
    expect(code).toBe(1);
    const told = out.split('\n');
    WRONG_FLOWS.forEach(({ line, column, path, says }, index) => {
      const place = `wrong/${index + 10}.yaml:${line}:${column}: ${path}: `;
      const found = told.find((one) => one.startsWith(place)) ?? `nothing at ${place}`;
      expect(found).toMatch(says);
    });
    expect(told.at(-2)).toBe(`${WRONG_FLOWS.length} flows, ${WRONG_FLOWS.length} errors, 0 warnings`);
  });

  it('apply says the same before it asks the server for anything', async () => {
    const { code, err } = await spillway(['apply', '-f', 'wrong'], { SPILLWAY_URL: 'http://127.0.0.1:1' });
    expect(code).toBe(1);
    const told = err.split('\n').map((one) => one.replace('spillway: ', '').trim());
    WRONG_FLOWS.forEach(({ line, path, says }, index) => {
      const found = told.find((one) => one.startsWith(`wrong/${index + 10}.yaml:${line}: ${path}: `));
      expect(found ?? err).toMatch(says);
    });
  });

  it('validate takes bare definitions in YAML and JSON, passes other documents by, and shows warnings', async () => {
    const document = { dsl: '1.0.3', namespace: 'acme', name: 'bare', version: '1.0.0' };
    write('good/bare.json', JSON.stringify({ document, do: [{ note: { set: { a: 1 } } }] }));
    write(
      'good/others.yaml',
      'apiVersion: spillway/v1\nkind: Tenant\nmetadata: { name: acme }\n---\nunrelated: true\n',
    );
    write(
      'good/flow.yaml',
      flowDocument(['    - odd:', '        set: { a: 1 }', '        metadata: { priorty: high }']),
    );
    const good = await spillway(['flows', 'validate', 'good']);
    expect(good.code).toBe(0);
    expect(good.out).toMatch(
      /^good\/flow\.yaml:10:21: warning: \/do\/0\/odd\/metadata\/priorty: .*did you mean "priority"/,
    );
    expect(good.out).toMatch(/2 flows, 0 errors, 1 warning\n$/);

    const bare = write(
      'bare.yaml',
      ['document:', '  dsl: 1.0.3', '  name: bare', 'do:', '  - a: { sett: {} }'].join('\n'),
    );
    const bad = await spillway(['flows', 'validate', bare]);
    expect(bad.out).toMatch(/bare\.yaml:1:1: \/document: .*"namespace"/);
    expect(bad.out).toMatch(/bare\.yaml:5:10: \/do\/0\/a\/sett: .*did you mean "set"/);
    expect(bad.code).toBe(1);
  });

  it('validate says what is no YAML, what is no flow, and where nothing is', async () => {
    const broken = await spillway(['flows', 'validate', write('broken.yaml', 'do:\n  - a: [1\n  - b: 2\n')]);
    expect([broken.code, broken.out]).toEqual([
      1,
      expect.stringMatching(/broken\.yaml:3:3: a "\[" before this is not closed\. Write "\]"/),
    ]);
    const other = await spillway(['flows', 'validate', write('other.yaml', 'a: 1\n')]);
    expect([other.code, other.out]).toEqual([1, expect.stringContaining('other.yaml:1:1: this is no flow. Write')]);
    mkdirSync(join(directory, 'empty'));
    const empty = await spillway(['flows', 'validate', 'empty']);
    expect([empty.code, empty.err]).toEqual([1, expect.stringContaining('there are no flows in empty')]);
    expect((await spillway(['flows', 'validate', 'nowhere'])).err).toBe('spillway: there is no nowhere\n');
  });

  it('validate looks into what a flow refers to, in its own folder and below', async () => {
    write('secret.json', '{"type":"object"}');
    const pets = {
      openapi: '3.0.3',
      servers: [{ url: 'https://x.example' }],
      paths: { '/': { get: { operationId: 'pets' } } },
    };
    write('within/pets.json', JSON.stringify(pets));
    const call = (endpoint: string, operationId: string) => ({
      call: 'openapi',
      with: { document: { endpoint }, operationId },
    });
    const schema = (endpoint: string) => ({ set: { x: 1 }, output: { schema: { resource: { endpoint } } } });
    const tasks = [
      { right: call('file:///pets.json', 'pets') },
      { wrong: call('file:///pets.json', 'petz') },
      { above: schema('file:///x%2F..%2F..%2Fsecret.json') },
      { broken: schema('file:///%E0%A4') },
    ];
    const document = { dsl: '1.0.3', namespace: 'a', name: 'b', version: '1.0.0' };
    const { code, out } = await spillway([
      'flows',
      'validate',
      write('within/flow.json', JSON.stringify({ document, do: tasks })),
    ]);
    const told = out.split('\n').map((line) => line.replace(/^.*flow\.json:\d+:\d+: /, ''));
    expect(code).toBe(1);
    expect(told).toEqual([
      '/do/1/wrong/with: "with" of task "wrong": the document has no operation petz; the nearest are pets. Mend the reference.',
      expect.stringContaining(
        'secret.json cannot be read: it is not in the folder of the flow. Move it there, or below.',
      ),
      expect.stringContaining('/%E0%A4 cannot be read: its escapes are no UTF-8'),
      '1 flow, 3 errors, 0 warnings',
      '',
    ]);
  });

  it('graph draws one flow of a file, and asks which when there are several', async () => {
    const two = flowDocument(['    - first:', '        set: { a: 1 }']);
    const file = write(
      'two.yaml',
      `${two}\n---\n${two.replace('name: checked', 'name: other').replace('first', 'second')}`,
    );
    const drawn = await spillway(['flows', 'graph', file, '--flow', 'other']);
    expect(drawn.out).toMatch(/^flowchart TD\n/);
    expect(drawn.out).toContain('second');
    const asked = await spillway(['flows', 'graph', file]);
    expect([asked.code, asked.err]).toEqual([1, expect.stringContaining('Name one of: checked, other.')]);
  });
});

describe('what keeps a document from being looked at', () => {
  const spillway = commandLine(() => ({
    directory,
    environment: { SPILLWAY_URL: 'http://127.0.0.1:1', SPILLWAY_API_KEY: 'k' },
  }));
  const FLOW = flowDocument(['    - a:', '        set: { x: 1 }']);
  const other = (name: string) => FLOW.replace('name: checked', `name: ${name}`);

  /** What validate says, and that apply says the same, which names no columns. */
  async function toldOf(path: string): Promise<string[]> {
    const { out } = await spillway(['flows', 'validate', path]);
    const { code, err } = await spillway(['apply', '-f', path]);
    const told = out.trimEnd().split('\n').slice(0, -1);
    const applied = err.split('\n').map((line) => line.replace('spillway: ', '').trim());
    expect(applied.filter(Boolean)).toEqual(told.map((line) => line.replace(/^(.*?:\d+):\d+:/, '$1:')));
    expect(code).toBe(1);
    return told;
  }

  it.each([
    ['yaml', 'x: { y: ${ .z } }', "1:9: an expression needs quotes here. Put the expression in quotes: y: '${ .z }'."],
    ['tag', FLOW.replace('1 }', '!secret FOO }'), '9:19: Unresolved tag: !secret. Remove it, or put text'],
    ['directive', `%FOO bar\n---\n${FLOW}`, '1:1: Unknown directive %FOO. Remove it'],
    ['circle', FLOW.replace('do:', 'do: &d').replace('1 }', '*d }'), '9:19: *d is within &d itself. Write out'],
    ['deep', FLOW.replace('1 }', `${'['.repeat(3000)}${']'.repeat(3000)} }`), '1:1: it nests too deep. Objects and'],
    ['alias', FLOW.replace('1 }', '*.made }'), '9:19: there is no &.made above for *.made. If it was meant as text'],
    ['merge', FLOW.replace('x: 1', '<<: 1'), '9:16: YAML merge keys (<<) are not supported. Write out'],
    ['key', FLOW.replace('- a:', '- {a: 1}:'), '8:7: a key must be text. Write a word, or put it in quotes.'],
    [
      'kind',
      `${FLOW}---\n${FLOW.replace('kind: Flow', 'kind: Folw')}`,
      '12:1: kind "Folw" is not known; did you mean "Flow"?',
    ],
    ['lower', FLOW.replace('kind: Flow', 'kind: flow'), '2:1: kind "flow" is not known; did you mean "Flow"?'],
    ['strange', FLOW.replace('kind: Flow', 'kind: Service'), '2:1: kind "Service" is not known. There are Plan, '],
    ['none', FLOW.replace('kind: Flow\n', ''), '1:1: the document lacks "kind". Write "kind: …" there.'],
    ['field', FLOW.replace('spec:', 'sepc:'), '6:1: "sepc" is not known here; did you mean "spec"?'],
    ['more', FLOW.replace('spec:', 'status: {}\nspec:'), '6:1: "status" is not known here. Remove it.'],
    ['inner', FLOW.replace('tenant:', 'tenent:'), '5:3: "metadata.tenent" is not known here; did you mean "tenant"?'],
    ['tenant', FLOW.replace('  tenant: acme\n', ''), '3:1: metadata lacks "tenant". Write "tenant: …" there.'],
    [
      'version',
      FLOW.replace('apiVersion: spillway/v1\n', ''),
      '1:1: the document lacks "apiVersion". Write "apiVersion: ',
    ],
    ['text', FLOW.replace(/spec:[^]*/, 'spec: text'), '6:1: spec: must be an object, not text'],
    [
      'empty',
      FLOW.replace(/metadata:[^]*/, 'metadata:\nspec: { do: [] }'),
      '3:1: metadata: must be an object, not nothing',
    ],
    ['spec', FLOW.replace(/spec:[^]*/, ''), '1:1: the document lacks "spec". Write "spec: …" there.'],
  ])('is said once, with its place (%s)', async (name, text, says) => {
    const file = write(`slips/${name}.yaml`, text);
    expect(await toldOf(file)).toEqual([expect.stringContaining(`${file}:${says}`)]);
  });

  it('is not that nothing follows the last ---', async () => {
    for (const end of ['---\n', '---\n# the end\n', '...\n---\n---\n']) {
      const file = write('end.yaml', FLOW + end);
      expect((await spillway(['flows', 'validate', file])).out).toBe('1 flow, 0 errors, 0 warnings\n');
      expect((await spillway(['apply', '-f', file])).err).toContain('nothing answers');
    }
  });

  it('is that a file is not in UTF-8', async () => {
    const file = write('latin.yaml', '');
    writeFileSync(file, FLOW.replace('x: 1', 'x: caf\u00e9'), 'latin1');
    expect(await toldOf(file)).toEqual([`${file}:9:22: this character is not in UTF-8. Save the file as UTF-8.`]);
  });

  it('is that there are two flows of one name', async () => {
    write('twice/a.yaml', `${FLOW}---\n${other('b')}---\n${other('c')}`);
    write('twice/b.yaml', other('b'));
    expect(await toldOf('twice')).toEqual([
      'twice/b.yaml:1:1: the flow acme/b is in twice/a.yaml:11 already. Remove one of the two, or give it another name.',
    ]);
    const again = await spillway(['apply', '-f', 'twice/a.yaml', './twice/a.yaml']);
    expect(again.err).toContain('nothing answers');
  });

  it('does not keep others from it; in a folder, what is not meant for Spillway is passed by', async () => {
    write('mixed/a.yaml', FLOW.replace('do:', 'do: &d').replace('1 }', '*d }'));
    write('mixed/b.yaml', FLOW.replace('set:', 'sett:'));
    write('mixed/compose.yaml', 'one: &one { a: 1 }\ntwo: { <<: *one, a: !b c }\n');
    write('mixed/cluster.yaml', 'apiVersion: apps/v1\nkind: Deployment\n');
    const { out } = await spillway(['flows', 'validate', 'mixed']);
    expect(out).toMatch(/^mixed\/a\.yaml:9:19: .*\nmixed\/b\.yaml:9:9: .*"set".*\n1 flow, 2 errors, 0 warnings\n$/);
  });
});

describe('tests of flows', () => {
  const spillway = commandLine(() => ({ directory, environment: {} }));

  it('those of the examples pass, and the examples have no mistakes', async () => {
    const tested = await processLine(() => ({ directory, environment: {} }))(['flows', 'test', EXAMPLES]);
    expect(tested.out).toMatch(/\n14 passed, 0 failed\n$/);
    expect(tested.code).toBe(0);
    expect((await spillway(['flows', 'validate', EXAMPLES])).out).toContain('5 flows, 0 errors');
  });

  it('say what is not as expected, and fail; the flow is found beside the test, by name where there are several', async () => {
    const two = flowDocument(['    - first:', '        set: { a: 1 }']);
    write('tested/flows.yaml', `${two}\n---\n${two.replace('name: checked', 'name: other').replace('a: 1', 'a: 2')}`);
    const cases = (flow: string) => `apiVersion: spillway/v1
kind: FlowTest
metadata: { name: t }
spec:
  flow: ${flow}
  cases: [{ name: gives one, expect: { output: { a: 1 } } }]
`;
    write('tested/a.test.yaml', cases('flows.yaml#checked'));
    write('tested/b.test.yaml', cases('flows.yaml#other'));
    const { code, out } = await spillway(['flows', 'test', 'tested']);
    expect([code, out]).toEqual([
      1,
      [
        'tested/a.test.yaml',
        '  ok    gives one',
        'tested/b.test.yaml',
        '  WRONG gives one',
        '          output.a: expected 1, received 2',
        '1 passed, 1 failed',
        '',
      ].join('\n'),
    ]);
    expect((await spillway(['flows', 'test', 'good'])).err).toContain('there are no tests of flows in good');
  });
});

describe('tests of flows that cannot be run', () => {
  const spillway = commandLine(() => ({ directory, environment: {} }));
  const test = (flow: string, more = '') =>
    `apiVersion: spillway/v1\nkind: FlowTest\nmetadata: { name: t }\nspec:\n  flow: ${flow}\n  cases:\n    - { name: one${more} }\n`;

  it('are told with their places, and the others are run', async () => {
    const flow = flowDocument(['    - first:', '        set: { a: 1 }']);
    write('told/flow.yaml', flow);
    write('told/wrong.yaml', flow.replace('set:', 'sett:'));
    write('told/a.yaml', `${test('nowhere.yaml')}---\n${test('flow.yaml')}---\n`);
    write('told/b.yaml', test('wrong.yaml'));
    write('told/c.yaml', test('flow.yaml', ', at: noon'));
    write('told/d.yaml', test('flow.yaml', ', input: ${ .a }'));
    write('told/e.yaml', test('flow.yaml'));
    const { code, out, err } = await spillway(['flows', 'test', 'told']);
    const told = out.split('\n');
    const expected = [
      /^told\/a\.yaml$/,
      /^ {2}ok {4}one$/,
      /^ {2}WRONG told\/a\.yaml:5:3: spec\.flow: there is no told\/nowhere\.yaml$/,
      /^told\/b\.yaml$/,
      /^ {2}WRONG told\/wrong\.yaml:9:9: .*did you mean "set"/,
      /^told\/c\.yaml$/,
      /^ {2}WRONG told\/c\.yaml:7:20: spec\.cases\[0\]\.at: .*Write it as docs/,
      /^told\/d\.yaml$/,
      /^ {2}WRONG told\/d\.yaml:7:27: an expression needs quotes here\. Put .*: input: '\$\{ \.a \}'\.$/,
      /^told\/e\.yaml$/,
      /^ {2}ok {4}one$/,
      /^2 passed, 0 failed, tests of 4 files not run$/,
      /^$/,
    ];
    expect([code, err, told.length]).toEqual([1, '', expected.length]);
    expected.forEach((line, index) => expect(told[index]).toMatch(line));
  });
});

describe.each(BACKENDS)('flows and their runs, on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;
  const spillway = commandLine(() => ({
    directory,
    environment: stack.environment,
  }));

  beforeAll(async () => {
    other = await ThirdParty.start();
    stack = await Stack.start(backend);
    await stack.configure();
    const file = write(`${backend}.yaml`, documents(other.url));
    expect(await spillway(['apply', '-f', file])).toMatchObject({ code: 0, err: '' });
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await other?.close();
  }, 60_000);

  beforeEach(() => other.reset());

  /** The run that an event began, once `runs show` says this of it. */
  async function runOf(event: string, says: RegExp): Promise<{ id: string; shown: string }> {
    const id = await eventually(async () => {
      const { out } = await spillway(['runs', 'list', '--event', event]);
      return /(\S+)(?: {2}until .*)?\n/.exec(out.replace('no runs\n', ''))?.[1];
    });
    return { id, shown: await shownAs(id, says) };
  }

  function shownAs(id: string, says: RegExp): Promise<string> {
    return eventually(async () => {
      const { out } = await spillway(['runs', 'show', id]);
      return says.test(out) ? out : undefined;
    });
  }

  it('lists the flows that are applied', async () => {
    const { out } = await spillway(['flows', 'list', '--tenant', 'acme']);
    expect(out).toMatch(/acme\/charge {2}0\.0\.1 {2}change 1 of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}Charges once\n/);
    expect(out).toMatch(/acme\/hold {2}2\.1\.0 /);
    expect((await spillway(['flows', 'list', '--tenant', 'nobody'])).out).toBe('no flows\n');
  });

  it('a run that failed shows why, and goes on from there when it is told to', async () => {
    other.answer = () => ({ status: 400, body: '{"message":"no such card"}' });
    const { id, shown } = await runOf(await stack.send('github', 'push'), /^charge {2}faulted/);
    expect(shown).toMatch(/error +communication 400.* at \/do\/1\/pay/);
    expect(shown).toMatch(/completed {2}note {2}set .*\/do\/0\/note\n +in {2}.*\n +out \{"amount":700\}/);
    expect(shown).toMatch(/faulted {4}pay {2}call/);
    expect((await spillway(['runs', 'list', '--flow', 'charge', '--status', 'faulted'])).out).toContain(id);
    expect((await spillway(['runs', 'cancel', id])).err).toMatch(/the run is faulted: it cannot be ordered to cancel/);

    other.answer = () => undefined;
    const ordered = await spillway(['runs', 'retry', id, '--reason', 'the card is mended']);
    expect(ordered.out).toBe(`retry was ordered; see: spillway runs show ${id}\n`);
    expect(await shownAs(id, /^charge {2}completed/)).toMatch(/output +\{"paid":700\}/);
    expect(other.calls.map(({ path }) => path)).toEqual(['/pay', '/pay']);
    const json = JSON.parse((await spillway(['runs', 'show', id, '--json'])).out) as { status: string };
    expect(json.status).toBe('completed');
  }, 60_000);

  it('a run is halted, resumed and cancelled, and what it did is undone', async () => {
    const { id, shown } = await runOf(await stack.send('github', 'ping'), /^hold {2}waiting/);
    expect(shown).toMatch(/waits +time \(task "pause"\)\n +no longer than \d{4}-/);
    expect((await spillway(['runs', 'list', '--status', 'waiting'])).out).toMatch(new RegExp(`${id} {2}until \\d{4}-`));
    await spillway(['runs', 'suspend', id]);
    await shownAs(id, /^hold {2}suspended/);
    await spillway(['runs', 'resume', id]);
    await shownAs(id, /^hold {2}waiting/);
    expect((await spillway(['runs', 'graph', id])).out).toMatch(/^flowchart TD[^]*undone by/);
    await spillway(['runs', 'cancel', id, '--reason', 'no longer wanted']);
    await shownAs(id, /^hold {2}cancelled/);
    expect(other.calls.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /room', 'DELETE /room']);
    expect((await spillway(['runs', 'retry', id])).err).toMatch(/the run is cancelled: it cannot be ordered to retry/);
  }, 60_000);

  it('what a flow refers to is published with it: files, and what was on the web when it was applied', async () => {
    const folder = `embedded-${backend}`;
    const web = await ThirdParty.start();
    const api = { openapi: '3.0.3', info: { title: 'a', version: '1' }, servers: [{ url: other.url }] };
    const paths = { '/pets': { get: { operationId: 'pets', responses: { 200: { $ref: 'answers.yaml#/ok' } } } } };
    write(`${folder}/api/pets.yaml`, JSON.stringify({ ...api, paths }));
    write(`${folder}/api/answers.yaml`, 'ok: { description: fine }');
    write(`${folder}/shared/functions/greet/1.0.0/function.yaml`, "set: { greeting: '\${ .name }' }");
    web.answer = () => ({ status: 200, body: '{"type":"object","required":["type"]}' });
    const text = `
apiVersion: spillway/v1
kind: Flow
metadata: { tenant: acme, name: embedded }
spec:
  schedule: { on: { one: { with: { type: github.issues.opened } } } }
  use: { catalogs: { own: { endpoint: 'file:///shared' } } }
  do:
    - first: { set: { type: x }, output: { schema: { resource: { endpoint: ${web.url}/schema.json } } } }
    - greet: { call: greet:1.0.0@own, with: { name: Ada } }
    - pets: { call: openapi, with: { document: { endpoint: file:///api/pets.yaml }, operationId: pets } }
`;
    const file = write(`${folder}/flow.yaml`, text);
    expect(await spillway(['apply', '-f', file])).toMatchObject({ code: 0, err: '' });
    await web.close();
    rmSync(join(directory, folder), { recursive: true });
    other.answer = () => ({ status: 200, body: '{"pets":2}' });
    const { shown } = await runOf(await stack.send('github', 'issues.opened'), /^embedded {2}(completed|faulted)/);
    expect(shown).toMatch(/^embedded {2}completed/);
    expect(shown).toContain('out {"greeting":"Ada"}');
    expect(shown).toMatch(/output +\{"pets":2\}/);
    expect(other.calls.map(({ path }) => path)).toEqual(['/pets']);

    const gone = write(`${folder}/flow.yaml`, text);
    const { code, err } = await spillway(['apply', '-f', gone]);
    expect(code).toBe(1);
    expect(err).toMatch(/flow\.yaml:\d+: \/do\/1\/greet\/call: .*function\.yaml cannot be read: there is no such file/);
    expect(err).toMatch(/\/do\/0\/first\/output\/schema\/resource: .*127\.0\.0\.1.*cannot be read/);
    // Once for each of the three.
    expect(err.match(/^.*flow\.yaml:\d+: /gm)).toHaveLength(3);
  }, 60_000);

  it('what is not there is said', async () => {
    expect((await spillway(['runs', 'show', 'nothing'])).err).toContain('there is no run nothing');
    expect((await spillway(['runs', 'list', '--flow', 'nothing'])).out).toBe('no runs\n');
  });
});

function documents(url: string): string {
  return `
apiVersion: spillway/v1
kind: Route
metadata: { tenant: acme, name: charge }
spec: { match: { types: [github.push] }, to: { flow: charge } }
---
apiVersion: spillway/v1
kind: Route
metadata: { tenant: acme, name: hold }
spec: { match: { types: [github.ping] }, to: { flow: hold } }
---
apiVersion: spillway/v1
kind: Flow
metadata: { tenant: acme, name: charge }
spec:
  description: Charges once
  do:
    - note:
        set: { amount: 700 }
    - pay:
        call: http
        with: { method: post, endpoint: ${url}/pay, body: { amount: '\${ .amount }' } }
        output: { as: '{ paid: 700 }' }
---
apiVersion: spillway/v1
kind: Flow
metadata: { tenant: acme, name: hold }
spec:
  document: { version: 2.1.0 }
  do:
    - book:
        call: http
        with: { method: post, endpoint: ${url}/room }
        metadata:
          compensate: { call: http, with: { method: delete, endpoint: ${url}/room } }
    - pause:
        wait: PT1H
`;
}
