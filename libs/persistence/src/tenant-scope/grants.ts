type Right = 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE';

const READ: readonly Right[] = ['SELECT'];
/** PostgreSQL asks for UPDATE where rows are locked. */
const LOCK: readonly Right[] = ['SELECT', 'UPDATE'];

/**
 * What requests of tenants may do, table by table; nothing with a table that is not here (users and sessions, keys of
 * tenants, what only ingress and workers write). Which rows is said by the policies of migration 0009.
 */
export const TENANT_GRANTS: Record<string, readonly Right[]> = {
  resources: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  api_keys: ['SELECT', 'INSERT', 'UPDATE'],
  events: READ,
  jobs: READ,
  attempts: READ,
  collisions: READ,
  usage: READ,
  audit: READ,
  quota_days: READ,
  quarantine: ['SELECT', 'UPDATE', 'DELETE'],
  outbox: [...LOCK, 'DELETE'],
  // Runs that take the way of another one.
  runs: ['SELECT', 'INSERT', 'UPDATE'],
  run_restarts: ['SELECT', 'INSERT'],
  // Orders and answers.
  run_inbox: ['SELECT', 'INSERT'],
  run_callbacks: LOCK,
  run_commands: READ,
  run_tasks: READ,
  run_contexts: READ,
  flow_versions: READ,
  // What workers know of a provider is closed, filled and forgotten on demand.
  adapter_limits: ['SELECT', 'UPDATE', 'DELETE'],
  adapter_gates: ['SELECT', 'UPDATE', 'DELETE'],
};
