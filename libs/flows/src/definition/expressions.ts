import { compileJq, compileTemplate, type JqProgram, type Template } from '@spillway/jq';

/** What every expression of a flow may name (dsl.md, "Runtime expression arguments"). */
export const FLOW_VARIABLES = [
  'context',
  'input',
  'output',
  'secrets',
  'task',
  'workflow',
  'runtime',
  'authorization',
] as const;

const WRAPPED = /^\s*\$\{([\s\S]*)\}\s*$/;

/** The jq of a field that is always an expression, whether it is written in `${ }` or not. */
export function sourceOf(text: string): string {
  return WRAPPED.exec(text)?.[1] ?? text;
}

/**
 * Compiles a field that is always an expression: `if`, `when`, `exceptWhen`, `while`, `until`, `for.in`, `correlate.from`.
 *
 * @param variables names without `$`
 * @throws JqSyntaxError, JqUnsupportedError
 */
export function compileExpression(text: string, variables: readonly string[]): JqProgram {
  return compileJq(sourceOf(text), { variables });
}

/**
 * Compiles `input.from`, `output.as` or `export.as`: text is an expression, with or without `${ }` (the specification's
 * examples have both); an object is a template.
 *
 * @throws JqSyntaxError, JqUnsupportedError
 */
export function compileTransform(value: unknown, variables: readonly string[]): Template {
  if (typeof value !== 'string') return compileTemplate(value, { variables });
  const program = compileExpression(value, variables);
  return { render: (input, values) => program.first(input, values) ?? null };
}
