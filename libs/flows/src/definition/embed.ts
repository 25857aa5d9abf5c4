import { createHash } from 'node:crypto';
import { PermanentError } from '@spillway/contracts';
import { parse } from 'yaml';
import { schemasOf } from './endpoints';
import { at, type Fields, fieldsOf, isFields } from './json';
import type { FlowDefinition } from './model';
import { pointerTo } from './pointer';
import { errorAt, placeOf, type Problem } from './problem';
import { sitesOf, type TaskSite } from './sites';

/** What a text is for: `document` (OpenAPI, AsyncAPI) and `proto` may refer to others. */
export type ExternalKind = 'function' | 'schema' | 'script' | 'document' | 'proto';

/**
 * Reads what a flow refers to. @param uri absolute; of files (`file:///…`), from the folder of the flow's own file
 * @returns the text by its URI, with those that it refers to by theirs
 * @throws PermanentError
 */
export type ReadExternal = (uri: string, kind: ExternalKind) => Promise<Record<string, string>>;

/** Whether a call fits what describes it. @throws PermanentError */
export type CheckCall = (call: string, args: Fields, uri: string, files: Record<string, string>) => Promise<void>;

/** Functions that a flow may take from catalogs, and from functions of those. */
const MOST_FUNCTIONS = 100;
const CATALOGED = /^([^:@]+):([^:@]+)@([^:@]+)$/;
const URL_LIKE = /^[a-z][a-z0-9+.-]*:\/\//i;
/** Marks the endpoint of a document that the flow brings with it; what follows is the hash of its text. */
export const EMBEDDED = '#sha256-';

interface Place {
  keys: string[];
  kind: ExternalKind;
}

const DOCUMENT: Place = { keys: ['with', 'document'], kind: 'document' };
const PROTO: Place = { keys: ['with', 'proto'], kind: 'proto' };
const SCRIPT: Place = { keys: ['run', 'script', 'source'], kind: 'script' };
/** Where a task names what comes to lie under `document.metadata.resources`. */
export const RESOURCES = [DOCUMENT, PROTO, SCRIPT];
/** The calls that are described by a document. */
const DOCUMENTS: Record<string, Place> = { openapi: DOCUMENT, asyncapi: DOCUMENT, grpc: PROTO };

/**
 * Brings what a flow refers to outside of itself into it, so that its runs depend on nobody's web server, and what they do
 * is what was published: functions of catalogs under `use.functions`, schemas under `document`, the documents of calls and
 * scripts under `document.metadata.resources`.
 */
export async function embedExternals(
  given: FlowDefinition,
  read: ReadExternal,
  check: CheckCall = () => Promise.resolve(),
): Promise<{ definition: FlowDefinition; problems: Problem[] }> {
  const definition = structuredClone(given);
  const problems: Problem[] = [];
  const attempt = async (path: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      problems.push(errorAt(path, `${placeOf(path)}: ${error.message}`, error.remedy ?? 'Mend the reference.'));
    }
  };
  await embedFunctions(definition, read, attempt);
  const sites = sitesOf(definition);
  for (const { path, value } of schemasOf(definition, sites)) {
    const schema = value as Fields;
    const endpoint = at(schema, 'resource', 'endpoint');
    if (endpoint === undefined) continue;
    await attempt(pointerTo(path, 'resource'), async () => {
      schema['document'] = parsed(await textAt(plainUri(endpoint), 'schema', read));
      delete schema['resource'];
    });
  }
  for (const site of sites.tasks) await embedDocument(definition, site, { read, check, attempt });
  return { definition, problems };
}

type Attempt = (path: string, work: () => Promise<void>) => Promise<void>;

async function embedFunctions(definition: FlowDefinition, read: ReadExternal, attempt: Attempt): Promise<void> {
  const tried = new Set<string>();
  for (let more = true; more && tried.size < MOST_FUNCTIONS;) {
    more = false;
    for (const { task, path } of sitesOf(definition).tasks) {
      const name = task['call'];
      if (typeof name !== 'string' || tried.has(name) || Object.hasOwn(definition.use?.functions ?? {}, name)) continue;
      const uri = functionUri(definition, name);
      if (uri === undefined) continue;
      tried.add(name);
      await attempt(pointerTo(path, 'call'), async () => {
        const found = parsed(await textAt(plainUri(uri), 'function', read));
        if (!isFields(found)) throw new PermanentError(`${name} is no task`, { code: 'flow-invalid' });
        definition.use = { ...definition.use, functions: { ...definition.use?.functions, [name]: found as never } };
        more = true;
      });
    }
  }
}

