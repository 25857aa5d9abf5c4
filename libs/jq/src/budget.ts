import { JqBudgetError, JqRuntimeError, Raised } from './errors';
import { swapOrigins } from './slices';

/** What one evaluation may use. */
export interface Budget {
  /** Operations, about. */
  steps: number;
  /** Characters and elements made, about. */
  outputSize: number;
  /** Calls of functions within each other. */
  depth: number;
  /** Milliseconds. */
  ms: number;
}

export const DEFAULT_BUDGET: Budget = { steps: 1_000_000, outputSize: 4_000_000, depth: 512, ms: 1_000 };

/** Evaluations are synchronous, so one counter serves them all; a nested one brings its own and gives it back. */
let stepsLeft = 0;
let sizeLeft = 0;
let depthLeft = 0;
let deadline = 0;
let untilClock = 0;
/** The clock is dear: looked at every so many steps. */
const CLOCK_STEPS = 1_024;
let odd = false;

/** @throws JqBudgetError */
export function step(cost = 1): void {
  stepsLeft -= cost;
  if (stepsLeft < 0) throw new JqBudgetError('takes too many steps');
  untilClock -= cost;
  if (untilClock > 0) return;
  untilClock = CLOCK_STEPS;
  if (performance.now() > deadline) throw new JqBudgetError('takes too long');
}

/** @throws JqBudgetError */
export function grow(size: number): void {
  sizeLeft -= size;
  if (sizeLeft < 0) throw new JqBudgetError('makes too much output');
}

/** Into a function; `leave` when it returns, `resumeAt` where an exception ends. @throws JqBudgetError */
export function enter(): void {
  if (--depthLeft < 0) throw new JqBudgetError('nests too deep');
  step();
}

export function leave(): void {
  depthLeft += 1;
}

export function depth(): number {
  return depthLeft;
}

export function resumeAt(outer: number): void {
  depthLeft = outer;
}

/** Milliseconds, at least one. @throws JqBudgetError */
export function timeLeft(): number {
  const left = Math.ceil(deadline - performance.now());
  if (left <= 0) throw new JqBudgetError('takes too long');
  return left;
}

/** Infinity and NaN, which JSON does not have, are about: outputs must be looked at. */
export function noteOddNumbers(): void {
  odd = true;
}

export function sawOddNumbers(): boolean {
  return odd;
}

/** @throws JqBudgetError, JqRuntimeError */
export function withinBudget<T>(budget: Budget, work: () => T): T {
  const saved = [stepsLeft, sizeLeft, depthLeft, deadline, odd] as const;
  const slices = swapOrigins();
  stepsLeft = budget.steps;
  sizeLeft = budget.outputSize;
  depthLeft = budget.depth;
  deadline = performance.now() + budget.ms;
  odd = false;
  try {
    return work();
  } catch (error) {
    if (error instanceof Raised) throw new JqRuntimeError(error.value);
    // What the counters let through: a stack of many small frames, a string or an array too long for JavaScript.
    if (error instanceof RangeError) {
      throw new JqBudgetError(/call stack/i.test(error.message) ? 'nests too deep' : 'makes too much output');
    }
    throw error;
  } finally {
    [stepsLeft, sizeLeft, depthLeft, deadline, odd] = saved;
    swapOrigins(slices);
  }
}
