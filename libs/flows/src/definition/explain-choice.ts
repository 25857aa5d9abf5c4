import type { Explanation, Reason } from './explain';
import { listed, wordsForAny } from './explain-words';
import { isFields, shown, typeOf } from './json';
import { TASK_KINDS, type TaskKind } from './model';
import { nearest } from './nearest';
import { pointerTo } from './pointer';
import { errorAt, placeOf } from './problem';
import { resolve, type SchemaNode } from './schema';

type Explain = (node: SchemaNode, value: unknown, path: string) => Explanation;

/** What alternatives of the schema (`oneOf`, `anyOf`) say of a value: the one that was meant speaks for all. */
export function choose(
  branches: SchemaNode[],
  value: unknown,
  path: string,
  options: { exactlyOne: boolean; explain: Explain },
): Explanation {
  const { exactlyOne, explain } = options;
  if (branches[0]?.$ref === '#/$defs/callTask') return chooseTask(branches, value, path, explain);
  const called = branches.some((branch) => calledBy(branch) !== undefined);
  if (called && isFields(value)) return explain(callBranch(branches, value['call']), value, path);

  const fitting = branches.filter((branch) => fits(branch, value));
  if (fitting.length === 0) {
    const wanted = wordsForAny(branches);
    return refused(errorAt(path, `${placeOf(path)} must be ${wanted}, not ${typeOf(value)}`, `Write ${wanted}.`));
  }
  const explained = fitting.map((branch) => ({ branch, ...explain(branch, value, path) }));
  const passing = explained.filter((one) => one.problems.length === 0);
  if (passing.length === 1 || (passing.length > 1 && !exactlyOne)) {
    return { problems: [], known: new Set(passing.flatMap((one) => [...one.known])) };
  }
  if (isFields(value)) {
    return passing.length > 1 ? tooMany(passing, value, path) : chooseByKeys(explained, value, path);
  }
  const isOnlyExpression = explained.length === 1 && explained[0]!.branch.$ref === '#/$defs/runtimeExpression';
  if (explained.length === 1 && !isOnlyExpression) return explained[0]!;
  const wanted = wordsForAny(isOnlyExpression ? branches : fitting);
  const mixed = typeof value === 'string' && value.includes('${') && !value.trim().startsWith('${');
  const remedy = mixed ? 'Make the whole text one expression: ${ "https://example.com/\\(.id)" }.' : `Write ${wanted}.`;
  return refused(errorAt(path, `${placeOf(path)} must be ${wanted}; it is ${shown(value)}`, remedy));
}

const refused = (...problems: Reason[]): Explanation => ({ problems, known: new Set() });

function chooseTask(branches: SchemaNode[], value: unknown, path: string, explain: Explain): Explanation {
  if (!isFields(value)) {
    return refused(errorAt(path, `${placeOf(path)} must be an object, not ${typeOf(value)}`, ONE_OF_THE_KINDS));
  }
  const kinds = kindsOf(value);
  const [kind, other] = kinds;
  if (other) {
    const message = `${placeOf(path)} is of ${kinds.length} kinds, ${listed(kinds.map(quoted), 'and')}; a task is of one`;
    return knowing(value, errorAt(path, message, 'Make a task of each.'));
  }
  if (kind)
    return explain(
      branches.find((one) => one.$ref === `#/$defs/${kind}Task`)!,
      value,
      path,
    );
  const keys = Object.keys(value).filter((key) => !TASK_BASE.includes(key));
  for (const key of keys) {
    const meant = nearest(key, TASK_KINDS);
    if (!meant) continue;
    const message = `${placeOf(path)} has no property "${key}"; did you mean "${meant}"?`;
    return knowing(value, errorAt(pointerTo(path, key), message, `Write "${meant}".`));
  }
  const has = keys.length > 0 ? `it has only ${listed(keys.map(quoted), 'and')}` : 'nothing says what it does';
  return knowing(value, errorAt(path, `${placeOf(path)} is of no kind: ${has}`, ONE_OF_THE_KINDS));
}

const TASK_BASE = ['if', 'input', 'output', 'export', 'timeout', 'then', 'metadata', 'with'];
const ONE_OF_THE_KINDS = `Give it one of ${TASK_KINDS.join(', ')}.`;
const quoted = (name: string) => `"${name}"`;

