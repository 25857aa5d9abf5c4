import { dirname } from 'node:path';
import { PermanentError, type Resource, sentenceOf } from '@spillway/contracts';
import type { FlowDefinition, Position, Problem } from '@spillway/flows';
import { filesOf } from '../documents';
import { DOCUMENT_KINDS, openEnvelope, sameFlow } from '../envelope';
import { readYamlFile } from '../yaml-file';
import { withExternals } from './externals';
import { problemsOf } from './problems';

export interface FileProblem extends Position, Problem {
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
  const read: Read = { flows: [], problems: [], seen: new Map() };
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
  const what = sentenceOf({ message, remedy });
  return `${file}:${line}:${column}: ${severity === 'warning' ? 'warning: ' : ''}${path && `${path}: `}${what}`;
}

interface Read extends FlowFiles {
  /** Places of the Flow documents, by tenant and name. */
  seen: Map<string, string>;
}

/** In a folder, files without these are none of its business even if they are no YAML. */
const MAY_BE_FLOW = /\b(?:kind|document|do)["']?\s*:/;

async function readFile(file: string, isNamed: boolean, read: Read): Promise<void> {
  const { text, documents, problems } = await readYamlFile(file);
  if (!isNamed && !MAY_BE_FLOW.test(text)) return;
  for (const { position, message, remedy } of problems)
    read.problems.push({ file, ...position, path: '', message, remedy, severity: 'error' });
  for (const { value, locate } of documents) {
    const tell: Reading['tell'] = (keys, problem) => read.problems.push({ file, ...locate(keys), ...problem });
    await readDocument(value, { file, isNamed, line: locate([]).line, tell }, read);
  }
  read.problems.sort((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : 0));
}

interface Reading {
  file: string;
  isNamed: boolean;
  /** Where the document begins. */
  line: number;
  tell: (keys: readonly PropertyKey[], problem: Problem) => void;
}

async function readDocument(value: unknown, { file, isNamed, line, tell }: Reading, read: Read): Promise<void> {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if ('kind' in fields || 'apiVersion' in fields) {
    if (!isNamed && (await isForeign(fields))) return;
    if (fields['kind'] !== 'Flow' && DOCUMENT_KINDS.includes(fields['kind'] as string)) return;
    const opened = await openEnvelope(value);
    const flow = opened.resource as FlowResource | undefined;
    const problems = flow ? sameFlow(flow, `${file}:${line}`, read.seen) : opened.problems;
    for (const { keys, ...problem } of problems) tell(keys, { ...problem, severity: 'error' });
    return flow && lint(flow, ['spec'], { file, tell }, read.flows);
  }
  if (!('do' in fields) && !('document' in fields)) {
    const remedy = 'Write a document of "kind: Flow", or "document" and "do".';
    if (isNamed) tell([], { path: '', message: 'this is no flow', remedy, severity: 'error' });
    return;
  }
  await readBare(value, fields, { file, tell }, read.flows);
}

/** Whether a document is of another system, such as Kubernetes: neither its version nor its kind is like ours. */
async function isForeign({ apiVersion, kind }: Record<string, unknown>): Promise<boolean> {
  const { nearest } = await import('@spillway/flows');
  return !String(apiVersion).startsWith('spillway/') && nearest(String(kind), DOCUMENT_KINDS) === undefined;
}

async function readBare(
  value: unknown,
  fields: Record<string, unknown>,
  { file, tell }: Pick<Reading, 'file' | 'tell'>,
  flows: FileFlow[],
): Promise<void> {
  const { lintFlow, segmentsOf } = await import('@spillway/flows');
  const head = (fields['document'] ?? {}) as Record<string, unknown>;
  const tasks = fields['do'];
  // What `kind: Flow` fills in is missed here, and what has no list of tasks cannot be looked at any closer.
  const bare = lintFlow(value).filter(({ path }) => !Array.isArray(tasks) || /^(?:\/document.*)?$/.test(path));
  for (const problem of bare) tell(segmentsOf(problem.path), shown(problem));
  if (!Array.isArray(tasks)) return;
  const metadata = { tenant: textOr(head['namespace'], 'tenant'), name: textOr(head['name'], 'flow') };
  const resource = { apiVersion: 'spillway/v1' as const, kind: 'Flow' as const, metadata, spec: value as never };
  const others = (problem: Problem) => !bare.some(({ path }) => path === problem.path);
  await lint(resource, [], { file, tell }, flows, others);
}

type FlowResource = Extract<Resource, { kind: 'Flow' }>;

async function lint(
  written: FlowResource,
  above: string[],
  { file, tell }: Pick<Reading, 'file' | 'tell'>,
  flows: FileFlow[],
  isNew: (problem: Problem) => boolean = () => true,
): Promise<void> {
  const { completeDefinition, segmentsOf } = await import('@spillway/flows');
  const { flow, problems: unread } = await withExternals(written, dirname(file));
  const { metadata, spec } = flow;
  const problems = await problemsOf(metadata, spec, unread);
  for (const problem of problems.filter(isNew)) tell([...above, ...segmentsOf(problem.path)], shown(problem));
  flows.push({
    file,
    tenant: metadata.tenant,
    name: metadata.name,
    definition: completeDefinition(metadata.tenant, metadata.name, spec).definition,
  });
}

/** With a word for the whole flow. */
function shown(problem: Problem): Problem {
  return { ...problem, path: problem.path || 'flow' };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
