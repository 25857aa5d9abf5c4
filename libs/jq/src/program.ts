import { type Budget, DEFAULT_BUDGET, withinBudget } from './budget';
import { Compiler, type Scope } from './compile';
import { JqSyntaxError, JqUnsupportedError } from './errors';
import { parse } from './parser';
import type { Env } from './runtime';
import { type Json, truthy } from './values';
import { stoppable } from './runtime';

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
  const filter = new Compiler(source).compile(parse(source), scope);
  const environment = (variables: Record<string, unknown>): Env =>
    names.reduce<Env>((up, name) => ({ up, value: variables[name] ?? null }), EMPTY);

  const first = (input: unknown, variables: Record<string, unknown> = {}) => {
    let found: Json | undefined;
    withinBudget(budget, () =>
      stoppable((stop) =>
        filter(input as Json, undefined, environment(variables), (output) => {
          found = output;
          stop();
        }),
      ),
    );
    return found;
  };
  return {
    source,
    all(input, variables = {}) {
      const outputs: Json[] = [];
      withinBudget(budget, () =>
        filter(input as Json, undefined, environment(variables), (output) => void outputs.push(output)),
      );
      return outputs;
    },
    first,
    test: (input, variables) => truthy(first(input, variables) ?? null),
  };
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
      return [{ message: error.problem, ...error.position }];
    }
    throw error;
  }
}
