import { metrics } from './registry';
import { TopTenants } from './top-tenants';

/** Every metric that Spillway gives. docs/operate/metrics.md is made from this. */
const SYSTEM = 'messaging.system';
const QUEUE = 'messaging.destination.name';
const PARTITION = 'messaging.destination.partition.id';
const OPERATION = 'messaging.operation.name';
const ERROR = 'error.type';

/** Requests to our own servers. */
export const serverDuration = metrics.histogram({
  name: 'http.server.request.duration',
  unit: 's',
  description: 'Requests that were answered, by route and status.',
  labels: ['http.request.method', 'http.route', 'http.response.status_code'],
});

export const clientDuration = metrics.histogram({
  name: 'http.client.request.duration',
  unit: 's',
  description: 'Calls of third parties; no status: they were not answered.',
  labels: ['http.request.method', 'http.response.status_code', ERROR],
});

export const accepted = metrics.counter({
  name: 'spillway.events.accepted',
  unit: '{event}',
  description: 'Events made durable and answered with 202, without duplicates; via the queue or the outbox.',
  labels: ['spillway.provider', 'spillway.via'],
});

export const duplicates = metrics.counter({
  name: 'spillway.events.duplicate',
  unit: '{event}',
  description: 'Events that were known already; a collision has other content.',
  labels: ['spillway.provider', 'spillway.collision'],
});

export const refused = metrics.counter({
  name: 'spillway.requests.refused',
  unit: '{request}',
  description: 'Requests to the ingress API that were answered with an error, by its code.',
  labels: ['spillway.error.code', 'http.response.status_code'],
});

export const operationDuration = metrics.histogram({
  name: 'messaging.client.operation.duration',
  unit: 's',
  description: 'How long adding a job took, until it was durable.',
  labels: [SYSTEM, QUEUE, OPERATION, ERROR],
});

export const sent = metrics.counter({
  name: 'messaging.client.sent.messages',
  unit: '{message}',
  description: 'Jobs added.',
  labels: [SYSTEM, QUEUE],
});

export const consumed = metrics.counter({
  name: 'messaging.client.consumed.messages',
  unit: '{message}',
  description: 'Jobs taken by a worker, each attempt once.',
  labels: [SYSTEM, QUEUE],
});

export const processDuration = metrics.histogram({
  name: 'messaging.process.duration',
  unit: 's',
  description: 'Service time: one attempt of a job, from the worker taking it to its outcome.',
  labels: [SYSTEM, QUEUE, ERROR],
});

export const waitDuration = metrics.histogram({
  name: 'spillway.job.wait.duration',
  unit: 's',
  description: 'How long a job that was ready waited for its first attempt.',
  labels: [QUEUE],
});

export const attempts = metrics.counter({
  name: 'spillway.job.attempts',
  unit: '{attempt}',
  description: 'Attempts by outcome: done, failed (a run was told), retry, wait, dead-letter, cancelled.',
  labels: [QUEUE, 'spillway.outcome'],
});

export const deadLettered = metrics.counter({
  name: 'spillway.dead_letters.added',
  unit: '{job}',
  description: 'Jobs that went to the dead letters, by the class of their last error.',
  labels: [QUEUE, 'spillway.error.class'],
});

export const stalled = metrics.counter({
  name: 'spillway.jobs.stalled',
  unit: '{job}',
  description: 'Jobs whose worker fell silent, and that were given to another.',
  labels: [QUEUE],
});

export const forged = metrics.counter({
  name: 'spillway.jobs.forged',
  unit: '{job}',
  description: 'Jobs that were not written by Spillway, and were put away without being run (JOB_SIGNING).',
  labels: [QUEUE],
});

export const effects = metrics.counter({
  name: 'spillway.effects',
  unit: '{effect}',
  description:
    'Outside actions: done, recorded (the result was known, nothing was called), repeat (may be the second time).',
  labels: [QUEUE, 'spillway.outcome'],
});

