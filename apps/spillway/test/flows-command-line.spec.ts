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
    WRONG_FLOWS.forEach(({ lines }, index) => write(`wrong/${String(index + 10)}.yaml`, flowDocument(lines)));
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
    expect([broken.code, broken.out]).toEqual([1, expect.stringMatching(/broken\.yaml:3:\d+: flow: /)]);
    const other = await spillway(['flows', 'validate', write('other.yaml', 'a: 1\n')]);
    expect([other.code, other.out]).toEqual([
      1,
      expect.stringContaining('other.yaml:1:1: flow: this is no flow. Write'),
    ]);
    mkdirSync(join(directory, 'empty'));
    const empty = await spillway(['flows', 'validate', 'empty']);
    expect([empty.code, empty.err]).toEqual([1, expect.stringContaining('there are no flows in empty')]);
    expect((await spillway(['flows', 'validate', 'nowhere'])).err).toBe('spillway: there is no nowhere\n');
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
    const wrong = await spillway(['flows', 'test', write('c.test.yaml', cases('nowhere.yaml'))]);
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringMatching(/c\.test\.yaml: there is no .*nowhere\.yaml/)]);
    expect((await spillway(['flows', 'test', 'good'])).err).toContain('there are no tests of flows in good');
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
