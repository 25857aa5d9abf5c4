import { createHash } from 'node:crypto';
import type { FileInfo } from '@apidevtools/json-schema-ref-parser';
import { errorClassOf } from '@spillway/contracts';
import { LRUCache } from 'lru-cache';
import { parse as parseYaml } from 'yaml';
import { authenticatorFor } from '../authentication/authenticator';
import { type EndpointArgument, normalEndpoint } from './arguments';
import { isRecord, textOf } from './content';
import {
  DEFAULT_DOCUMENT_BYTES,
  type DocumentRequest,
  type FetchedDocument,
  type ProtocolContext,
  USER_AGENT,
} from './context';
import { exchange } from './exchange';
import { ownErrorIn, refuse } from './failure';
import { failed, urlOf } from './http';
import { expandUriTemplate } from './uri-template';

export interface LoadedDocument {
  uri: string;
  root: Record<string, unknown>;
}

interface Kept<T> {
  document: T;
  etag?: string;
  /** Milliseconds since the epoch. */
  checkedAt: number;
}

/** How long a copy is used without asking again, milliseconds. */
const FRESH_MS = 300_000;
/** How long a copy may stand in while its server is away, milliseconds. */
const STALE_MS = 86_400_000;
const MOST_DOCUMENTS = 200;
const MOST_REFERENCES = 100;

const kept = new LRUCache<string, Kept<unknown>>({ max: MOST_DOCUMENTS });

/** Forgets every document, for tests and after a change of what is reachable. */
export function forgetDocuments(): void {
  kept.clear();
}

/** An OpenAPI or AsyncAPI document as JSON, references to other documents brought in. @throws as `readDocument` */
export async function loadDocument(endpoint: EndpointArgument, context: ProtocolContext): Promise<LoadedDocument> {
  return readDocument('json', endpoint, context, async (fetched, request) => {
    const root = parseDocument(fetched.text, fetched.uri);
    return { uri: fetched.uri, root: await bundled(root, fetched.uri, request, context) };
  });
}

/** As `loadDocument`, and nothing is kept. @throws as `readText` does; PermanentError `document-invalid` */
export async function bundleDocument(uri: string, readText: (uri: string) => Promise<string>): Promise<LoadedDocument> {
  const context: ProtocolContext = {
    tenant: '',
    input: {},
    secrets: {},
    idempotencyKey: '',
    signal: new AbortController().signal,
    fetchDocument: async (request) => ({ uri: request.uri, text: await readText(request.uri) }),
  };
  const root = parseDocument(await readText(uri), uri);
  return { uri, root: await bundled(root, uri, { uri }, context) };
}

/**
 * Reads a document and keeps what was made of it: 5 minutes without asking, then by its ETag; while its server is
 * away, for up to a day. Copies are kept for each tenant and each policy, as different credentials may see different
 * documents.
 *
 * @throws SpillwayError of the fetch; PermanentError `document-invalid`
 */
export async function readDocument<T>(
  kind: string,
  endpoint: EndpointArgument,
  context: ProtocolContext,
  make: (fetched: FetchedDocument, request: DocumentRequest) => Promise<T>,
): Promise<T> {
  const { uri, authentication } = normalEndpoint(endpoint);
  const request = { uri: expandUriTemplate(uri, context.input), authentication };
  const key = createHash('sha256')
    .update(JSON.stringify([kind, context.tenant, request, authentication && context.secrets]))
    .digest('base64url');
  const copy = kept.get(key) as Kept<T> | undefined;
  if (copy && Date.now() - copy.checkedAt < FRESH_MS) return copy.document;
  try {
    const fetched = await fetchDocument({ ...request, etag: copy?.etag }, context);
    const document = fetched.notModified && copy ? copy.document : await make(fetched, request);
    kept.set(key, { document, etag: fetched.notModified ? copy?.etag : fetched.etag, checkedAt: Date.now() });
    return document;
  } catch (error) {
    const usable = copy && Date.now() - copy.checkedAt < STALE_MS && errorClassOf(error) !== 'permanent';
    if (!usable || context.signal.aborted) throw error;
    return copy.document;
  }
}

/** As the context says, or over HTTP through its dispatcher. */
export async function fetchDocument(request: DocumentRequest, context: ProtocolContext): Promise<FetchedDocument> {
  const own = await context.embeddedDocument?.(request.uri);
  if (own !== undefined) return { uri: request.uri.split('#')[0]!, text: own };
  if (context.fetchDocument) return context.fetchDocument(request);
  return fetchOverHttp(request, context);
}

