import { PermanentError } from '@spillway/contracts';
import { stringify } from 'yaml';
import { EMBEDDED, embedExternals } from './embed';
import { lintFlow } from './lint';
import type { FlowDefinition } from './model';

const flow = (more: object) =>
  ({
    document: { dsl: '1.0.3', namespace: 'n', name: 'f', version: '1.0.0' },
    do: [{ a: { set: { x: 1 } } }],
    ...more,
  }) as FlowDefinition;

/** Gives the texts that are there, and remembers what was asked for. */
function reader(texts: Record<string, string>) {
  const asked: string[] = [];
  const read = (uri: string, kind: string) => {
    asked.push(`${kind} ${uri}`);
    const text = texts[uri];
    if (text === undefined) return Promise.reject(new PermanentError(`${uri} cannot be read`, { code: 'gone' }));
    return Promise.resolve({ [uri]: text });
  };
  return { read, asked };
}

const errors = (definition: unknown) =>
  lintFlow(definition, { published: true }).filter(({ severity }) => severity === 'error');
const SCHEMA = { resource: { endpoint: 'file:///schemas/input.yaml' } };
const LOG = stringify({ input: { schema: SCHEMA }, set: { logged: '${ .message }' } });
const LOGS = stringify({ do: [{ one: { call: 'log:1.0.0@own', with: { message: 'a' } } }] });

describe('what a flow refers to', () => {
  it('is brought into it: functions of its catalogs with what they refer to, and schemas', async () => {
    const given = flow({
      input: { schema: SCHEMA },
      use: { catalogs: { own: { endpoint: { uri: 'file://catalog/' } } } },
      do: [{ all: { call: 'logs:2.0.0@own', with: {} } }, { far: { call: 'https://x.example/function.yaml' } }],
    });
    const { read, asked } = reader({
      'file:///catalog/functions/logs/2.0.0/function.yaml': LOGS,
      'file:///catalog/functions/log/1.0.0/function.yaml': LOG,
      'https://x.example/function.yaml': 'set: { n: 1 }',
      'file:///schemas/input.yaml': 'type: object',
    });
    expect(errors(given)).not.toEqual([]);
    const { definition, problems } = await embedExternals(given, read);
    expect(problems).toEqual([]);
    expect(errors(definition)).toEqual([]);
    expect(definition.input).toEqual({ schema: { document: { type: 'object' } } });
    expect(Object.keys(definition.use!.functions!).sort()).toEqual([
      'https://x.example/function.yaml',
      'log:1.0.0@own',
      'logs:2.0.0@own',
    ]);
    expect(definition.use!.functions!['log:1.0.0@own']!.input).toEqual({ schema: { document: { type: 'object' } } });
    expect(asked.filter((one) => one.startsWith('function'))).toHaveLength(3);
    expect(given.input).toEqual({ schema: SCHEMA });
  });

  it('stays the same when it is done again', async () => {
    const call = { call: 'openapi', with: { document: { endpoint: 'https://x.example/api.json' }, operationId: 'o' } };
    const { read, asked } = reader({ 'https://x.example/api.json': '{}' });
    const once = await embedExternals(flow({ do: [{ ask: call }] }), read);
    const again = await embedExternals(once.definition, read);
    expect(again).toEqual(once);
    expect(asked).toHaveLength(1);
    const task = once.definition.do[0]!['ask'] as unknown as typeof call;
    expect(task.with.document.endpoint).toMatch(new RegExp(`^https://x\\.example/api\\.json${EMBEDDED}`));
    expect(once.definition.document['metadata']).toEqual({ resources: { 'https://x.example/api.json': '{}' } });
    expect(errors(once.definition)).toEqual([]);
    delete once.definition.document['metadata'];
    expect(errors(once.definition)).toMatchObject([{ path: '/do/0/ask/with/document/endpoint' }]);
  });

  it('is a script, too', async () => {
    const source = { endpoint: 'file:///sum.js' };
    const { read, asked } = reader({ 'file:///sum.js': 'console.log(1)' });
    const given = flow({ do: [{ sum: { run: { script: { language: 'javascript', source } } } }] });
    expect(errors(given)).toMatchObject([{ path: '/do/0/sum/run/script/source/endpoint' }]);
    const { definition, problems } = await embedExternals(given, read);
    expect([problems, errors(definition), asked]).toEqual([[], [], ['script file:///sum.js']]);
    expect(definition.document['metadata']).toEqual({ resources: { 'file:///sum.js': 'console.log(1)' } });
    expect((await embedExternals(given, reader({}).read)).problems).toMatchObject([
      { path: '/do/0/sum/run/script/source/endpoint', severity: 'error' },
    ]);
  });

  it('is read as a file where a catalog is on GitHub or GitLab', async () => {
    const { read, asked } = reader({});
    for (const endpoint of [
      'https://github.com/o/r',
      'https://github.com/o/r/tree/v1/sub',
      'https://gitlab.com/o/r/-/tree/main',
    ]) {
      const use = { catalogs: { far: { endpoint } } };
      const { problems } = await embedExternals(flow({ use, do: [{ a: { call: 'log:1.0.0@far' } }] }), read);
      expect(problems).toMatchObject([{ path: '/do/0/a/call', severity: 'error' }]);
    }
    expect(asked.map((one) => one.replace('/functions/log/1.0.0/function.yaml', ''))).toEqual([
      'function https://raw.githubusercontent.com/o/r/refs/heads/main',
      'function https://raw.githubusercontent.com/o/r/refs/heads/v1/sub',
      'function https://gitlab.com/o/r/-/raw/main',
    ]);
  });

  it('is not looked for above the folder, behind a login, nor elsewhere; the default catalog is refused', async () => {
    const { read, asked } = reader({});
    const schema = (endpoint: unknown) => flow({ input: { schema: { resource: { endpoint } } } });
    await embedExternals(schema('file:///../../etc/passwd'), read);
    expect(asked).toEqual(['schema file:///etc/passwd']);
    const login = { uri: 'https://x.example', authentication: { use: 'own' } };
    expect((await embedExternals(schema(login), read)).problems[0]!.message).toContain('behind a login');
    expect((await embedExternals(schema('ftp://x.example'), read)).problems[0]!.remedy).toContain('file:///NAME');
    const { definition, problems } = await embedExternals(flow({ do: [{ a: { call: 'log:1.0.0@default' } }] }), read);
    expect(problems).toEqual([]);
    expect(errors(definition)[0]!.message).toContain("the specification's default catalog");
    expect(asked).toHaveLength(1);
  });

  it('stays outside where it is known only when a run comes to it', async () => {
    const { read, asked } = reader({});
    const call = (endpoint: unknown) => ({ call: 'openapi', with: { document: { endpoint }, operationId: 'o' } });
    const given = flow({
      do: [{ a: call('${ .uri }') }, { b: call({ uri: 'https://x.example', authentication: { use: 'own' } }) }],
    });
    expect((await embedExternals(given, read)).definition).toEqual(given);
    expect(asked).toEqual([]);
  });
});
