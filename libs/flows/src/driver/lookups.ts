import { compileJq, type Json, type JqProgram } from '@spillway/jq';
import type { Lookup } from '@spillway/persistence';
import { sourceOf } from '../definition/expressions';
import { asKey, isLiteral } from '../engine/patterns';
import type { EventPattern } from '../engine/state';

type Event = { [attribute: string]: unknown };

/** A longer recipe does not fit into an index of PostgreSQL. */
const MOST_CHARACTERS = 500;
const MOST_PROGRAMS = 1_000;

/** How a key is made of an event: the values of these attributes, then what these expressions give. */
type Recipe = [attributes: string[], expressions: string[]];

/**
 * What the filters of a listener can be looked up by: the type, literal attributes, and correlation keys whose value is
 * known. An event that one of the filters matches is found by one of these; one that is found may still be refused by an
 * expression. What only an expression of the run's own data decides is not looked up, and finds every event of its type.
 */
export function lookupsOf(filters: readonly EventPattern[]): Lookup[] {
  const found = new Map<string, Lookup>();
  for (const filter of filters) {
    const lookup = lookupOf(filter);
    found.set(JSON.stringify([lookup.type, lookup.recipe, lookup.key]), lookup);
  }
  return [...found.values()];
}

function lookupOf({ type, with: wanted, correlate = {} }: EventPattern): Lookup {
  const kind = { ...(type !== undefined && { type }) };
  const attributes = Object.entries(wanted)
    .filter(([name, value]) => !(name === 'type' && type !== undefined) && isFixed(value))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const keys = Object.values(correlate)
    .filter(({ from, expect }) => expect !== undefined && expect !== null && programOf(from) !== undefined)
    .sort((a, b) => (a.from < b.from ? -1 : 1));
  const recipe = JSON.stringify([attributes.map(([name]) => name), keys.map(({ from }) => from)] satisfies Recipe);
  if (attributes.length + keys.length === 0 || recipe.length > MOST_CHARACTERS) return kind;
  const values = [...attributes.map(([, value]) => value), ...keys.map(({ expect }) => asKey(expect!))];
  return { ...kind, recipe, key: textOf(values) };
}

/** What an event is looked up by under a recipe; undefined when it cannot be meant by any listener of that. */
export function keyOf(recipe: string, event: Event): string | undefined {
  const [attributes, expressions] = recipeOf(recipe);
  const values = attributes.map((name) => (event[name] ?? null) as Json);
  for (const expression of expressions) {
    const value = valueOf(expression, event);
    if (value === null) return undefined;
    values.push(asKey(value));
  }
  return textOf(values);
}

/** Whether one of the lookups finds an event. */
export function isMeant(lookups: readonly Lookup[], event: Event): boolean {
  return lookups.some(({ type, recipe, key }) => {
    if (type !== undefined && type !== event['type']) return false;
    return recipe === undefined || keyOf(recipe, event) === key;
  });
}

/** As the engine has it: an event over which the expression fails is no match. */
function valueOf(expression: string, event: Event): Json {
  try {
    return programOf(expression)?.first(event) ?? null;
  } catch {
    return null;
  }
}

const programs = new Map<string, JqProgram | undefined>();

/** Of an expression that gives the same for the same event, whoever asks; undefined for others. */
function programOf(expression: string): JqProgram | undefined {
  if (programs.has(expression)) return programs.get(expression);
  const program = /\bnow\b/.test(expression) ? undefined : compiled(sourceOf(expression));
  if (programs.size >= MOST_PROGRAMS) programs.clear();
  programs.set(expression, program);
  return program;
}

/** Without any variables: one that names the run's data is none of these. */
function compiled(source: string): JqProgram | undefined {
  try {
    return compileJq(source, { variables: [] });
  } catch {
    return undefined;
  }
}

const recipes = new Map<string, Recipe>();

function recipeOf(text: string): Recipe {
  let recipe = recipes.get(text);
  if (!recipe) {
    if (recipes.size >= MOST_PROGRAMS) recipes.clear();
    recipes.set(text, (recipe = JSON.parse(text) as Recipe));
  }
  return recipe;
}

function isFixed(value: Json): boolean {
  return typeof value !== 'string' || isLiteral(value);
}

/** JSON in which the order of an object's keys does not matter. */
function textOf(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`;
  const entries = Object.keys(value).sort();
  return `{${entries.map((key) => `${JSON.stringify(key)}:${textOf(value[key]!)}`).join(',')}}`;
}
