import type { Migration } from 'kysely/migration';
import * as records from './0001-records';

/** In order; a released migration is never changed. */
export const migrations: Record<string, Migration> = {
  '0001-records': records,
};
