export { handlerOf } from './handlers';
export { Isolation, type IsolationAnswer, type IsolationRequest } from './isolation/isolation';
export { Reconciler, type Reconciled } from './maintenance/reconciler';
export { relayOutbox } from './maintenance/relay';
export { forgetOld } from './maintenance/retention';
export { dropRetiredKeys } from './maintenance/retired-keys';
export { syncSchedules } from './maintenance/schedules';
export { isWorkerRole, QUEUE_OF_ROLE, type WorkerRole } from './roles';
export { startWorker, WorkerModule } from './worker.module';
