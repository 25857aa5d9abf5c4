import { API_VERSION, type Resource, RESOURCE_KINDS, resourceSchema } from '@spillway/contracts';
import type { z } from 'zod';

/** Something wrong around what a document is about, or in a field that has a schema. */
export interface EnvelopeProblem {
  /** Where it is in the document. */
  keys: PropertyKey[];
  /** The field as it is shown, with dots; '' where the message names it. */
  path: string;
  message: string;
  remedy: string;
}

export interface Enveloped {
  /** Undefined if there are problems. */
  resource?: Resource;
  problems: EnvelopeProblem[];
}

/** Kinds of documents: what can be applied, and tests. */
export const DOCUMENT_KINDS: readonly string[] = [...RESOURCE_KINDS, 'FlowTest'];

/** A document as a resource, or everything that keeps it from being one. */
export async function openEnvelope(value: unknown): Promise<Enveloped> {
  const kind = at(value, ['kind']);
  if (kind !== undefined && !DOCUMENT_KINDS.includes(kind as string)) return { problems: [await unknownKind(kind)] };
  const { data, error } = resourceSchema.safeParse(value);
  if (data) return { resource: data, problems: [] };
  const issues = await Promise.all(error.issues.map((issue) => problemsOf(issue, value)));
  const problems = issues.flat();
  const meant = new Set(problems.map((problem) => problem.meant).filter(Boolean));
  return { problems: problems.filter(({ lacks }) => lacks === undefined || !meant.has(lacks)) };
}

/**
 * What is wrong with a flow that has the tenant and name of one before.
 *
 * @param seen places of flows; this one is added
 */
export function sameFlow(
  { metadata: { tenant, name } }: Extract<Resource, { kind: 'Flow' }>,
  place: string,
  seen: Map<string, string>,
): EnvelopeProblem[] {
  const before = seen.get(`${tenant}/${name}`);
  seen.set(`${tenant}/${name}`, before ?? place);
  if (before === undefined) return [];
  const message = `the flow ${tenant}/${name} is in ${before} already`;
  return [{ keys: [], path: '', message, remedy: 'Remove one of the two, or give it another name.' }];
}

async function unknownKind(kind: unknown): Promise<EnvelopeProblem> {
  const { didYouMean } = await import('@spillway/flows');
  const shown = typeof kind === 'string' ? kind : JSON.stringify(kind);
  const meant = didYouMean(shown, DOCUMENT_KINDS);
  return {
    keys: ['kind'],
    path: '',
    message: `kind "${shown}" is not known${meant}`,
    remedy: meant ? '' : `There are ${DOCUMENT_KINDS.join(', ')}.`,
  };
}

interface Told extends EnvelopeProblem {
  /** The field that is not there. */
  lacks?: string;
  /** The field that an unknown one probably is. */
  meant?: string;
}

async function problemsOf(issue: z.core.$ZodIssue, value: unknown): Promise<Told[]> {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys') return Promise.all(issue.keys.map((key) => unknownField([...path, key])));
  if (path.length === 0) {
    const remedy = `Write "apiVersion: ${API_VERSION}", "kind", "metadata" and "spec".`;
    return [{ keys: [], path: '', message: 'this is no document', remedy }];
  }
  if (at(value, path) === undefined) return [missing(path)];
  return [{ keys: path, path: dotted(path), message: inWords(message), remedy: '' }];
}

const TYPES: Record<string, string> = {
  object: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  null: 'nothing',
};

/** What schemas say of a wrong type, as people name types. */
function inWords(message: string): string {
  return message.replace(
    /^Invalid input: expected (\w+), received (\w+)$/,
    (_, expected: string, received: string) =>
      `must be ${TYPES[expected] ?? expected}, not ${TYPES[received] ?? received}`,
  );
}

/** What the envelope of a document has, by the path to it. */
const FIELDS: Record<string, string[]> = {
  '': ['apiVersion', 'kind', 'metadata', 'spec'],
  metadata: ['name', 'tenant'],
};

async function unknownField(keys: PropertyKey[]): Promise<Told> {
  const { didYouMean, nearest } = await import('@spillway/flows');
  const above = keys.slice(0, -1);
  const name = String(keys.at(-1));
  const known = FIELDS[dotted(above)] ?? [];
  const meant = nearest(name, known);
  return {
    keys,
    path: '',
    message: `"${dotted(keys)}" is not known here${didYouMean(name, known)}`,
    remedy: meant ? '' : 'Remove it.',
    ...(meant !== undefined && { meant: dotted([...above, meant]) }),
  };
}

function missing(path: PropertyKey[]): Told {
  const name = String(path.at(-1));
  const above = path.slice(0, -1);
  return {
    keys: above,
    path: '',
    message: `${dotted(above) || 'the document'} lacks "${name}"`,
    remedy: name === 'apiVersion' ? `Write "apiVersion: ${API_VERSION}".` : `Write "${name}: …" there.`,
    lacks: dotted(path),
  };
}

const dotted = (path: PropertyKey[]) => path.map(String).join('.');

function at(value: unknown, path: PropertyKey[]): unknown {
  return path.reduce((inner: unknown, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key], value);
}
