export type * from './provider';