/** GET with redirects. @throws SpillwayError classified as a call's, PermanentError `url-invalid` for other schemes */
export async function fetchOverHttp(request: DocumentRequest, context: ProtocolContext): Promise<FetchedDocument> {
  const headers: Record<string, string> = { 'user-agent': USER_AGENT, accept: 'application/json, */*;q=0.8' };
  if (request.etag) headers['if-none-match'] = request.etag;
  const outgoing = { method: 'GET', url: urlOf(request.uri), headers };
  const authenticator = authenticatorFor(request.authentication, context);
  const mostBytes = context.limits?.documentBytes ?? DEFAULT_DOCUMENT_BYTES;
  const answer = await exchange(outgoing, context, { follow: true, authenticator, mostBytes });
  const uri = answer.url.href;
  if (answer.status === 304 && request.etag) return { uri, text: '', notModified: true };
  failed(outgoing, answer, false);
  const contentType = answer.headers['content-type'];
  return { uri, text: textOf(answer.body, contentType), contentType, etag: answer.headers['etag'] };
}

/** What a JSON pointer such as `#/components/schemas/Pet` leads to, through further references. */
export function resolveReference(root: Record<string, unknown>, value: unknown): unknown {
  let current = value;
  for (let depth = 0; depth < 20 && isRecord(current) && typeof current.$ref === 'string'; depth++) {
    const reference: string = current.$ref;
    current = reference.startsWith('#') ? pointerTarget(root, reference.slice(1)) : undefined;
    if (current === undefined) {
      throw refuse('configuration', 'document-invalid', `the document refers to ${reference}, which is not there`);
    }
  }
  return current;
}

function pointerTarget(root: Record<string, unknown>, pointer: string): unknown {
  const parts = decodeURIComponent(pointer).split('/').slice(1);
  return parts.reduce<unknown>((current, part) => {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined;
    return (current as Record<string, unknown>)[name];
  }, root);
}

/** YAML 1.2, of which JSON is a part. */
function parseDocument(text: string, uri: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = /^\s*\{/.test(text) ? parseJsonOrYaml(text) : parseYaml(text);
  } catch (cause) {
    throw refuse('configuration', 'document-invalid', `${originOf(uri)} has no JSON or YAML`, undefined, cause);
  }
  if (isRecord(parsed)) return parsed;
  throw refuse('configuration', 'document-invalid', `${originOf(uri)} has no JSON or YAML object`);
}

function parseJsonOrYaml(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseYaml(text);
  }
}

/** References to other documents, fetched as this one was: under the context's rules, never from files. */
async function bundled(root: Record<string, unknown>, uri: string, request: DocumentRequest, context: ProtocolContext) {
  if (!hasForeignReference(root)) return root;
  const { bundle } = await import('@apidevtools/json-schema-ref-parser');
  let references = 0;
  const read = async (file: { url: string }) => {
    if (++references > MOST_REFERENCES) {
      throw refuse(
        'configuration',
        'document-invalid',
        `${originOf(uri)} refers to more than ${MOST_REFERENCES} files`,
      );
    }
    // Credentials are for the origin of the first document only.
    const authentication = originOf(file.url) === originOf(uri) ? request.authentication : undefined;
    return (await fetchDocument({ uri: file.url, authentication }, context)).text;
  };
  try {
    const options = {
      mutateInputSchema: true,
      resolve: { file: false, http: false, context: { order: 1, canRead: true, read } },
      parse: {
        json: false,
        binary: false,
        text: false,
        yaml: { order: 1, canParse: true, parse: (file: FileInfo) => parseDocument(String(file.data), file.url) },
      },
    };
    return await bundle<Record<string, unknown>>(uri, root, options);
  } catch (cause) {
    const own = ownErrorIn(cause);
    if (own) throw own;
    const message = `the references of ${originOf(uri)} cannot be resolved: ${(cause as Error).message}`;
    throw refuse('configuration', 'document-invalid', message, undefined, cause);
  }
}

function hasForeignReference(root: unknown): boolean {
  const seen = new Set<unknown>();
  const open = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    const reference = (value as { $ref?: unknown }).$ref;
    if (typeof reference === 'string' && !reference.startsWith('#')) return true;
    open.push(...(Object.values(value) as unknown[]));
  }
  return false;
}

function originOf(uri: string): string {
  return URL.parse(uri)?.origin ?? 'the document';
}
