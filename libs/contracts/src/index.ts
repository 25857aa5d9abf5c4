export * from './errors';
export * from './problem';
export * from './ids';
export * from './event';
