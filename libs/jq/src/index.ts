export { DEFAULT_BUDGET, type Budget } from './budget';
export { JqBudgetError, JqRuntimeError, JqSyntaxError, JqUnsupportedError } from './errors';
export { compileJq, lintJq, type JqLint, type JqOptions, type JqProgram } from './program';
export { compileTemplate, type Template } from './template';
export type { Json } from './values';
