import { inTime } from '@spillway/contracts';
import type { BackendFactory, RedisQueueBackend } from 'bullmq';

/** So long a worker waits for its blocking connection to come back before it looks again; milliseconds. */
const RECONNECT_MS = 2_000;
/** BullMQ gives a blocking command so long beyond its own time, and then resets its connection. */
const WATCHDOG_MS = 1_000;

/**
 * A worker's backend whose waits end. ioredis's `Cluster.connect()` never settles when a connection was made while the cluster
 * is down: its ready check fails, and it comes back by itself, but who awaits that call does so for ever. BullMQ does, between
 * two waits for a job, and that worker would take no job any more (taskforcesh/bullmq#4138 is of the same kind).
 *
 * The calls throw a LateError then: the worker looks again after a pause.
 */
export function boundedWaits(factory: BackendFactory<RedisQueueBackend>): BackendFactory<RedisQueueBackend> {
  return (name, options, how) => {
    const backend = factory(name, options, how);
    const reconnect = backend.reconnectBlocking.bind(backend);
    backend.reconnectBlocking = () => inTime(reconnect(), RECONNECT_MS);
    const waitForJob = backend.waitForJob.bind(backend);
    backend.waitForJob = (seconds) =>
      // A reset is up to two reconnections, and a disconnection, of the same kind, between them.
      inTime(waitForJob(seconds), Math.ceil(seconds) * 1_000 + WATCHDOG_MS + 3 * RECONNECT_MS);
    return backend;
  };
}
