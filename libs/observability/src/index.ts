export { createLog, type Log } from './log';
export { NestLog } from './nest-logger';
