import type { QueueName, Role } from '@spillway/contracts';

/** Which worker role serves which queue. */
export const QUEUE_OF_ROLE = {
  'worker-ingress': 'ingress-events',
  'worker-orchestration': 'orchestration-flows',
  'worker-integration': 'integration-tasks',
  'worker-notifications': 'notifications',
  'worker-analytics': 'analytics-events',
} as const satisfies Partial<Record<Role, QueueName>>;

export type WorkerRole = keyof typeof QUEUE_OF_ROLE;

export function isWorkerRole(role: Role): role is WorkerRole {
  return role in QUEUE_OF_ROLE;
}
