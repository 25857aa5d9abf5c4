import { CALLS, namesOf } from './endpoints';
import { at, type Fields, isFields } from './json';
import { didYouMean, nearest } from './nearest';
import { pointerTo, segmentsOf } from './pointer';
import { errorAt, placeOf, type Problem } from './problem';
import type { Sites, TaskSite } from './sites';

export interface FunctionOptions {
  /** Whether the runtime has a function or capability, such as `spillway.notify` or `crm.upsertContact`. */
  knownFunctions?: (name: string) => boolean;
  /** Names to suggest for one that it does not have. */
  functionNames?: readonly string[];
  /** What is wrong with the arguments of one that it has. */
  argumentProblems?: (name: string, given: Fields) => ArgumentProblem[];
}

/** Something wrong with what a function is called with. */
export interface ArgumentProblem {
  /** Keys from the arguments down. */
  path: string[];
  /** The end of a sentence that begins with the place; left out of an argument that does not exist. */
  message?: string;
  unknown?: boolean;
  /** The argument that is not there. */
  missing?: string;
  /** Arguments that there are. */
  names: string[];
}

/** Calls of functions that do not exist, and functions that call themselves. */
export function lintFunctions(definition: unknown, { tasks }: Sites, options: FunctionOptions): Problem[] {
  const defined = namesOf(definition, 'functions');
  const catalogs = namesOf(definition, 'catalogs');
  return [
    ...defined
      .filter((name) => CALLS.includes(name))
      .map((name) => {
        const message = `function "${name}" can never be called: "call: ${name}" is a call of the language`;
        return errorAt(pointerTo('/use/functions', name), message, 'Give it another name.');
      }),
    ...tasks.flatMap((site) => lintCall(site, defined, catalogs, options)),
    ...lintRecursion(tasks, defined),
  ];
}

function lintCall(site: TaskSite, defined: string[], catalogs: string[], options: FunctionOptions): Problem[] {
  const name = site.task['call'];
  if (typeof name !== 'string' || CALLS.includes(name) || defined.includes(name)) return [];
  const path = pointerTo(site.path, 'call');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name)) return [];
  const catalog = /^[^:@]+:[^:@]+@([^:@]+)$/.exec(name)?.[1];
  if (catalog !== undefined) {
    if (catalog === 'default' || catalogs.includes(catalog)) return [];
    const message = `${placeOf(path)} names the catalog "${catalog}", which use.catalogs does not have`;
    return [errorAt(path, message + didYouMean(catalog, catalogs), 'Define it under use.catalogs.')];
  }
  const { knownFunctions, functionNames = [] } = options;
  const exists = knownFunctions ? knownFunctions(name) : /^[\w-]+(?:\.[\w-]+)+$/.test(name);
  if (exists) return lintArguments(site, name, options);
  const names = [...defined, ...functionNames, ...CALLS.filter((one) => one !== 'a2a')];
  const message = `${placeOf(path)} names the function "${name}", which does not exist${didYouMean(name, names)}`;
  return [errorAt(path, message, `Define it under use.functions, or call one of ${names.slice(0, 30).join(', ')}.`)];
}

/** Stands for the link that a call takes with it. */
const LINK = { callbackUrl: 'https://localhost/' };

function lintArguments({ task, path }: TaskSite, name: string, { argumentProblems }: FunctionOptions): Problem[] {
  const given = task['with'] ?? {};
  if (!argumentProblems || !isFields(given)) return [];
  const withLink = at(task, 'metadata', 'callback') === true ? { ...LINK, ...given } : given;
  const problems = argumentProblems(name, withLink);
  const meant = problems.flatMap((one) => (one.unknown ? (nearest(one.path.at(-1)!, one.names) ?? []) : []));
  // A missing one that is there, typed wrongly, is told of once.
  const told = problems.filter(({ missing }) => missing === undefined || !meant.includes(missing));
  return told.map(({ path: keys, message, unknown, names }) => {
    if (unknown && keys[0] === 'callbackUrl' && !Object.hasOwn(given, 'callbackUrl')) {
      const here = pointerTo(path, 'metadata', 'callback');
      const remedy = 'Call something that does, such as workflow.start, or use "call: http".';
      return errorAt(here, `${placeOf(here)}: ${name} takes no link to answer through`, remedy);
    }
    const here = pointerTo(path, 'with', ...keys);
    const what = message ?? `is no argument of ${name}${didYouMean(keys.at(-1)!, names)}`;
    const remedy = names.length > 0 ? `The arguments of ${name} are ${names.join(', ')}.` : 'Mend the argument.';
    return errorAt(task['with'] === undefined ? path : here, `${placeOf(here)} ${what}`, remedy);
  });
}

/** A function that calls itself never ends: it has no way to stop before the call. */
function lintRecursion(tasks: TaskSite[], defined: string[]): Problem[] {
  const calls = new Map(defined.map((name) => [name, new Set<string>()]));
  for (const { path, task } of tasks) {
    const [use, functions, name] = segmentsOf(path);
    const called = task['call'];
    if (use !== 'use' || functions !== 'functions' || typeof called !== 'string') continue;
    if (calls.has(called)) calls.get(name!)?.add(called);
  }
  const told = new Set<string>();
  return defined.flatMap((name) => {
    const way = told.has(name) ? undefined : wayBack(name, calls);
    if (!way) return [];
    for (const one of way) told.add(one);
    const through = way.length > 0 ? `, through ${way.map((one) => `"${one}"`).join(' and ')}` : '';
    const message = `function "${name}" calls itself${through}`;
    return [errorAt(pointerTo('/use/functions', name), message, 'Use a for task, or run a workflow, to repeat.')];
  });
}

/** The shortest way from a function back to itself, without its ends; undefined if there is none. */
function wayBack(start: string, calls: Map<string, Set<string>>): string[] | undefined {
  const seen = new Set<string>();
  const open: { name: string; way: string[] }[] = [{ name: start, way: [] }];
  for (const { name, way } of open) {
    for (const called of calls.get(name) ?? []) {
      if (called === start) return way;
      if (seen.has(called)) continue;
      seen.add(called);
      open.push({ name: called, way: [...way, called] });
    }
  }
  return undefined;
}
