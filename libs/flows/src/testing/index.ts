export { expectOutcome, type Ended } from './expectations';
export { readScenarios, type Scenario } from './features';
export { EXAMPLES } from './specification/examples';
export { StandIns } from './stand-ins';
export { readKills, recordKills } from './kill-record';
