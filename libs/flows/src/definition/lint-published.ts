import { EMBEDDED, RESOURCES } from './embed';
import { namesOf } from './endpoints';
import { type ExpressionSite, expressionSitesOf } from './expression-sites';
import { at, fieldsOf, isFields, itemsOf } from './json';
import { pointerTo } from './pointer';
import { errorAt, placeOf, type Problem } from './problem';
import type { Sites, TaskSite } from './sites';

/**
 * What the language has, a flow may hold, and runs here cannot do yet: refused when a flow is applied, so that it is not
 * found out when it runs.
 */
export function lintPublished(definition: unknown, { tasks }: Sites): Problem[] {
  const given = tasks.flatMap((site) => givenSecrets(site, namesOf(definition, 'functions')));
  return [
    ...lintSchedule(definition),
    ...lintSchema(definition, ''),
    ...tasks.flatMap((site) => lintTask(definition, site)),
    ...expressionSitesOf(definition, { tasks, lists: [] }).flatMap((site) => lintSecret(site, [...given, ...POLICIES])),
  ];
}

/** Where policies and catalogs are, which are worked out for a call. */
const POLICIES = ['/use/authentications', '/use/catalogs'];

/** What of a task the worker that makes the call works out. A function of the flow's own is no call: the run does it. */
function givenSecrets({ task, path }: TaskSite, functions: string[]): string[] {
  const call = task['call'];
  const isCall = typeof call === 'string' && !functions.includes(call);
  return [...(isCall ? [pointerTo(path, 'with')] : []), pointerTo(path, 'run', 'script')];
}

/** Only the worker that makes a call has the secrets: anywhere else `$secrets` is empty. */
function lintSecret({ path, value, available }: ExpressionSite, given: string[]): Problem[] {
  const isGiven = available.includes('secrets') && given.some((one) => path === one || path.startsWith(`${one}/`));
  if (isGiven || !/\$secrets\b/.test(JSON.stringify(value) ?? '')) return [];
  const message = `${placeOf(path)} names $secrets, which is empty there: only calls are given secrets`;
  return [errorAt(path, message, 'Name $secrets where it is used: in the "with" of a call.')];
}

function lintTask(definition: unknown, site: TaskSite): Problem[] {
  const { task, path } = site;
  const problems = [...lintSchema(task, path), ...lintDocument(definition, site)];
  if (task['call'] === 'mcp' && isFields(at(task, 'with', 'transport', 'stdio'))) {
    const here = pointerTo(path, 'with', 'transport', 'stdio');
    const message = `${placeOf(here)} is not run by Spillway: workers start no processes`;
    problems.push(errorAt(here, message, 'Run the MCP server with Streamable HTTP and use "transport.http".'));
  }
  const call = task['call'];
  const isElsewhere = typeof call === 'string' && (/^[a-z][a-z0-9+.-]*:\/\//i.test(call) || call.includes('@'));
  if (isElsewhere && !namesOf(definition, 'functions').includes(call)) {
    const here = pointerTo(path, 'call');
    const isDefault = call.endsWith('@default') && !namesOf(definition, 'catalogs').includes('default');
    const message = isDefault
      ? `${placeOf(here)} names a function of the specification's default catalog, which Spillway does not have`
      : `${placeOf(here)} names a function that is elsewhere, and the flow does not bring it with it`;
    const remedy = isDefault
      ? 'Name a catalog of your own under use.catalogs, or copy the function under use.functions.'
      : `${APPLY} Or copy the function under use.functions.`;
    problems.push(errorAt(here, message, remedy));
  }
  return problems;
}

const APPLY = 'Apply the flow with "spillway apply", which reads what it refers to and publishes it with the flow.';

/** `schema.resource` would have to be fetched in the middle of a run. */
function lintSchema(holder: unknown, path: string): Problem[] {
  return ['input', 'output', 'export'].flatMap((key) => {
    if (!isFields(at(holder, key, 'schema', 'resource'))) return [];
    const here = pointerTo(path, key, 'schema', 'resource');
    const remedy = `${APPLY} Or write the schema itself under "document".`;
    return [errorAt(here, `${placeOf(here)} is elsewhere, and the flow does not bring it with it`, remedy)];
  });
}

/** Documents of calls, and scripts, that are files, or are said to come with the flow. Others are read when the call is made. */
function lintDocument(definition: unknown, { task, path }: TaskSite): Problem[] {
  return RESOURCES.flatMap(({ keys }) => {
    const endpoint = at(task, ...keys, 'endpoint');
    const uri = typeof endpoint === 'string' ? endpoint : at(endpoint, 'uri');
    if (typeof uri !== 'string' || !(uri.includes(EMBEDDED) || uri.startsWith('file:'))) return [];
    const resources = fieldsOf(at(definition, 'document', 'metadata', 'resources'));
    const [plain = ''] = uri.split('#');
    if (uri.includes(EMBEDDED) && Object.hasOwn(resources, plain)) return [];
    const here = pointerTo(path, ...keys, 'endpoint');
    return [errorAt(here, `${placeOf(here)} is a file, and the flow does not bring it with it`, APPLY)];
  });
}

/** Events come together by their keys, so each must have all of them. */
function lintSchedule(definition: unknown): Problem[] {
  const filters = itemsOf(at(definition, 'schedule', 'on', 'all'));
  const keysOf = (filter: unknown) => Object.keys(fieldsOf(at(filter, 'correlate'))).sort();
  const wanted = [...new Set(filters.flatMap(keysOf))].sort();
  return filters.flatMap((filter, index) => {
    const missing = wanted.filter((key) => !keysOf(filter).includes(key));
    if (missing.length === 0) return [];
    const here = pointerTo('/schedule/on/all', index);
    const message = `${placeOf(here)} does not have the correlation key "${missing[0]}", which others beside it have`;
    return [errorAt(here, message, 'Give each of them the same keys under "correlate": they begin a run together.')];
  });
}
