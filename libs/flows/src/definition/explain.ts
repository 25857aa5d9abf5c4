import { choose } from './explain-choice';
import { listed, wordsFor } from './explain-words';
import { isFields, shown, typeOf } from './json';
import { didYouMean, nearest } from './nearest';
import { pointerTo } from './pointer';
import { placeFor } from './explain-places';
import { errorAt, placeOf, type Problem } from './problem';
import { matchesFormat, resolve, type SchemaNode } from './schema';

/** A problem, and the property whose absence it is. */
export interface Reason extends Problem {
  missing?: string;
}

/** What a part of the schema says of a value: what is wrong, and which of an object's keys it knows. */
export interface Explanation {
  problems: Reason[];
  known: Set<string>;
}

/**
 * Why the schema refuses a value, one problem for each mistake. Where the schema offers alternatives, the one that was
 * meant is found first (a task's kind, the function it calls, the keys that are there) and only that one is explained.
 */
export function explain(node: SchemaNode | boolean, value: unknown, path: string): Explanation {
  const found: Explanation = { problems: [], known: new Set() };
  if (node === true) return found;
  if (node === false)
    return { ...found, problems: [errorAt(path, `${placeOf(path)} is not allowed here`, 'Take it out.')] };
  if (node.type && !hasType(node.type, value)) {
    const wanted = wordsFor(node);
    found.problems.push(errorAt(path, `${placeOf(path)} must be ${wanted}, not ${typeOf(value)}`, `Write ${wanted}.`));
    return found;
  }
  const whole = resolve(node);
  if (whole) add(found, explain(whole, value, path));
  if (typeof value === 'string') explainText(node, value, path, found);
  if (typeof value === 'number') explainNumber(node, value, path, found);
  explainConstant(node, value, path, found);
  for (const part of node.allOf ?? []) add(found, explain(part, value, path));
  if (node.oneOf) add(found, choose(node.oneOf, value, path, { exactlyOne: true, explain }));
  if (node.anyOf) add(found, choose(node.anyOf, value, path, { exactlyOne: false, explain }));
  if (node.not && explain(node.not, value, path).problems.length === 0) {
    found.problems.push(
      errorAt(path, `${placeOf(path)} must not be like this`, 'See the reference of the flow language.'),
    );
  }
  if (node.if) {
    const branch = explain(node.if, value, path).problems.length === 0 ? node.then : node.else;
    if (branch) add(found, explain(branch, value, path));
  }
  if (Array.isArray(value)) explainList(node, value, path, found);
  if (isFields(value)) explainFields(node, value, path, found);
  return found;
}

/** One by one: there may be more than a call can have arguments. */
function tell(to: Explanation, from: Explanation): void {
  for (const problem of from.problems) to.problems.push(problem);
}

function add(to: Explanation, from: Explanation): void {
  tell(to, from);
  for (const key of from.known) to.known.add(key);
}

export function hasType(type: string, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isFields(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'null') return value === null;
  return typeof value === type;
}

function explainText(node: SchemaNode, value: string, path: string, found: Explanation): void {
  const wrong =
    (node.pattern !== undefined && !new RegExp(node.pattern, 'u').test(value)) ||
    (node.format !== undefined && !matchesFormat(node.format, value)) ||
    [...value].length < (node.minLength ?? 0);
  if (!wrong) return;
  const wanted = wordsFor(node);
  found.problems.push(errorAt(path, `${placeOf(path)} must be ${wanted}; it is ${shown(value)}`, `Write ${wanted}.`));
}

function explainNumber(node: SchemaNode, value: number, path: string, found: Explanation): void {
  const { minimum = -Infinity, maximum = Infinity } = node;
  if (value >= minimum && value <= maximum) return;
  const message = `${placeOf(path)} must be from ${minimum} to ${maximum}; it is ${value}`;
  found.problems.push(errorAt(path, message, 'Write a number in between.'));
}

