import { BadRequestError, type QueueName } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';

/** What waits to be worked on, as an autoscaler asks. */
export interface Backlog {
  name: QueueName;
  /** Jobs that more workers could begin: in the queue, and in lanes that are not at their cap. */
  backlog: number;
  /** How long the oldest job in the queue has been ready for its first attempt; 0 when none is. */
  oldestSeconds: number;
}

/** Lanes that are looked at; those beyond would change no decision. */
const MOST_LANES = 500;

/**
 * @param partitions to be asked of; all, if left out
 * @throws BadRequestError `partition-unknown`
 */
export async function backlogOf(platform: Platform, name: QueueName, partitions?: number[]): Promise<Backlog> {
  const { all } = platform.queues.partitions;
  const unknown = partitions?.find((one) => !all.includes(one));
  if (unknown !== undefined)
    throw new BadRequestError(`there is no partition ${unknown}`, {
      code: 'partition-unknown',
      remedy: `This installation has ${all.length}, counted from 0.`,
    });
  const found = await Promise.all((partitions ?? all).map((one) => ofPartition(platform, name, one)));
  return {
    name,
    backlog: found.reduce((sum, { backlog }) => sum + backlog, 0),
    oldestSeconds: Math.max(0, ...found.map(({ oldestSeconds }) => oldestSeconds)),
  };
}

async function ofPartition({ queues }: Platform, name: QueueName, partition: number) {
  const { lanes } = queues;
  const queue = queues.queue(name, partition);
  const [counts, spilled, since] = await Promise.all([
    queue.getJobCounts('waiting', 'prioritized'),
    lanes.has(name) ? lanes.of(name, partition).list(MOST_LANES) : undefined,
    queues.backend.oldestWaiting(queue),
  ]);
  const inLanes = (spilled?.lanes ?? []).filter(({ blocked }) => !blocked).reduce((sum, lane) => sum + lane.waiting, 0);
  return {
    backlog: (counts['waiting'] ?? 0) + (counts['prioritized'] ?? 0) + inLanes,
    oldestSeconds: since === undefined ? 0 : Math.max(0, Math.round((Date.now() - since) / 1_000)),
  };
}
