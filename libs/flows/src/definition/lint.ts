import { secretNames } from './endpoints';
import { explain } from './explain';
import { expressionSitesOf } from './expression-sites';
import { nestsDeeperThan } from './json';
import { lintExpression } from './lint-expressions';
import { type FunctionOptions, lintFunctions } from './lint-functions';
import { lintMetadata } from './lint-metadata';
import { lintOrder } from './lint-order';
import { lintPublished } from './lint-published';
import { lintReferences } from './lint-references';
import { lintSchemas } from './lint-schemas';
import { lintSupport } from './lint-support';
import { lintValues } from './lint-values';
import { DEEPEST } from './parse';
import { pointerTo } from './pointer';
import { errorAt, placeOf, type Problem } from './problem';
import { flowSchema, matches } from './schema';
import { type Sites, sitesOf } from './sites';

export interface LintOptions extends FunctionOptions {
  /** The flow is to be run here: what cannot be done yet is an error too. */
  published?: boolean;
}

/** Most tasks in a flow, those within others and functions included. */
export const MOST_TASKS = 2000;

/**
 * Everything that is wrong with a flow's definition and can be known before it runs: what the specification's schema
 * refuses, one line for each mistake, and what the schema cannot see. It never throws, whatever the definition is.
 *
 * @example lintFlow(parseFlow(text).definition).filter(({ severity }) => severity === 'error')
 */
export function lintFlow(definition: unknown, options: LintOptions = {}): Problem[] {
  if (nestsDeeperThan(definition, DEEPEST)) {
    return [errorAt('', 'the flow is too large or nests too deep', `Objects and lists nest at most ${DEEPEST} deep.`)];
  }
  const sites = sitesOf(definition);
  if (sites.tasks.length > MOST_TASKS) {
    const message = `the flow has ${sites.tasks.length} tasks`;
    return [errorAt('', message, `A flow has at most ${MOST_TASKS}; run others from it ("run: workflow").`)];
  }
  const shape = lintShape(definition, sites);
  const secrets = secretNames(definition);
  const problems = [
    ...lintNumbers(definition, ''),
    ...lintSupport(definition, sites),
    ...(options.published ? lintPublished(definition, sites) : []),
    ...lintOrder(sites),
    ...lintReferences(definition, sites),
    ...lintFunctions(definition, sites, options),
    ...lintValues(definition, sites),
    ...lintSchemas(definition, sites),
    ...lintMetadata(sites),
    ...expressionSitesOf(definition, sites).flatMap((site) => lintExpression(site, secrets)),
  ];
  const refused = new Set(shape.map(({ path }) => path));
  return unique([...shape, ...problems.filter(({ path }) => !refused.has(path))]);
}

/**
 * The words are ours and the verdict is ajv's too: should we find nothing where ajv does, the flow is still refused.
 * (The other way round happens with keys such as `constructor`, which ajv takes for known.)
 */
function lintShape(definition: unknown, sites: Sites): Problem[] {
  const problems = explain(flowSchema, definition, '').problems.map(({ missing: _, ...problem }) => problem);
  if (problems.length > 0 || matchesSchema(definition, sites)) return problems;
  return [errorAt('', 'the flow does not match the schema of the language', 'Compare it with the reference.')];
}

/** The schema's verdict, each task by the definition of its kind, so that the time grows with the flow and no faster. */
export function matchesSchema(definition: unknown, { tasks } = sitesOf(definition)): boolean {
  if (!matches(definition)) return false;
  // The schema knows nothing of compensations; lint-metadata.ts explains them.
  const known = tasks.filter(({ path }) => !/\/metadata\/compensate(?:\/|$)/.test(path));
  return known.every(({ task, kind }) => kind !== undefined && matches(task, `${kind}Task`));
}

/** YAML has numbers that JSON does not, in which a flow is stored. */
function lintNumbers(value: unknown, path: string): Problem[] {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return [errorAt(path, `${placeOf(path)} is ${value}, which is no number in JSON`, 'Write a number, or text.')];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => lintNumbers(part, pointerTo(path, key)));
}

function unique(problems: Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ path, message }) => {
    const key = `${path}\n${message}`;
    return !seen.has(key) && seen.add(key);
  });
}
