export { nameOfTask, plan, planRun, queueOfTask, type Plan, type Planned, type StartableFlow } from './plan';
export { compileRoute, type Route } from './route';
export { compileTypePattern } from './type-pattern';
