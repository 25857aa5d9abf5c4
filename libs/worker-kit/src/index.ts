export { AttemptSignal } from './attempt-signal';
export { errorRecord, judge, type Verdict } from './failure';
export { subjectOf, type GivenUp, type Handler, type JobContext, type Outcome } from './handler';
export { keepTrying, UNRECORDED } from './keep-trying';
export type { ParkedKey } from './lane-keeper';
export { once, type Once } from './once';
export type { IsolatedJob } from './suspects';
export { QueueWorker, type WorkerParts } from './worker';
export { WORKER_NAME } from './worker-name';
