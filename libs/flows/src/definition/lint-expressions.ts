import { compileTemplate, JqSyntaxError, JqUnsupportedError } from '@spillway/jq';
import { compileExpression, FLOW_VARIABLES, sourceOf } from './expressions';
import { type ExpressionSite } from './expression-sites';
import { shown } from './json';
import { didYouMean, nearest } from './nearest';
import { pointerTo } from './pointer';
import { errorAt, placeOf, type Problem, warningAt } from './problem';

/** What is wrong with the jq at one place: all strings of a template, or one expression. */
export function lintExpression(site: ExpressionSite, secrets: readonly string[]): Problem[] {
  if (site.form === 'template') return lintTemplate(site.value, site.path, site, secrets);
  if (typeof site.value !== 'string') return [];
  const text = site.value;
  if (sourceOf(text).trim() === '') {
    return [errorAt(site.path, `${placeOf(site.path)} is an empty expression`, 'Write one, or leave the field out.')];
  }
  return [
    ...lintText({ ...site, text, compile: (variables) => void compileExpression(text, variables) }, secrets),
    ...lintCondition(text, site.path),
  ];
}

const CONDITIONS = /\/(?:if|when|exceptWhen|while|until)$/;

/** `.x = 1` gives an object, which is always true. */
function lintCondition(text: string, path: string): Problem[] {
  const plain = sourceOf(text).replace(/"(?:[^"\\]|\\.)*"/g, '""');
  if (!CONDITIONS.test(path) || !/^\s*[.$][\w.[\]"$]*\s*=(?!=)/.test(plain)) return [];
  const message = `${placeOf(path)} assigns, and what it gives is always true; did you mean "=="?`;
  return [warningAt(path, message, 'Compare with "==".')];
}

function lintTemplate(value: unknown, path: string, site: ExpressionSite, secrets: readonly string[]): Problem[] {
  if (typeof value === 'string') {
    const text = value;
    const compile = (variables: readonly string[]) => void compileTemplate(text, { variables });
    return [
      ...lintText({ ...site, path, text, compile }, secrets),
      ...lintForgotten(text, path, [...FLOW_VARIABLES, ...site.variables]),
    ];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => [
    ...(key.includes('${') ? [keyProblem(key, pointerTo(path, key))] : []),
    ...lintTemplate(part, pointerTo(path, key), site, secrets),
  ]);
}

function keyProblem(key: string, path: string): Problem {
  const remedy = 'Make the whole object one expression: ${ {(.name): 1} }.';
  return errorAt(path, `the key ${shown(key)} is taken as it is: only values are expressions`, remedy);
}

interface Text extends ExpressionSite {
  text: string;
  /** @throws JqSyntaxError, JqUnsupportedError */
  compile(variables: readonly string[]): void;
}

function lintText(text: Text, secrets: readonly string[]): Problem[] {
  const known = [...FLOW_VARIABLES, ...text.variables];
  const failure = failureOf(text, known);
  if (failure) return [jqProblem(text, failure, known)];
  return [...lintUnavailable(text, known), ...lintSecrets(text, known, secrets)];
}

function failureOf(text: Text, variables: readonly string[]): JqSyntaxError | JqUnsupportedError | undefined {
  try {
    text.compile(variables);
    return undefined;
  } catch (error) {
    if (error instanceof JqSyntaxError || error instanceof JqUnsupportedError) return error;
    throw error;
  }
}

function jqProblem({ path, text }: Text, failure: JqSyntaxError | JqUnsupportedError, known: string[]): Problem {
  const { problem, position } = failure;
  const variable = /^\$(\w+) is not defined$/.exec(problem)?.[1];
  if (variable !== undefined) {
    const message = `${placeOf(path)} names $${variable}, which does not exist here`;
    return errorAt(
      path,
      message + didYouMeanVariable(variable, known),
      `There are ${known.map((name) => `$${name}`).join(', ')}.`,
    );
  }
  const where = position ? `, line ${position.line}, column ${position.column} of the expression` : '';
  if (failure instanceof JqSyntaxError)
    return errorAt(path, `${placeOf(path)} is not valid jq: ${problem}${where}`, habitIn(text, problem));
  const message = `${placeOf(path)} has jq that Spillway does not run: ${problem}${where}`;
  return errorAt(path, message, 'Write it without that.');
}

/** What people write who know other languages better, and how jq says it. */
const HABITS: [RegExp, string][] = [
  [/&&/, 'Write "and" for "&&".'],
  [/\|\|/, 'Write "or" for "||".'],
  [/===/, 'Write "==" for "===".'],
  [/![A-Za-z.$(]/, 'Write "… | not" for "!".'],
  [/'/, 'Put text within an expression in double quotes.'],
  [/\?[^/]*:/, 'Write "if … then … else … end" for "? :".'],
  [/`/, 'Write "\\(.name)" within double quotes to fill in a text.'],
];

function habitIn(text: string, problem: string): string {
  const plain = text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const habit = HABITS.find(([pattern]) => pattern.test(plain))?.[1];
  if (habit) return habit;
  const name = /^(\w+)\/0 is not defined$/.exec(problem)?.[1];
  if (name === undefined) return 'Mend the jq expression.';
  if ((FLOW_VARIABLES as readonly string[]).includes(name)) return `Write $${name}.`;
  const withDash = new RegExp(`\\.([A-Za-z_]\\w*-${name})\\b`).exec(plain)?.[1];
  return withDash
    ? `Write ."${withDash}": a name with a dash stands in quotes.`
    : `Write .${name} if the field is meant.`;
}

function didYouMeanVariable(name: string, known: string[]): string {
  const meant = nearest(name, known);
  return meant === undefined ? '' : `; did you mean $${meant}?`;
}

/** Arguments that the specification does not provide here (dsl.md, table under "Runtime expression arguments"): null. */
function lintUnavailable(text: Text, known: string[]): Problem[] {
  return FLOW_VARIABLES.filter((name) => !text.available.includes(name) && !text.variables.includes(name)).flatMap(
    (name) => {
      if (!uses(text, name, known)) return [];
      const message = `${placeOf(text.path)} names $${name}, which has no value here`;
      return [warningAt(text.path, message, `Here there are ${text.available.map((one) => `$${one}`).join(', ')}.`)];
    },
  );
}

/** An expression uses a variable if it does not compile without it. */
function uses(text: Text, name: string, known: string[]): boolean {
  if (!text.text.includes(name)) return false;
  return (
    failureOf(
      text,
      known.filter((one) => one !== name),
    ) !== undefined
  );
}

const SECRET = /\$secrets\s*(?:\.\s*([A-Za-z_]\w*)|\.?\s*\[\s*"((?:[^"\\]|\\.)*)"\s*\])/g;

function lintSecrets(text: Text, known: string[], secrets: readonly string[]): Problem[] {
  if (!uses(text, 'secrets', known)) return [];
  const problems = [...text.text.matchAll(SECRET)]
    .map(([, plain, quoted]) => plain ?? quoted!)
    .filter((name) => !secrets.includes(name))
    .map((name) => unlistedSecret(text.path, name, secrets));
  if (!text.stored) return problems;
  const message = `${placeOf(text.path)} puts a secret into the run's data, where people can read it`;
  return [...problems, warningAt(text.path, message, 'Name $secrets where it is used: in the "with" of a call.')];
}

export function unlistedSecret(path: string, name: string, secrets: readonly string[]): Problem {
  const meant = nearest(name, secrets);
  const message = `${placeOf(path)} uses the secret "${name}", which use.secrets does not list${didYouMean(name, secrets)}`;
  return errorAt(path, message, meant ? `Write "${meant}".` : `Add ${shown(name)} to use.secrets.`);
}

/** A variable with a step down from it, as text has none by chance. */
const STEP = /\$([A-Za-z_]\w*)(?:\.[A-Za-z_]\w*|\[)/g;
const PATH = /^\s*(?:\.[A-Za-z_]|\$([A-Za-z_]\w*))[\w.[\]]*\s*$/;

const inBraces = (text: string) => text.replace(/\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*/g, (found) => `\${ ${found} }`);

/** Text that looks like an expression and is not one, since it is not in `${ }`. */
function lintForgotten(text: string, path: string, known: string[]): Problem[] {
  if (text.includes('${')) return [];
  const place = placeOf(path);
  if (/\$secrets\s*[.[]/.test(text)) {
    const remedy = `Write it in \${ }: ${inBraces(text)}`;
    return [errorAt(path, `${place} is the text ${shown(text)}: the secret is not filled in`, remedy)];
  }
  const [looks, variable] = PATH.exec(text) ?? [];
  if (looks === undefined) {
    const named = [...text.matchAll(STEP)].some(([, name]) => known.includes(name!));
    if (named || /\{\{\s*[.$][^{}]*\}\}/.test(text)) {
      const remedy = named ? `Write ${inBraces(text)} if it is to be filled in.` : 'Expressions are in ${ }.';
      return [warningAt(path, `${place} is the text ${shown(text)}, without an expression`, remedy)];
    }
  }
  if (looks === undefined || (variable !== undefined && !known.includes(variable))) return [];
  const written = `\${ ${text.trim()} }`;
  const message = `${placeOf(path)} is the text ${shown(text)}, not an expression`;
  return [warningAt(path, message, `Write ${written} if it is one.`)];
}
