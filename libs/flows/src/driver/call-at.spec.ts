import { callAt } from './jobs';

describe('what a task at a path calls by a job', () => {
  const definition = {
    use: { functions: { greet: { call: 'http' } } },
    do: [
      { 'a/b': { call: 'spillway.notify' } },
      { own: { call: 'greet' } },
      { code: { run: { script: { language: 'javascript', code: '1' } } } },
      { sub: { run: { workflow: { name: 'x' } } } },
      { loop: { for: { in: '.' }, do: [{ in: { call: 'crm.upsertContact' } }] } },
      { rest: { wait: 'PT1S' } },
    ],
  };

  it.each([
    ['/do/0/a~1b', 'spillway.notify'],
    ['/do/1/own', undefined],
    ['/use/functions/greet', 'http'],
    ['/do/2/code', 'script'],
    ['/do/3/sub', undefined],
    ['/do/4/loop/do/0/in', 'crm.upsertContact'],
    ['/do/5/rest', undefined],
    ['/do/9/gone', undefined],
  ])('%s: %s', (path, call) => expect(callAt(definition, path)).toBe(call));
});
