import type { QueueOverrides } from '@spillway/config';
import { QUEUE_NAMES, type QueueName } from '@spillway/contracts';

export interface QueueDefinition {
  name: QueueName;
  /** Attempts before the dead letters. */
  attempts: number;
  /** Before the second attempt, milliseconds; doubles with each further one. */
  backoffMs: number;
  maxBackoffMs: number;
  /** Of one attempt, milliseconds. */
  timeoutMs: number;
  /** Jobs at once in one process. */
  concurrency: number;
}

const SECOND = 1_000;
const MINUTE = 60_000;

/** Completed jobs that stay visible in the admin, per queue. */
export const KEEP_COMPLETED = 1_000;

/**
 * Jobs wait for others, most of the time: these numbers keep one thread busy. Large payloads lower them (`Room`).
 * The defaults, also in docs/configuration.md (`npm run docs`); a deployment overrides them with
 * `SPILLWAY_QUEUES`.
 */
const DEFAULTS: readonly QueueDefinition[] = [
  {
    name: 'ingress-events',
    attempts: 5,
    backoffMs: SECOND,
    maxBackoffMs: MINUTE,
    timeoutMs: 30 * SECOND,
    concurrency: 200,
  },
  {
    name: 'orchestration-flows',
    attempts: 5,
    backoffMs: SECOND,
    maxBackoffMs: 2 * MINUTE,
    timeoutMs: 60 * SECOND,
    concurrency: 50,
  },
  {
    name: 'integration-tasks',
    attempts: 8,
    backoffMs: 2 * SECOND,
    maxBackoffMs: 10 * MINUTE,
    timeoutMs: 30 * SECOND,
    concurrency: 150,
  },
  {
    name: 'notifications',
    attempts: 6,
    backoffMs: 5 * SECOND,
    maxBackoffMs: 15 * MINUTE,
    timeoutMs: 30 * SECOND,
    concurrency: 60,
  },
  // Its jobs are batches of facts already, and the ledger gathers what runs at once into one transaction.
  {
    name: 'analytics-events',
    attempts: 10,
    backoffMs: SECOND,
    maxBackoffMs: 5 * MINUTE,
    timeoutMs: 60 * SECOND,
    concurrency: 50,
  },
];

export type Catalogue = Record<QueueName, QueueDefinition>;

/** The queues of this deployment. */
export function queueCatalogue(overrides: QueueOverrides = {}, concurrencyScale = 1): Catalogue {
  const entries = DEFAULTS.map((definition) => {
    const merged = { ...definition, ...overrides[definition.name] };
    return [
      definition.name,
      { ...merged, concurrency: Math.max(1, Math.round(merged.concurrency * concurrencyScale)) },
    ];
  });
  return Object.fromEntries(entries) as Catalogue;
}

/** Where a queue's failed jobs are kept. */
export function deadLetterQueueOf(queue: QueueName): string {
  return `${queue}-dlq`;
}

export function isQueueName(name: string): name is QueueName {
  return (QUEUE_NAMES as readonly string[]).includes(name);
}
