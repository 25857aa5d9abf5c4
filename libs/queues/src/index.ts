export { backoffDelay } from './backoff';
export { openBackend, prepareBackend, type Processor, type QueueBackend, type WorkerSettings } from './backend';
export { deadLetterQueueOf, isQueueName, queueCatalogue, type Catalogue, type QueueDefinition } from './catalogue';
export { DeadLetters, summarize, type DeadLetterFilter, type DeadLetterSummary } from './dead-letters';
export { FactSink, type NewFact } from './fact-sink';
export { Queues, type AddOptions, type JobData } from './queues';
export { bullPriority } from './priority';
export type { Job, Queue, Worker } from 'bullmq';
