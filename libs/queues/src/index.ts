export { backoffDelay } from './backoff';
export { openBackend, prepareBackend, type Processor, type QueueBackend, type WorkerSettings } from './backend';
export { deadLetterQueueOf, isQueueName, queueCatalogue, type Catalogue, type QueueDefinition } from './catalogue';
export { JobCodec, JobSigner, scheduleId } from './codec';
export { DeadLetters, summarize, type DeadLetterFilter, type DeadLetterSummary } from './dead-letters';
export { FactSink, type NewFact } from './fact-sink';
export { Turns, groupOf, partitionOf, Partitions } from './partitions';
export { jobName, Queues, type AddOptions, type JobData, type OneQueue } from './queues';
export { FreeQueues } from './watch/free-queues';
export { Lanes, orderingKeyOf } from './lanes/lanes';
export type {
  Ended,
  Healed,
  KeySummary,
  LaneList,
  LanePlace,
  LanePolicy,
  LaneStore,
  LaneSummary,
  Parking,
} from './lanes/lane-store';
export { placeOf, placeOptions } from './lanes/place-options';
export { LanePump } from './lanes/pump';
export { bullPriority } from './priority';
export { sealedUnder } from './sealed-under';
export type { Job, Queue, Worker } from 'bullmq';
export type { RedisServer } from './watch/redis-server';
