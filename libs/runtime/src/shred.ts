import { type DataKeys, type Database, inTransaction } from '@spillway/persistence';
import { resealSecrets, type Sealer } from '@spillway/tenancy';

interface Parts {
  database: Database;
  keys: DataKeys;
  sealer: Sealer;
}

/** What was clear, from before encryption was on, is overwritten; what is sealed is lost with its key. */
const OVERWRITTEN = `json_build_object('unreadable', 'data-shredded')`;
const CLEAR = (column: string) => `${column} is not null and ${column}::text not like '%"$sealed":%'`;
const ITS_RUNS = 'run_id in (select id from runs where tenant = $1)';

const STATEMENTS = [
  // What is under way ends, as nothing can be done with it any more.
  `update runs set status = 'cancelled', ended_at = now(), wake_at = null, seq = seq + 1
   where tenant = $1 and ended_at is null`,
  `update jobs set state = 'cancelled', state_at = now() where tenant = $1 and state = 'queued'`,
  `update events set state = 'cancelled', ended_at = now() where tenant = $1 and state in ('accepted', 'moving')`,
  `delete from run_inbox where ${ITS_RUNS}`,
  `delete from run_commands where ${ITS_RUNS}`,
  `delete from run_contexts where ${ITS_RUNS}`,
  'delete from run_listens where tenant = $1',
  'delete from run_events where tenant = $1',
  'delete from run_callbacks where tenant = $1',
  'delete from flow_gathered where tenant = $1',
  'delete from outbox where tenant = $1',
  'delete from quarantine where tenant = $1',
  `update events set event = ${OVERWRITTEN}, error = null, payload_gone = true where tenant = $1 and ${CLEAR('event')}`,
  `update effects set result = ${OVERWRITTEN} where tenant = $1 and ${CLEAR('result')}`,
  `update runs set state = ${OVERWRITTEN} where tenant = $1 and ${CLEAR('state')}`,
  `update run_tasks set input = null, output = null, answer = null, error = null where ${ITS_RUNS}`,
  'update jobs set error = null where tenant = $1 and error is not null',
  'update attempts set error = null where tenant = $1 and error is not null',
];

/**
 * Destroys a tenant's keys, and ends and overwrites what is kept of its payloads in the records. Its ledger stays: ids,
 * types, states, times.
 *
 * @returns how many keys were destroyed
 */
export async function shredTenant({ database, keys }: Parts, tenant: string): Promise<{ keys: number }> {
  await inTransaction(database.pool, async (client) => {
    for (const statement of STATEMENTS) await client.query(statement, [tenant]);
  });
  return { keys: await keys.shred(tenant) };
}

/**
 * Brings all that is sealed with another master key under the first one. Done twice, or cut off, it comes to the same.
 *
 * @returns how many keys of tenants, and documents with secrets, were sealed anew
 */
export async function rotateMaster({ database, keys, sealer }: Parts): Promise<{ keys: number; documents: number }> {
  return { keys: await keys.rewrap(), documents: await resealSecrets(database.pool, sealer) };
}
