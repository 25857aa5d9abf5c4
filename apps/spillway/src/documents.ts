import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PermanentError, type Resource, resourceSchema } from '@spillway/contracts';
import { lintResource } from '@spillway/runtime';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';

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
export function readDocuments(paths: string[], environment: NodeJS.ProcessEnv): ReadDocument[] {
  const files = paths.flatMap(filesOf);
  if (files.length === 0)
    throw new PermanentError(`there are no .yaml files in ${paths.join(', ')}`, { code: 'documents-missing' });
  const problems: string[] = [];
  const documents = files.flatMap((file) => readFile(file, environment, problems));
  if (problems.length > 0) throw new PermanentError(problems.join('\n          '), { code: 'document-invalid' });
  return documents;
}

function filesOf(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new PermanentError(`there is no ${path}`, { code: 'documents-missing' });
  if (!stat.isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(path, name));
}

function readFile(file: string, environment: NodeJS.ProcessEnv, problems: string[]): ReadDocument[] {
  const lines = new LineCounter();
  const found: ReadDocument[] = [];
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'), { lineCounter: lines })) {
    const at = (path: (string | number)[]) => lineOf(document, lines, path);
    for (const error of document.errors)
      problems.push(`${file}:${error.linePos?.[0].line ?? 1}: ${error.message.split('\n')[0]}`);
    if (document.errors.length > 0 || document.contents === null) continue;
    const value = withSecrets(document.toJS(), { file, environment, problems, at });
    const parsed = resourceSchema.safeParse(value);
    for (const issue of parsed.error?.issues ?? []) {
      const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
      problems.push(`${file}:${at(path)}: ${path.join('.') || 'document'}: ${issue.message}`);
    }
    if (!parsed.success) continue;
    for (const { path, message } of lintResource(parsed.data)) {
      problems.push(
        `${file}:${at(path.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key)))}: ${path}: ${message}`,
      );
    }
    found.push({ file, line: at([]), resource: parsed.data });
  }
  return found;
}

/** The line of the field, or of the nearest one above it that is there. */
function lineOf(document: Document, lines: LineCounter, path: (string | number)[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const range = (node as { range?: [number, number, number] } | null)?.range;
    if (range) return lines.linePos(range[0]).line;
  }
  return 1;
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
