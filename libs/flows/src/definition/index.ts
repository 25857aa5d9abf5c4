export { durationMs } from './durations';
export { didYouMean, nearest } from './nearest';
export { CALLS } from './endpoints';
export { type CheckCall, EMBEDDED, embedExternals, type ExternalKind, type ReadExternal } from './embed';
export { compileExpression, compileTransform, FLOW_VARIABLES, sourceOf } from './expressions';
export { toMermaid } from './graph';
export { compileSchema, type SchemaCheck } from './json-schema';
export { lintFlow, type LintOptions, MOST_TASKS } from './lint';
export type { ArgumentProblem } from './lint-functions';

export * from './model';
export {
  FlowSyntaxError,
  parseFlow,
  type ParsedFlow,
  type Position,
  readYaml,
  type SyntaxProblem,
  type TextDocument,
} from './parse';
export { pointerTo, segmentsOf } from './pointer';
export type { Problem } from './problem';
export { caughtAs, iteratorVariables, loopVariables } from './sites';
export { STANDARD_ERRORS, type StandardError, standardErrorOf, standardErrorUri } from './standard-errors';
