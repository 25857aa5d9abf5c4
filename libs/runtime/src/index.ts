export { CallbackLinks, type LinkKind } from './callback-links';
export { between, crashPoint, dieIfTold } from './faults';
export { Directory, type LiveSource, type LiveTenant } from './directory';
export { lintResource, type LintProblem } from './lint';
export { forkEnvironment, migratePlatform, openPlatform, type Platform } from './platform';
export { ProblemAdapter, takeRawBodies } from './http';
export { closeOnSignal, describeFailure, runProcess, type Running } from './process';