export const runsEnded = metrics.counter({
  name: 'spillway.runs.ended',
  unit: '{run}',
  description: 'Runs of flows that came to their end, by how.',
  labels: ['spillway.run.status'],
});

export const tenantEvents = new TopTenants(
  metrics.counter({
    name: 'spillway.tenant.events',
    unit: '{event}',
    description: 'Events accepted, of the busiest tenants by name; the rest is `other`.',
    labels: ['spillway.tenant'],
  }),
);

export const tenantJobs = new TopTenants(
  metrics.counter({
    name: 'spillway.tenant.jobs',
    unit: '{job}',
    description: 'Attempts of jobs, of the busiest tenants by name; the rest is `other`.',
    labels: ['spillway.tenant'],
  }),
);

/** What follows is told by one process of the installation, its leader. */
export const queueDepth = metrics.gauge({
  name: 'spillway.queue.depth',
  unit: '{job}',
  description: 'Jobs in a queue: waiting (could be taken now), active, delayed.',
  labels: [QUEUE, PARTITION, 'spillway.job.state'],
});

export const oldestAge = metrics.gauge({
  name: 'spillway.queue.oldest.age',
  unit: 's',
  description: 'How long the oldest waiting job of a queue has been ready; 0 when none waits.',
  labels: [QUEUE, PARTITION],
});

export const deadLetterDepth = metrics.gauge({
  name: 'spillway.dead_letters.depth',
  unit: '{job}',
  description: 'Dead letters of a queue.',
  labels: [QUEUE, PARTITION],
});

export const laneSpill = metrics.gauge({
  name: 'spillway.lane.spilled',
  unit: '{job}',
  description:
    'Jobs that wait in lanes, outside of their queue: for a cap, an ordering key, a time, or behind 5,000 of their tenant.',
  labels: [QUEUE, PARTITION],
});

export const outboxDepth = metrics.gauge({
  name: 'spillway.outbox.depth',
  unit: '{event}',
  description: 'Accepted events that wait in PostgreSQL for the queues.',
});

export const outboxAge = metrics.gauge({
  name: 'spillway.outbox.oldest.age',
  unit: 's',
  description: 'Age of the oldest of them; 0 when there is none.',
});

export const runsOpen = metrics.gauge({
  name: 'spillway.runs.open',
  unit: '{run}',
  description: 'Runs that have not ended, by status.',
  labels: ['spillway.run.status'],
});

export const redisMemoryUsed = metrics.gauge({
  name: 'spillway.redis.memory.used',
  unit: 'By',
  description: 'Memory that Redis uses for data.',
  labels: ['spillway.redis.node'],
});

export const redisMemoryLimit = metrics.gauge({
  name: 'spillway.redis.memory.limit',
  unit: 'By',
  description: 'Its maxmemory, or the memory of its machine where that is not set.',
  labels: ['spillway.redis.node'],
});

export const redisSafe = metrics.gauge({
  name: 'spillway.redis.safe',
  unit: '1',
  description: '1 when Redis is set so that it loses nothing: appendonly, and maxmemory-policy noeviction.',
  labels: ['spillway.redis.node', 'spillway.redis.setting'],
});

export const leader = metrics.gauge({
  name: 'spillway.leader',
  unit: '1',
  description: '1 in the process that tells the gauges of the installation.',
});

/** Each process of itself. */
export const eventLoop = metrics.gauge({
  name: 'nodejs.eventloop.utilization',
  unit: '1',
  description: 'Share of the time since the last reading in which the event loop was busy.',
});

export const memory = metrics.gauge({
  name: 'process.memory.usage',
  unit: 'By',
  description: 'Physical memory in use.',
});

export const cpuTime = metrics.counter({
  name: 'process.cpu.time',
  unit: 's',
  description: 'Processor time used, by mode.',
  labels: ['cpu.mode'],
});

export const ready = metrics.gauge({
  name: 'spillway.ready',
  unit: '1',
  description: '1 when the role in this process can do its work.',
  labels: ['spillway.role'],
});
