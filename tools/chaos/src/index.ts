export { runChaos, type ChaosOptions, type ChaosReport } from './run';
export { SpillwayProcess } from './spillway-process';
