import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { normalEndpoint, resourceSchema } from '../protocols/arguments';
import { type ProtocolContext } from '../protocols/context';
import { fetchDocument } from '../protocols/document';
import { refuse } from '../protocols/failure';
import type { ScriptInput, ScriptResult } from './script-thread';

const schema = z.object({
  language: z.string().regex(/^(js|javascript)$/i, 'must be javascript: other languages would need a process'),
  code: z.string().optional(),
  source: resourceSchema.optional(),
  arguments: z.union([z.array(z.coerce.string()), z.record(z.string(), z.unknown())]).default([]),
  stdin: z.string().default(''),
  environment: z.record(z.string(), z.coerce.string()).default({}),
  return: z.enum(['stdout', 'stderr', 'code', 'all', 'none']).default('stdout'),
});

const LIMITS = { memoryBytes: 64 * 1_048_576, timeMs: 5_000 };
/** Over the script's own time, for the thread to start. */
const START_MS = 10_000;
const THREAD = require.resolve('./script-thread');

/**
 * `run: script` of the flow language: JavaScript in a sandbox without files, network or modules, in a thread of its own.
 * Arguments are `process.argv` from its third on, or, given by name, `process.env`. Its lines of output are the task's
 * output, unless `return` says otherwise; a script that throws is an error, unless `return` asks for more than `stdout`.
 *
 * @throws PermanentError `script-invalid`, `script-failed` with what it wrote to stderr
 */
export async function runScript(args: unknown, context: ProtocolContext): Promise<unknown> {
  const parsed = schema.safeParse(args);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw refuse('configuration', 'script-invalid', `the script: ${issue.path.join('.')} ${issue.message}`);
  }
  const { code, source, arguments: given, stdin, environment, return: wanted } = parsed.data;
  const named = Array.isArray(given) ? {} : given;
  const result = await inThread(
    {
      code: code ?? (await textOf(source, context)),
      arguments: Array.isArray(given) ? given : [],
      stdin,
      environment: { ...environment, ...mapValues(named) },
      ...LIMITS,
    },
    context.signal,
  );
  if (wanted === 'none') return null;
  if (wanted === 'all') return result;
  if (wanted !== 'stdout') return result[wanted];
  if (result.code === 0) return result.stdout.replace(/\n$/, '');
  throw refuse('runtime', 'script-failed', `the script failed: ${result.stderr.trim().slice(0, 1_000)}`);
}

async function textOf(source: z.infer<typeof schema>['source'], context: ProtocolContext): Promise<string> {
  if (!source) throw refuse('configuration', 'script-invalid', 'the script has neither code nor a source');
  return (await fetchDocument(normalEndpoint(source.endpoint), context)).text;
}

function inThread(input: ScriptInput, signal: AbortSignal): Promise<ScriptResult> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(THREAD, {
      workerData: input,
      env: {},
      execArgv: THREAD.endsWith('.ts') ? ['-r', '@swc-node/register'] : [],
    });
    const end = (work: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      void thread.terminate();
      work();
    };
    const abort = () => end(() => reject(signal.reason as Error));
    const late = () => resolve({ code: 1, stdout: '', stderr: 'the script took too long\n' });
    const timer = setTimeout(() => end(late), input.timeMs + START_MS);
    signal.addEventListener('abort', abort, { once: true });
    thread.once('message', (result: ScriptResult) => end(() => resolve(result)));
    thread.once('error', (error: Error) => end(() => resolve({ code: 1, stdout: '', stderr: `${error.message}\n` })));
  });
}

function mapValues(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
