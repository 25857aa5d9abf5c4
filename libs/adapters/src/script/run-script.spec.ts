import type { ProtocolContext } from '../protocols/context';
import { runScript } from './run-script';

const context = {
  tenant: 't',
  input: {},
  secrets: {},
  idempotencyKey: 'k',
  signal: new AbortController().signal,
} as ProtocolContext;
const js = (code: string, more: object = {}) => runScript({ language: 'javascript', code, ...more }, context);

it('gives what the script writes', async () => {
  expect(await js('console.log("hello", 1, { a: [true] })')).toBe('hello 1 {"a":[true]}');
  expect(await js('const x = await Promise.resolve(2); console.log(x)')).toBe('2');
});

it('has stdin, arguments and environment, as the example of the specification reads them', async () => {
  const code = `
    import { readFileSync } from 'node:fs';
    console.log('stdin >', readFileSync(process.stdin.fd, 'utf8'));
    const [_, __, arg] = process.argv;
    console.log('arg >', arg);
    console.log('env >', process.env.foo);`;
  const output = await js(code, { stdin: 'Hello', arguments: ['hi'], environment: { foo: 'bar' } });
  expect(output).toBe('stdin > Hello\narg > hi\nenv > bar');
});

it('is what the flow brings with it, where its source is elsewhere', async () => {
  const embeddedDocument = (uri: string) => Promise.resolve(`console.log('from ${uri}')`);
  const given = { language: 'javascript', source: { endpoint: 'file:///x.js#sha256-1' } };
  expect(await runScript(given, { ...context, embeddedDocument })).toBe('from file:///x.js#sha256-1');
  await expect(runScript(given, context)).rejects.toMatchObject({ code: 'url-invalid' });
});

it.each([
  ['code', 1],
  ['stderr', 'no\nError: broken\n'],
  ['all', { code: 1, stdout: 'yes\n', stderr: 'no\nError: broken\n' }],
  ['none', null],
])('returns %s when asked to', async (wanted, expected) => {
  const code = 'console.log("yes"); console.error("no"); throw new Error("broken")';
  expect(await js(code, { return: wanted })).toEqual(expected);
});

it.each([
  ['throw new TypeError("broken")', 'TypeError: broken'],
  ['while (true);', 'took too long'],
  // Not text: the engine makes that letter by letter, and is stopped by the clock first on a slow machine.
  ['const a = []; while (true) a.push(new Uint8Array(1e7));', 'out of memory'],
  ['const f = () => f() + 1; f();', 'stack'],
  ['import "node:child_process"', 'cannot import'],
  ['import { readFileSync } from "fs"; readFileSync("/etc/passwd")', 'no files'],
  ['fetch("http://localhost")', 'fetch'],
  ['require("fs")', 'require'],
])(
  'stops %s',
  async (code, words) => {
    await expect(js(code)).rejects.toMatchObject({
      code: 'script-failed',
      message: expect.stringContaining(words) as string,
    });
  },
  20_000,
);

it('knows JavaScript only', async () => {
  await expect(runScript({ language: 'python', code: '1' }, context)).rejects.toMatchObject({ code: 'script-invalid' });
});
