export { runChaos, type ChaosOptions, type ChaosReport } from './run';
export { SpillwayProcess } from './spillway-process';
export { FlowCrashes, type Fault, type Outcome, wrongs } from './flow-crashes';