/** The kinds a task shows; `do` belongs to `for` where both are there. */
export function kindsOf(task: Record<string, unknown>): TaskKind[] {
  return TASK_KINDS.filter((kind) => Object.hasOwn(task, kind) && !(kind === 'do' && Object.hasOwn(task, 'for')));
}

/** All keys are taken as known, so that one mistake is not told twice. */
function knowing(value: Record<string, unknown>, problem: Reason): Explanation {
  return { problems: [problem], known: new Set(Object.keys(value)) };
}

/** `http` and the like for the branches of a call that have a name; functions have none. */
function calledBy(branch: SchemaNode): unknown {
  const call = branch.allOf?.[1]?.properties?.['call'];
  return typeof call === 'object' ? call.const : undefined;
}

function callBranch(branches: SchemaNode[], name: unknown): SchemaNode {
  return branches.find((one) => calledBy(one) === name) ?? branches.find((one) => calledBy(one) === undefined)!;
}

/** Whether a value is of the type that a branch is about, whatever else it asks. */
function fits(branch: SchemaNode, value: unknown): boolean {
  if (branch.type) {
    if (branch.type === 'integer') return typeof value === 'number';
    if (branch.type === 'array') return Array.isArray(value);
    return branch.type === 'object' ? isFields(value) : typeof value === branch.type;
  }
  const whole = resolve(branch);
  if (whole) return fits(whole, value);
  const inner = branch.oneOf ?? branch.anyOf;
  if (inner) return inner.some((one) => fits(one, value));
  if (branch.allOf) return branch.allOf.every((one) => fits(one, value));
  return branch.properties || branch.required ? isFields(value) : true;
}

function tooMany(passing: { branch: SchemaNode }[], value: Record<string, unknown>, path: string): Explanation {
  const names = [...new Set(passing.flatMap(({ branch }) => alternatives(branch).flat()))];
  const there = names.filter((name) => Object.hasOwn(value, name));
  const message = `${placeOf(path)} has ${listed(there.map(quoted), 'and')}, of which only one can be`;
  return knowing(value, errorAt(path, message, 'Keep one of them.'));
}

function chooseByKeys(
  explained: (Explanation & { branch: SchemaNode })[],
  value: Record<string, unknown>,
  path: string,
): Explanation {
  const scored = explained.map((one) => ({ one, score: scoreOf(one.branch, value) }));
  scored.sort((a, b) => b.score - a.score || a.one.problems.length - b.one.problems.length);
  const best = scored[0]!;
  if (best.score > 0)
    return lackingAny(
      scored.filter(({ score }) => score === best.score).map(({ one }) => one),
      path,
    );
  const names = [...new Set(explained.flatMap(({ branch }) => alternatives(branch).flat()))];
  for (const key of Object.keys(value)) {
    const meant = nearest(key, names);
    if (meant === undefined) continue;
    const message = `${placeOf(path)} has no property "${key}"; did you mean "${meant}"?`;
    return knowing(value, errorAt(pointerTo(path, key), message, `Write "${meant}".`));
  }
  const lacking = `${placeOf(path)} lacks ${listed(names.map(quoted))}`;
  return knowing(value, errorAt(path, lacking, `Add ${listed(names.map(quoted))}.`));
}

/** Of branches that fit equally well and lack one key each: that any of those keys is needed. */
function lackingAny(best: Explanation[], path: string): Explanation {
  const missing = best.flatMap(({ problems }) => (problems.length === 1 ? (problems[0]!.missing ?? []) : []));
  const names = [...new Set(missing)];
  if (missing.length < best.length || names.length < 2) return best[0]!;
  const message = `${placeOf(path)} lacks ${listed(names.map(quoted))}`;
  return { problems: [errorAt(path, message, `Add ${listed(names.map(quoted))}.`)], known: best[0]!.known };
}

/** How much of what a branch requires is there; a branch that requires nothing comes after those with something. */
function scoreOf(branch: SchemaNode, value: Record<string, unknown>): number {
  const scores = alternatives(branch).map((names) =>
    names.length === 0 ? 0.01 : names.filter((name) => Object.hasOwn(value, name)).length / names.length,
  );
  return Math.max(...scores);
}

/** The sets of keys that a branch, or the branches within it, require. */
function alternatives(branch: SchemaNode): string[][] {
  if (branch.required) return [branch.required];
  const whole = resolve(branch);
  if (whole) return alternatives(whole);
  const inner = branch.oneOf ?? branch.allOf;
  return inner ? inner.flatMap(alternatives) : [[]];
}
