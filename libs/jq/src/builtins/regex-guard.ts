import { createContext, Script } from 'node:vm';
import { timeLeft } from '../budget';
import { JqBudgetError, unsupported } from '../errors';
import type { Cost } from './regex-cost';

/** Up to so many steps a regular expression runs as it is: some ten milliseconds. */
const HARMLESS = 1_000_000;

const script = new Script('expression.exec(text)');
let sandbox: { expression: RegExp | null; text: string } | undefined;

/** `expression.exec(text)`; what may take long is stopped when the time is up. @throws JqBudgetError */
export function execute(expression: RegExp, text: string, cost: Cost): RegExpExecArray | null {
  try {
    return cost.on(text.length) <= HARMLESS ? expression.exec(text) : executeWithin(expression, text);
  } catch (error) {
    // Only when it is first used does V8 find that it is too large.
    if (error instanceof SyntaxError) return unsupported('a regular expression this large');
    throw error;
  }
}

function executeWithin(expression: RegExp, text: string): RegExpExecArray | null {
  sandbox ??= createContext({ expression: null, text: '' }) as { expression: RegExp | null; text: string };
  sandbox.expression = expression;
  sandbox.text = text;
  try {
    return script.runInContext(sandbox, { timeout: timeLeft() }) as RegExpExecArray | null;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new JqBudgetError('takes too long');
    throw error;
  } finally {
    sandbox.expression = null;
    sandbox.text = '';
  }
}
