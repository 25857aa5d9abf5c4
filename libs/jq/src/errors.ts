import { PermanentError } from '@spillway/contracts';
import { preview } from './text';
import type { Json } from './values';

/** Where in the source: both from 1. */
export interface Position {
  line: number;
  column: number;
}

/** The source is not jq. */
export class JqSyntaxError extends PermanentError {
  constructor(
    readonly problem: string,
    readonly position: Position,
  ) {
    super(`jq, line ${position.line}, column ${position.column}: ${problem}`, { code: 'jq-syntax' });
  }
}

/**
 * It is jq, and this implementation refuses it rather than being wrong about it: when compiled or, where only the input
 * tells, when run. `try`, `?` and `//` do not see it.
 */
export class JqUnsupportedError extends PermanentError {
  constructor(
    readonly problem: string,
    readonly position?: Position,
  ) {
    super(position ? `jq, line ${position.line}, column ${position.column}: ${problem}` : `jq: ${problem}`, {
      code: 'jq-unsupported',
    });
  }
}

/** @throws JqUnsupportedError */
export function unsupported(problem: string): never {
  throw new JqUnsupportedError(problem);
}

/** The program raised an error on its input; `value` is what jq's `catch` would see. */
export class JqRuntimeError extends PermanentError {
  readonly value: Json;

  constructor(value: Json) {
    super(typeof value === 'string' ? value : `(not a string): ${preview(value, 200)}`, { code: 'jq-runtime' });
    this.value = value;
  }
}

/**
 * An error of the program on its way to the `try` that catches it, or out, where it becomes a JqRuntimeError. No Error:
 * a stack trace takes ten microseconds, and programs raise and catch errors for every element of an array.
 */
export class Raised {
  constructor(readonly value: Json) {}
}

/** @throws Raised */
export function raise(value: Json): never {
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- see there
  throw new Raised(value);
}

/** The program wanted more than it may have; `catch` does not see this. */
export class JqBudgetError extends PermanentError {
  constructor(what: string) {
    super(`the jq program ${what}`, {
      code: 'jq-budget',
      remedy: 'Make the expression simpler; it runs for every event.',
    });
  }
}

export function positionOf(source: string, offset: number): Position {
  const before = source.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}
