export { nameOfTask, plan, planStep, queueOfTask, type Plan, type Planned } from './plan';
export { compileRoute, type Route } from './route';
export { compileTypePattern } from './type-pattern';
