import type { QueueName } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import { asLeader, type LeaderOf } from './leader';

/** Frees the slots of jobs whose worker died between their end and saying so. */
export async function healLanes(platform: Pick<Platform, 'queues' | 'database'>, queue: QueueName): Promise<void> {
  const { lanes } = platform.queues;
  const heal = () => Promise.all(lanes.all(queue).map((store) => store.heal(false)));
  await asLeader(platform.database, heal, `lanes of ${queue}` as LeaderOf);
}

/** Brings weights and caps to what tenants configured. Doing it twice, or in many processes, changes nothing. */
export async function syncPolicies(platform: Pick<Platform, 'queues' | 'directory'>, queue: QueueName): Promise<void> {
  const { lanes, partitions } = platform.queues;
  const policies = lanes.policies(queue, platform.directory.all());
  for (const partition of partitions.all) {
    const own = [...policies].filter(([tenant]) => partitions.of(tenant) === partition);
    await lanes.of(queue, partition).configure(new Map(own));
  }
}
