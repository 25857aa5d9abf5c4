import { PermanentError } from '@spillway/contracts';
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

/** It is jq, and this implementation refuses it rather than being wrong about it. */
export class JqUnsupportedError extends PermanentError {
  constructor(
    readonly problem: string,
    readonly position: Position,
  ) {
    super(`jq, line ${position.line}, column ${position.column}: ${problem}`, { code: 'jq-unsupported' });
  }
}

/** The program raised an error on its input; `value` is what jq's `catch` would see. */
export class JqRuntimeError extends PermanentError {
  readonly value: Json;

  constructor(value: Json) {
    super(typeof value === 'string' ? value : `(not a string): ${JSON.stringify(value)}`, { code: 'jq-runtime' });
    this.value = value;
  }
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
