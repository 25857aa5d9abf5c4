import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PermanentError, type Resource, resourceSchema } from '@spillway/contracts';
import { LineCounter, parseAllDocuments } from 'yaml';
import type { Problem } from '@spillway/flows';
import { withExternals } from './flows/externals';
import { problemsOf, sayProblem } from './flows/problems';
import { keysOf, placeOf } from './yaml-place';

export interface ReadDocument {
  file: string;
  line: number;
  resource: Resource;
}

/**
 * Reads documents and resolves their references to secrets: environment variables and files of this machine.
 *
 * @throws PermanentError that names file, line and field of everything that is wrong
 */
export async function readDocuments(paths: string[], environment: NodeJS.ProcessEnv): Promise<ReadDocument[]> {
  const files = paths.flatMap((path) => filesOf(path));
  if (files.length === 0)
    throw new PermanentError(`there are no .yaml files in ${paths.join(', ')}`, { code: 'documents-missing' });
  const problems: string[] = [];
  const documents: ReadDocument[] = [];
  for (const file of files) documents.push(...(await readFile(file, environment, problems)));
  if (problems.length > 0) throw new PermanentError(problems.join('\n          '), { code: 'document-invalid' });
  return documents;
}

/**
 * A file as it is, or those of a folder, by name.
 *
 * @throws PermanentError `documents-missing`
 */
export function filesOf(path: string, names = /\.ya?ml$/): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new PermanentError(`there is no ${path}`, { code: 'documents-missing' });
  if (!stat.isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => names.test(name))
    .sort()
    .map((name) => join(path, name));
}

async function readFile(file: string, environment: NodeJS.ProcessEnv, problems: string[]): Promise<ReadDocument[]> {
  const lines = new LineCounter();
  const found: ReadDocument[] = [];
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'), { lineCounter: lines })) {
    const at = (path: readonly PropertyKey[]) => placeOf(document, lines, path).line;
    for (const error of document.errors)
      problems.push(`${file}:${error.linePos?.[0].line ?? 1}: ${error.message.split('\n')[0]}`);
    if (document.errors.length > 0 || document.contents === null) continue;
    // Tests of flows lie beside the flows: `spillway flows test`.
    if (document.get('kind') === 'FlowTest') continue;
    const value = withSecrets(document.toJS(), { file, environment, problems, at });
    const parsed = resourceSchema.safeParse(value);
    for (const { path, message } of parsed.error?.issues ?? [])
      problems.push(`${file}:${at(path)}: ${path.map(String).join('.') || 'document'}: ${message}`);
    if (!parsed.success) continue;
    const { resource, problems: unread } = await complete(parsed.data, dirname(file));
    for (const { keys, path, message } of [...unread, ...(await lint(resource))])
      problems.push(`${file}:${at(keys)}: ${path}: ${message}`);
    found.push({ file, line: at([]), resource });
  }
  return found;
}

interface Found {
  keys: string[];
  /** As it is shown: with dots, and a JSON pointer into a flow, which is how runs name their tasks. */
  path: string;
  message: string;
}

/** A flow with what it refers to in it. */
async function complete(resource: Resource, folder: string): Promise<{ resource: Resource; problems: Found[] }> {
  if (resource.kind !== 'Flow') return { resource, problems: [] };
  const { flow, problems } = await withExternals(resource, folder);
  return { resource: flow, problems: await Promise.all(problems.map(foundOf)) };
}

async function foundOf(problem: Problem): Promise<Found> {
  const { segmentsOf } = await import('@spillway/flows');
  return {
    keys: ['spec', ...segmentsOf(problem.path)],
    path: problem.path || 'flow',
    message: sayProblem(problem),
  };
}

async function lint(resource: Resource): Promise<Found[]> {
  if (resource.kind === 'Flow') {
    const problems = await problemsOf(resource.metadata, resource.spec);
    return Promise.all(problems.filter(({ severity }) => severity === 'error').map(foundOf));
  }
  const { lintResource } = await import('@spillway/runtime');
  return lintResource(resource).map(({ path, message }) => ({ keys: keysOf(resource, path), path, message }));
}

interface Context {
  file: string;
  environment: NodeJS.ProcessEnv;
  problems: string[];
  at(path: (string | number)[]): number;
}

/** `{ env }` and `{ file }` where a document has secrets become `{ value }`. */
function withSecrets(value: unknown, context: Context): unknown {
  const document = value as { kind?: string; spec?: { secrets?: unknown; secret?: unknown } } | null;
  const { secrets, secret } = document?.spec ?? {};
  if (typeof document !== 'object' || !document?.spec) return value;
  const spec = { ...document.spec };
  if (Array.isArray(secrets))
    spec.secrets = secrets.map((one, index) => resolveSecret(one, ['spec', 'secrets', index], context));
  else if (typeof secrets === 'object' && secrets !== null) {
    const entries = Object.entries(secrets).map(([name, one]) => [
      name,
      resolveSecret(one, ['spec', 'secrets', name], context),
    ]);
    spec.secrets = Object.fromEntries(entries);
  }
  if (document.kind === 'ApiKey' && secret !== undefined)
    spec.secret = resolveSecret(secret, ['spec', 'secret'], context);
  return { ...document, spec };
}

function resolveSecret(ref: unknown, path: (string | number)[], context: Context): unknown {
  if (typeof ref !== 'object' || ref === null) return ref;
  const problem = (message: string) =>
    context.problems.push(`${context.file}:${context.at(path)}: ${path.join('.')}: ${message}`);
  if ('env' in ref && typeof ref.env === 'string') {
    const value = context.environment[ref.env];
    if (!value) problem(`the environment variable ${ref.env} is not set`);
    return { value: value || '-' };
  }
  if ('file' in ref && typeof ref.file === 'string') {
    const file = resolve(dirname(context.file), ref.file);
    try {
      return { value: readFileSync(file, 'utf8').trim() };
    } catch {
      problem(`the file ${ref.file} cannot be read`);
      return { value: '-' };
    }
  }
  return ref;
}
