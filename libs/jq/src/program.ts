import { type Budget, DEFAULT_BUDGET, sawOddNumbers, step, withinBudget } from './budget';
import { Compiler, type Scope } from './compile';
import { JqSyntaxError, JqUnsupportedError } from './errors';
import { parse } from './parser';
import { type Env, type Filter, stoppable } from './runtime';
import { isObject, type Json, type JsonObject, put, truthy } from './values';

/** A compiled expression. Every call has a budget of its own. */
export interface JqProgram {
  readonly source: string;
  /** All outputs. @throws JqRuntimeError, JqBudgetError */
  all(input: unknown, variables?: Record<string, unknown>): Json[];
  /** The first output; undefined when there is none. @throws JqRuntimeError, JqBudgetError */
  first(input: unknown, variables?: Record<string, unknown>): Json | undefined;
  /** Whether the first output is neither null nor false. @throws JqRuntimeError, JqBudgetError */
  test(input: unknown, variables?: Record<string, unknown>): boolean;
}

export interface JqOptions {
  /** Names, without `$`, that the expression may use. */
  variables?: readonly string[];
  budget?: Partial<Budget>;
}

/**
 * Compiles an expression once, to be run many times.
 *
 * @throws JqSyntaxError, JqUnsupportedError with line and column
 * @example compileJq('.data.amount > 100').test(event)
 */
export function compileJq(source: string, options: JqOptions = {}): JqProgram {
  const names = options.variables ?? [];
  const budget = { ...DEFAULT_BUDGET, ...options.budget };
  const scope = names.reduce<Scope | null>((up, name) => ({ up, kind: 'variable', name, arity: 0 }), null);
  const filter = compileSource(source, scope);
  const environment = (variables: Record<string, unknown>): Env =>
    names.reduce<Env>(
      (up, name) => ({ up, value: Object.hasOwn(variables, name) ? (variables[name] ?? null) : null }),
      EMPTY,
    );

  const first = (input: unknown, variables: Record<string, unknown> = {}) => {
    return withinBudget(budget, () => {
      let found: Json | undefined;
      stoppable(
        (stop) =>
          filter((input ?? null) as Json, undefined, environment(variables), (output) => {
            found = output;
            stop();
          }),
        true,
      );
      return found !== undefined && sawOddNumbers() ? finite(found) : found;
    });
  };
  return {
    source,
    all(input, variables = {}) {
      return withinBudget(budget, () => {
        const outputs: Json[] = [];
        filter((input ?? null) as Json, undefined, environment(variables), (output) => {
          step();
          outputs.push(output);
        });
        return sawOddNumbers() ? outputs.map(finite) : outputs;
      });
    },
    first,
    test: (input, variables) => truthy(first(input, variables) ?? null),
  };
}

/** @throws JqSyntaxError, JqUnsupportedError */
function compileSource(source: string, scope: Scope | null): Filter {
  try {
    return new Compiler(source).compile(parse(source), scope);
  } catch (error) {
    if (error instanceof RangeError) throw new JqUnsupportedError('it nests too deep', { line: 1, column: 1 });
    throw error;
  }
}

/** As jq prints it: infinity is the largest number, NaN is null. */
function finite(value: Json): Json {
  step();
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return null;
    return Number.isFinite(value) ? value : Math.sign(value) * Number.MAX_VALUE;
  }
  if (Array.isArray(value)) return value.map(finite);
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) put(copy, key, finite(value[key] ?? null));
  return copy;
}

const EMPTY: Env = { up: null, value: undefined };

export interface JqLint {
  message: string;
  line: number;
  column: number;
}

/** What is wrong with an expression; empty when nothing is. */
export function lintJq(source: string, options: JqOptions = {}): JqLint[] {
  try {
    compileJq(source, options);
    return [];
  } catch (error) {
    if (error instanceof JqSyntaxError || error instanceof JqUnsupportedError) {
      return [{ message: error.problem, line: 1, column: 1, ...error.position }];
    }
    throw error;
  }
}
