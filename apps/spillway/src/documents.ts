import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { PermanentError, type Resource, sentenceOf } from '@spillway/contracts';
import type { Problem } from '@spillway/flows';
import { withExternals } from './flows/externals';
import { openEnvelope, sameFlow } from './envelope';
import { keysOf, problemsOf } from './flows/problems';
import { readYamlFile } from './yaml-file';

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
  const files = new Set(paths.flatMap((path) => filesOf(path)).map((file) => normalize(file)));
  if (files.size === 0)
    throw new PermanentError(`there are no .yaml files in ${paths.join(', ')}`, { code: 'documents-missing' });
  const read: Read = { environment, documents: [], problems: [], seen: new Map() };
  for (const file of files) await readFile(file, read);
  const { problems, documents } = read;
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

interface Read {
  environment: NodeJS.ProcessEnv;
  documents: ReadDocument[];
  problems: string[];
  /** Places of the flows, by tenant and name. */
  seen: Map<string, string>;
}

async function readFile(file: string, read: Read): Promise<void> {
  const { documents, problems } = await readYamlFile(file);
  for (const { position, ...problem } of problems) read.problems.push(lineOf(file, position.line, problem));
  for (const { value, locate } of documents) {
    const at = (keys: readonly PropertyKey[]) => locate(keys).line;
    const tell = (problem: Found) => read.problems.push(lineOf(file, at(problem.keys), problem));
    await readDocument(value, { ...read, file, at, tell });
  }
}

async function readDocument(value: unknown, context: Context): Promise<void> {
  const { file, at, tell } = context;
  // Tests of flows lie beside the flows: `spillway flows test`.
  if ((value as { kind?: unknown } | null)?.kind === 'FlowTest') return;
  const opened = await openEnvelope(withSecrets(value, context));
  if (!opened.resource) return opened.problems.forEach(tell);
  const { resource, problems } = await complete(opened.resource, dirname(file));
  const same = resource.kind === 'Flow' ? sameFlow(resource, `${file}:${at([])}`, context.seen) : [];
  for (const problem of [...same, ...(await lint(resource, problems))]) tell(problem);
  context.documents.push({ file, line: at([]), resource });
}

function lineOf(file: string, line: number, { path = '', ...problem }: Omit<Found, 'keys'>): string {
  return `${file}:${line}: ${path && `${path}: `}${sentenceOf(problem)}`;
}

interface Found {
  keys: PropertyKey[];
  /** As it is shown: with dots, and a JSON pointer into a flow, which is how runs name their tasks. */
  path?: string;
  message: string;
  remedy: string;
}

/** A flow with what it refers to in it. */
async function complete(resource: Resource, folder: string): Promise<{ resource: Resource; problems: Problem[] }> {
  if (resource.kind !== 'Flow') return { resource, problems: [] };
  const { flow, problems } = await withExternals(resource, folder);
  return { resource: flow, problems };
}

async function foundOf(problem: Problem): Promise<Found> {
  const { segmentsOf } = await import('@spillway/flows');
  return {
    keys: ['spec', ...segmentsOf(problem.path)],
    path: problem.path || 'flow',
    message: problem.message,
    remedy: problem.remedy,
  };
}

async function lint(resource: Resource, unread: Problem[]): Promise<Found[]> {
  if (resource.kind === 'Flow') {
    const problems = await problemsOf(resource.metadata, resource.spec, unread);
    return Promise.all(problems.filter(({ severity }) => severity === 'error').map(foundOf));
  }
  const { lintResource } = await import('@spillway/runtime');
  return lintResource(resource).map(({ path, message }) => ({
    keys: keysOf(resource, path),
    path,
    message,
    remedy: '',
  }));
}

interface Context extends Read {
  file: string;
  /** The line to which keys lead. */
  at: (keys: readonly PropertyKey[]) => number;
  tell: (problem: Found) => void;
}

/** `{ env }` and `{ file }` where a document has secrets become `{ value }`. */
function withSecrets(value: unknown, context: Context): unknown {
  const document = value as { kind?: string; spec?: { secrets?: unknown; secret?: unknown } } | null;
  const { secrets, secret } = document?.spec ?? {};
  if (!document?.spec || typeof document.spec !== 'object' || Array.isArray(document.spec)) return value;
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
  const problem = (message: string) => context.tell({ keys: path, path: path.join('.'), message, remedy: '' });
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
