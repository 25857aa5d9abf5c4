/**
 * Terminology, one word per thing (docs/words.md has the long form):
 * - tenant: a customer of this installation; everything below belongs to one.
 * - source: a configured webhook endpoint of a tenant.
 * - provider: who sends (stripe, retell, …).
 * - event: one normalized webhook, a CloudEvent.
 * - route: a filter and where what passes it goes.
 * - flow: a definition of tasks; a run is one execution of it.
 * - task: one step of work: an HTTP call or a notification.
 * - job: a BullMQ job that carries an event or a task.
 * - effect: an outside action, done once.
 * - dead letter: a job that failed for good; a redrive puts it back into its queue.
 * - replay: an event through the routes again.
 * - quarantine: requests that failed verification, kept.
 * - ledger: what happened, in PostgreSQL.
 */
export const QUEUE_NAMES = [
  'ingress-events',
  'orchestration-flows',
  'integration-tasks',
  'notifications',
  'analytics-events',
] as const;

export type QueueName = (typeof QUEUE_NAMES)[number];

export const ROLES = [
  'ingress-api',
  'worker-ingress',
  'worker-orchestration',
  'worker-integration',
  'worker-notifications',
  'worker-analytics',
  'admin',
] as const;

/** One process of a deployment plays one role, or several (`spillway start --roles …`). */
export type Role = (typeof ROLES)[number];
