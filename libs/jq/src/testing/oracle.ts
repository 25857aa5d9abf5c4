import { type Budget, compileJq, JqRuntimeError, JqSyntaxError } from '../index';
import { isObject, type Json, toJson } from '../values';
import { withinBudget, DEFAULT_BUDGET } from '../budget';

interface Jq {
  raw(input: unknown, filter: string, flags?: string[]): { stdout: string; stderr: string; exitCode: number };
}

const NOT_A_PROGRAM = ['not a program'];
/** What the wrapped program gives in place of an error; control characters keep it apart from what programs give. */
const MARK = '\u0001error';

/** jq itself. Outputs come as JSON, an error as the last of them, with what `catch` would see. */
export class Oracle {
  private constructor(private jq: Jq) {}

  static async load(): Promise<Oracle> {
    const { loadJq } = (await import('jq-wasm')) as unknown as { loadJq: (this: void) => Promise<Jq> };
    return new Oracle(await loadJq());
  }

  /** @param text the input as JSON, where it is not to be JavaScript's */
  answer(program: string, input: unknown, text = JSON.stringify(input)): string[] {
    const { stdout, stderr, exitCode } = this.jq.raw(text, wrapped(program), ['-c']);
    if (exitCode === 3) return NOT_A_PROGRAM;
    if (exitCode !== 0) throw new Error(`jq: ${stderr}`);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => shownAs(JSON.parse(line) as Json));
  }
}

/** The same of ours. @throws JqUnsupportedError, JqBudgetError */
export function ours(program: string, input: unknown, budget?: Partial<Budget>): string[] {
  try {
    return compileJq(wrapped(program), { budget }).all(input).map(shownAs);
  } catch (error) {
    if (error instanceof JqSyntaxError) return NOT_A_PROGRAM;
    if (error instanceof JqRuntimeError) throw new Error('the wrapped program failed', { cause: error });
    throw error;
  }
}

function wrapped(program: string): string {
  return `try (${program}\n) catch {"${MARK}": .}`;
}

function shownAs(output: Json): string {
  const failed = isObject(output) && Object.hasOwn(output, MARK);
  const text = withinBudget(DEFAULT_BUDGET, () => toJson(failed ? output[MARK]! : output));
  if (!failed) return text;
  return `error ${text}`;
}
