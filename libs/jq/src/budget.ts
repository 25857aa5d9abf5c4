import { JqBudgetError } from './errors';

/** What one evaluation may use. */
export interface Budget {
  /** Operations, about. */
  steps: number;
  /** Characters and elements made, about. */
  size: number;
  /** Milliseconds. */
  ms: number;
}

export const DEFAULT_BUDGET: Budget = { steps: 1_000_000, size: 4_000_000, ms: 1_000 };

/** Evaluations are synchronous, so one counter serves them all; a nested one brings its own and gives it back. */
let stepsLeft = 0;
let sizeLeft = 0;
let deadline = 0;

/** @throws JqBudgetError */
export function step(cost = 1): void {
  const before = stepsLeft;
  stepsLeft -= cost;
  if (stepsLeft < 0) throw new JqBudgetError('takes too many steps');
  // The clock is dear: looked at every 1,024 steps.
  if (before >> 10 !== stepsLeft >> 10 && performance.now() > deadline) throw new JqBudgetError('takes too long');
}

/** @throws JqBudgetError */
export function grow(size: number): void {
  sizeLeft -= size;
  if (sizeLeft < 0) throw new JqBudgetError('makes too much output');
}

export function withinBudget<T>(budget: Budget, work: () => T): T {
  const saved = [stepsLeft, sizeLeft, deadline] as const;
  stepsLeft = budget.steps;
  sizeLeft = budget.size;
  deadline = performance.now() + budget.ms;
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError && /call stack/i.test(error.message)) throw new JqBudgetError('nests too deep');
    throw error;
  } finally {
    [stepsLeft, sizeLeft, deadline] = saved;
  }
}