function explainConstant(node: SchemaNode, value: unknown, path: string, found: Explanation): void {
  const allowed = node.enum ?? ('const' in node ? [node.const] : undefined);
  if (!allowed || allowed.includes(value)) return;
  const meant = typeof value === 'string' ? didYouMean(value, allowed.map(String)) : '';
  const message = `${placeOf(path)} must be ${listed(allowed.map(String))}; it is ${shown(value)}${meant}`;
  found.problems.push(errorAt(path, message, `Write ${listed(allowed.map(String))}.`));
}

function explainList(node: SchemaNode, value: unknown[], path: string, found: Explanation): void {
  if (value.length < (node.minItems ?? 0)) {
    found.problems.push(
      errorAt(path, `${placeOf(path)} must have at least ${node.minItems}, and is empty`, 'Add one.'),
    );
  }
  if (!node.items) return;
  for (const [index, item] of value.entries()) {
    tell(found, explain(node.items, item, pointerTo(path, index)));
  }
}

function explainFields(node: SchemaNode, value: Record<string, unknown>, path: string, found: Explanation): void {
  const keys = Object.keys(value);
  const { minProperties = 0, maxProperties = Infinity } = node;
  if (keys.length < minProperties) {
    const what = node.title === 'TaskItem' ? 'a task' : 'a property';
    found.problems.push(errorAt(path, `${placeOf(path)} is empty; it needs ${what}`, `Add ${what}.`));
  }
  if (keys.length > maxProperties) {
    const message = `${placeOf(path)} has ${keys.length} names (${keys.join(', ')}); an item of a list has one`;
    found.problems.push(errorAt(path, message, 'Begin each with a dash of its own.'));
  }
  for (const [key, part] of Object.entries(node.properties ?? {})) {
    found.known.add(key);
    if (Object.hasOwn(value, key)) tell(found, explain(part, value[key], pointerTo(path, key)));
  }
  if (node.additionalProperties !== undefined) {
    for (const key of keys.filter((one) => !Object.hasOwn(node.properties ?? {}, one))) {
      found.known.add(key);
      tell(found, explain(node.additionalProperties, value[key], pointerTo(path, key)));
    }
  }
  for (const key of node.required ?? []) {
    if (Object.hasOwn(value, key)) continue;
    found.problems.push({ ...errorAt(path, `${placeOf(path)} lacks "${key}"`, `Add "${key}".`), missing: key });
  }
  if (node.unevaluatedProperties === false) refuseUnknown(keys, path, found);
}

/** Most unknown keys of one object that are told. */
const MOST_UNKNOWN = 20;

/** A key that is not known; and, if it is a missing one typed wrongly, nothing else about that one. */
function refuseUnknown(keys: string[], path: string, found: Explanation): void {
  const names = [...found.known];
  const unknown = keys.filter((key) => !found.known.has(key));
  const missing = new Set(found.problems.flatMap((one) => (one.path === path && one.missing) || []));
  for (const key of unknown.slice(0, MOST_UNKNOWN)) {
    const meant = nearest(key, missing);
    if (meant !== undefined) missing.delete(meant);
    found.problems.push(unknownKey(key, path, names, meant ?? nearest(key, names)));
  }
  if (unknown.length === 0) return;
  found.problems = found.problems.filter(
    (one) => one.path !== path || one.missing === undefined || missing.has(one.missing),
  );
  for (const key of unknown) found.known.add(key);
}

function unknownKey(key: string, path: string, names: string[], meant: string | undefined): Problem {
  const place = placeFor(key, names);
  if (place) return errorAt(pointerTo(path, key), `${placeOf(path)} has no property "${key}"`, place);
  const suggestion = meant === undefined ? '' : `; did you mean "${meant}"?`;
  const remedy = meant === undefined ? `It may have ${listed(names)}.` : `Write "${meant}".`;
  return errorAt(pointerTo(path, key), `${placeOf(path)} has no property "${key}"${suggestion}`, remedy);
}
