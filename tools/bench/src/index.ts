export { insertRuns } from './flows/insert';
