import { compileJq, JqBudgetError, JqSyntaxError, JqUnsupportedError } from '../index';
import type { JqTest } from './jq-tests';
import { ours } from './oracle';

export interface Outcome {
  outcome: 'answered' | 'refused' | 'stopped' | 'not JSON' | 'compiled, though it should not';
  answer?: string[];
}

/** What a program means is tested here, not how fast a busy machine is. */
const PATIENT = { ms: 30_000 };

/** What becomes of one of jq's own tests here. */
export function runTest({ program, input }: JqTest): Outcome {
  try {
    compileJq(program);
  } catch (error) {
    if (error instanceof JqUnsupportedError) return { outcome: 'refused' };
    // The file says that it does not compile.
    if (error instanceof JqSyntaxError && input === undefined) return { outcome: 'answered' };
    throw error;
  }
  if (input === undefined) return { outcome: 'compiled, though it should not' };
  let value: unknown;
  try {
    value = JSON.parse(input);
  } catch {
    return { outcome: 'not JSON' };
  }
  try {
    return { outcome: 'answered', answer: ours(program, value, PATIENT) };
  } catch (error) {
    if (error instanceof JqBudgetError) return { outcome: 'stopped' };
    throw error;
  }
}
