import type { Migration } from 'kysely/migration';
import * as records from './0001-records';
import * as adapters from './0002-adapters';
import * as runs from './0003-runs';
import * as flows from './0005-flows';
import * as people from './0006-people';
import * as quotas from './0007-quotas';
import * as isolation from './0008-isolation';
import * as rowSecurity from './0009-row-security';
import * as listening from './0010-listening';

/** In order; a released migration is never changed. */
export const migrations: Record<string, Migration> = {
  '0001-records': records,
  '0002-adapters': adapters,
  '0003-runs': runs,
  '0005-flows': flows,
  '0006-people': people,
  '0007-quotas': quotas,
  '0008-isolation': isolation,
  '0009-row-security': rowSecurity,
  '0010-listening': listening,
};
