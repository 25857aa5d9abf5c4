export { beginScenario, endOf, runKit, type KitOptions, type KitReport } from './conformance';
export { runChaos, type ChaosOptions, type ChaosReport } from './run';
export { SpillwayProcess, type ProcessOptions } from './spillway-process';
export { WorkerPool, type PoolOptions } from './worker-pool';
export { FlowCrashes, type Fault, type Outcome, wrongs } from './flow-crashes';
export { type OrderOptions, type OrderReport, runOrder } from './order';
