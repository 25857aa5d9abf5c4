/**
 * Every way out of a tenant's scope, with its reason. What a request of a tenant needs beyond its tenant's rows goes through
 * one of these, and through nothing else.
 */
export const EXITS = {
  'audit-chain':
    'The log is one chain of hashes for the installation: each entry is made from the one before, whose ever it is.',
  'tenant-keys':
    'Keys that payloads are sealed with are shared by all who work in the process; the role of tenants has no right to them.',
  people: 'What somebody may do to a user depends on all roles of that user, also on those in other tenants.',
  plans: 'A tenant names a plan, and plans are of the platform.',
  directory: 'What is configured is kept in memory for all tenants, and read anew as a whole.',
  accepting:
    'A request let out of quarantine is accepted as ingress does it: with its quotas, its outbox and its batches.',
} as const;

export type Exit = keyof typeof EXITS;
