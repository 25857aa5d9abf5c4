import { parentPort, workerData } from 'node:worker_threads';
import { getQuickJS, type QuickJSContext, type QuickJSHandle } from 'quickjs-emscripten';

/** What a script is given. */
export interface ScriptInput {
  code: string;
  arguments: string[];
  stdin: string;
  environment: Record<string, string>;
  memoryBytes: number;
  timeMs: number;
}

/** The specification's "process result". */
export interface ScriptResult {
  code: number;
  stdout: string;
  stderr: string;
}

const MOST_OUTPUT = 1_048_576;
/** All that a script can import: its standard input, by the name that Node gives it. */
const FS = `export const readFileSync = (file) => {
  if (file !== process.stdin.fd && file !== '/dev/stdin') throw new Error('a script has no files');
  return process.stdin.text;
};
export default { readFileSync };`;

/** JavaScript in QuickJS, compiled to WebAssembly: no files, no network, no clock of the host but Date. */
async function run(input: ScriptInput): Promise<ScriptResult> {
  const engine = await getQuickJS();
  const runtime = engine.newRuntime();
  runtime.setMemoryLimit(input.memoryBytes);
  runtime.setMaxStackSize(512 * 1_024);
  const until = Date.now() + input.timeMs;
  runtime.setInterruptHandler(() => Date.now() > until);
  runtime.setModuleLoader((name) => {
    if (name === 'node:fs' || name === 'fs') return FS;
    return { error: new Error(`a script cannot import "${name}": it has no modules`) };
  });
  const context = runtime.newContext();
  const lines = { stdout: '', stderr: '' };
  for (const [method, stream] of [
    ['log', 'stdout'],
    ['info', 'stdout'],
    ['error', 'stderr'],
    ['warn', 'stderr'],
  ] as const) {
    defineConsole(context, method, (text) => {
      if (lines[stream].length < MOST_OUTPUT) lines[stream] += `${text}\n`;
    });
  }
  define(context, 'process', {
    argv: ['node', 'script', ...input.arguments],
    env: input.environment,
    stdin: { fd: 0, text: input.stdin },
  });
  const result = context.evalCode(input.code, 'script.mjs', { type: 'module' });
  const failed = result.error ? describe(context, result.error) : pending(context);
  if (failed === undefined) return { code: 0, ...lines };
  return { code: 1, stdout: lines.stdout, stderr: `${lines.stderr}${failed}\n` };
}

/** Runs what promises still have to do. @returns what went wrong */
function pending(context: QuickJSContext): string | undefined {
  const done = context.runtime.executePendingJobs();
  return done.error ? describe(context, done.error) : undefined;
}

function describe(context: QuickJSContext, error: QuickJSHandle): string {
  const dumped = context.dump(error) as { name?: string; message?: string } | string;
  if (typeof dumped === 'string') return dumped;
  return dumped.message === 'interrupted' ? 'the script took too long' : `${dumped.name ?? 'Error'}: ${dumped.message}`;
}

function define(context: QuickJSContext, name: string, value: unknown): void {
  const made = context.unwrapResult(context.evalCode(`(${JSON.stringify(value)})`));
  context.setProp(context.global, name, made);
}

function defineConsole(context: QuickJSContext, method: string, write: (text: string) => void): void {
  const known = context.getProp(context.global, 'console');
  const holder = context.typeof(known) === 'object' ? known : context.newObject();
  const log = context.newFunction(method, (...args) => {
    write(args.map((arg) => textOf(context.dump(arg))).join(' '));
  });
  context.setProp(holder, method, log);
  context.setProp(context.global, 'console', holder);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

void run(workerData as ScriptInput).then(
  (result) => parentPort!.postMessage(result),
  (error: unknown) =>
    parentPort!.postMessage({ code: 1, stdout: '', stderr: `${(error as Error).message}\n` } satisfies ScriptResult),
);
