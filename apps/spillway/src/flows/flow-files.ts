import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { PermanentError, type Resource, resourceSchema } from '@spillway/contracts';
import type { FlowDefinition, Problem } from '@spillway/flows';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { filesOf } from '../documents';
import { type Place, placeOf } from '../yaml-place';
import { withExternals } from './externals';
import { problemsOf, sayProblem } from './problems';

export interface FileProblem extends Place, Problem {
  file: string;
}

/** A flow of a file, as runs would begin it. */
export interface FileFlow {
  file: string;
  tenant: string;
  name: string;
  definition: FlowDefinition;
}

export interface FlowFiles {
  flows: FileFlow[];
  /** In the order of the files and of the lines. */
  problems: FileProblem[];
}

/**
 * Reads flows without a server: Flow documents, and files that hold nothing but a definition; YAML or JSON. Documents of
 * other kinds are none of its business.
 *
 * @throws PermanentError `flows-missing`, `documents-missing`
 */
export async function readFlows(path: string): Promise<FlowFiles> {
  const read: FlowFiles = { flows: [], problems: [] };
  for (const file of filesOf(path, /\.(?:ya?ml|json)$/)) await readFile(file, file === path, read);
  if (read.flows.length > 0 || read.problems.length > 0) return read;
  throw new PermanentError(`there are no flows in ${path}`, {
    code: 'flows-missing',
    remedy: 'A flow is a document of "kind: Flow", or a file that has "document" and "do" at its top.',
  });
}

/**
 * The one flow of a file.
 *
 * @throws PermanentError `flow-invalid`, `flows-missing`, `flow-ambiguous`
 */
export async function readFlow(file: string, name?: string): Promise<FileFlow> {
  const { flows, problems } = await readFlows(file);
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new PermanentError(errors.map(problemLine).join('\n'), { code: 'flow-invalid' });
  const meant = flows.filter((flow) => name === undefined || flow.name === name);
  if (meant.length === 1) return meant[0]!;
  const names = flows.map((flow) => flow.name).join(', ');
  throw new PermanentError(
    meant.length === 0 ? `there is no flow "${name}" in ${file}` : `there are several flows in ${file}`,
    { code: 'flow-ambiguous', remedy: `Name one of: ${names}.` },
  );
}

/** `payments.yaml:12:9: /do/0/charge/with: what is wrong. What to do` */
export function problemLine({ file, line, column, path, message, remedy, severity }: FileProblem): string {
  const what = sayProblem({ message, remedy });
  return `${file}:${line}:${column}: ${severity === 'warning' ? 'warning: ' : ''}${path || 'flow'}: ${what}`;
}

async function readFile(file: string, isNamed: boolean, read: FlowFiles): Promise<void> {
  const lines = new LineCounter();
  const documents = parseAllDocuments(readFileSync(file, 'utf8'), { lineCounter: lines, prettyErrors: false });
  for (const document of documents) {
    const tell = (place: Place, problem: Problem) => read.problems.push({ file, ...place, ...problem });
    const say = (place: Place, message: string, remedy: string, path = '') =>
      tell(place, { path, message, remedy, severity: 'error' });
    for (const { pos, message } of [...document.errors, ...document.warnings]) {
      const { line, col } = lines.linePos(pos[0]);
      say({ line: Math.max(line, 1), column: Math.max(col, 1) }, message, 'Mend the text there.');
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    const at = (keys: readonly PropertyKey[]) => placeOf(document, lines, keys);
    const value = valueOf(document);
    if (value instanceof Error) say(at([]), value.message, 'Use fewer aliases.');
    else await readDocument(value, { file, isNamed, at, say, tell }, read.flows);
  }
  read.problems.sort((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : 0));
}

/** More uses of aliases than a text of its size can need are refused by the parser. */
function valueOf(document: Document): unknown {
  try {
    return document.toJS() as unknown;
  } catch (error) {
    return error;
  }
}

interface Reading {
  file: string;
  isNamed: boolean;
  at: (keys: readonly PropertyKey[]) => Place;
  say: (place: Place, message: string, remedy: string, path?: string) => void;
  tell: (place: Place, problem: Problem) => void;
}

async function readDocument(value: unknown, { file, isNamed, at, say, tell }: Reading, flows: FileFlow[]) {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if ('kind' in fields || 'apiVersion' in fields) {
    if (fields['kind'] !== 'Flow') return;
    const parsed = resourceSchema.safeParse(value);
    for (const { path, message } of parsed.error?.issues ?? [])
      say(at(path), message, '', path.map(String).join('.') || 'document');
    if (!parsed.success) return;
    return lint(parsed.data as FlowResource, ['spec'], { file, at, tell }, flows);
  }
  if (!('do' in fields) && !('document' in fields)) {
    const remedy = 'Write a document of "kind: Flow", or "document" and "do".';
    if (isNamed) say(at([]), 'this is no flow', remedy);
    return;
  }
  const { lintFlow, segmentsOf } = await import('@spillway/flows');
  const head = (fields['document'] ?? {}) as Record<string, unknown>;
  const tasks = fields['do'];
  // What `kind: Flow` fills in is missed here, and what has no list of tasks cannot be looked at any closer.
  const bare = lintFlow(value).filter(({ path }) => !Array.isArray(tasks) || /^(?:\/document.*)?$/.test(path));
  for (const problem of bare) tell(at(segmentsOf(problem.path)), problem);
  if (!Array.isArray(tasks)) return;
  const metadata = { tenant: textOr(head['namespace'], 'tenant'), name: textOr(head['name'], 'flow') };
  const resource = { apiVersion: 'spillway/v1' as const, kind: 'Flow' as const, metadata, spec: value as never };
  const others = (problem: Problem) => !bare.some(({ path }) => path === problem.path);
  await lint(resource, [], { file, at, tell }, flows, others);
}

type FlowResource = Extract<Resource, { kind: 'Flow' }>;

async function lint(
  written: FlowResource,
  above: string[],
  { file, at, tell }: Pick<Reading, 'file' | 'at' | 'tell'>,
  flows: FileFlow[],
  isNew: (problem: Problem) => boolean = () => true,
): Promise<void> {
  const { completeDefinition, segmentsOf } = await import('@spillway/flows');
  const { flow, problems: unread } = await withExternals(written, dirname(file));
  const { metadata, spec } = flow;
  const problems = [...unread, ...(await problemsOf(metadata, spec))];
  for (const problem of problems.filter(isNew)) tell(at([...above, ...segmentsOf(problem.path)]), problem);
  flows.push({
    file,
    tenant: metadata.tenant,
    name: metadata.name,
    definition: completeDefinition(metadata.tenant, metadata.name, spec).definition,
  });
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