/** Where the definition of a function is, for one of a catalog that the flow names, or a URL. */
function functionUri(definition: FlowDefinition, name: string): unknown {
  const [, own, version, catalog] = CATALOGED.exec(name) ?? [];
  if (own === undefined) return URL_LIKE.test(name) ? name : undefined;
  const endpoint = definition.use?.catalogs?.[catalog!]?.endpoint;
  if (endpoint === undefined) return undefined;
  const root = rawUri(plainUri(endpoint)).replace(/\/$/, '');
  return `${root}/functions/${own}/${version}/function.yaml`;
}

/** Catalogs on GitHub and GitLab are read as files, not as pages (dsl.md, "File Structure"). */
function rawUri(uri: string): string {
  const github = /^https:\/\/github\.com\/([^/]+)\/([^/]+)(?:\/tree\/([^/]+)(\/.*)?)?\/?$/.exec(uri);
  if (github) {
    const [, owner, repository, branch = 'main', path = ''] = github;
    return `https://raw.githubusercontent.com/${owner}/${repository}/refs/heads/${branch}${path}`;
  }
  return uri.replace(/^(https:\/\/gitlab\.com\/.+)\/-\/tree\//, '$1/-/raw/');
}

async function embedDocument(
  definition: FlowDefinition,
  { task, path }: TaskSite,
  { read, check, attempt }: { read: ReadExternal; check: CheckCall; attempt: Attempt },
): Promise<void> {
  const place = DOCUMENTS[String(task['call'])] ?? SCRIPT;
  const resource = at(task, ...place.keys);
  if (!isFields(resource)) return;
  const { endpoint } = resource;
  // What is known only when a run comes to it, or is behind a login, is read then.
  const text = typeof endpoint === 'string' ? endpoint : String(at(endpoint, 'uri'));
  const isOpen = text.includes('{') || text.includes(EMBEDDED) || at(endpoint, 'authentication') !== undefined;
  if (isOpen || !URL_LIKE.test(text.replace(/^file:/, 'file://'))) return;
  let files: Record<string, string> = {};
  await attempt(pointerTo(path, ...place.keys, 'endpoint'), async () => {
    const uri = plainUri(endpoint);
    files = await read(uri, place.kind);
    const hash = createHash('sha256').update(JSON.stringify(files)).digest('base64url');
    const metadata = fieldsOf(definition.document['metadata']);
    const resources = { ...fieldsOf(metadata['resources']), ...files };
    definition.document['metadata'] = { ...metadata, resources };
    resource['endpoint'] = `${uri}${EMBEDDED}${hash}`;
  });
  const [uri] = String(resource['endpoint']).split(EMBEDDED);
  if (place !== SCRIPT && Object.hasOwn(files, uri!))
    await attempt(pointerTo(path, 'with'), () => check(String(task['call']), fieldsOf(task['with']), uri!, files));
}

async function textAt(uri: string, kind: ExternalKind, read: ReadExternal): Promise<string> {
  const files = await read(uri, kind);
  return files[uri] ?? '';
}

/** Of a file, from the folder of the flow, which `..` does not leave. */
function plainUri(endpoint: unknown): string {
  const uri = typeof endpoint === 'string' ? endpoint : at(endpoint, 'uri');
  if (at(endpoint, 'authentication') !== undefined) {
    const remedy = 'Save it beside the flow, and name it as file:///NAME.';
    throw new PermanentError('what is behind a login is not read', { code: 'flow-invalid', remedy });
  }
  const parsedUri = URL.parse(String(uri).replace(/^file:(?:\/\/)?\/?/, 'file:///'));
  if (parsedUri && ['file:', 'http:', 'https:'].includes(parsedUri.protocol)) return parsedUri.href;
  const remedy = 'Write file:///NAME, http://… or https://….';
  throw new PermanentError(`${String(uri)} is not where anything is read from`, { code: 'flow-invalid', remedy });
}

function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new PermanentError('what is there is neither YAML nor JSON', { code: 'flow-invalid', cause });
  }
}
