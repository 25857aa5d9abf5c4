import type { ScheduleJob, ScheduleSpec } from '@spillway/contracts';
import { bullPriority, placeOptions, scheduleId } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';

/** Brings BullMQ's job schedulers to what tenants configured. Doing it twice, or in many processes, changes nothing. */
export async function syncSchedules(platform: Pick<Platform, 'queues' | 'directory'>): Promise<void> {
  await Promise.all(platform.queues.partitions.all.map((partition) => syncPartition(platform, partition)));
}

async function syncPartition({ queues, directory }: Pick<Platform, 'queues' | 'directory'>, partition: number) {
  const queue = queues.queue('ingress-events', partition);
  const wanted = new Map<string, { tenant: string; name: string; spec: ScheduleSpec }>();
  for (const tenant of directory.all()) {
    if (queues.partitions.of(tenant.name) !== partition) continue;
    for (const [name, spec] of tenant.schedules) {
      if (spec.enabled) wanted.set(keyOf(tenant.name, name, spec), { tenant: tenant.name, name, spec });
    }
  }
  const known = new Map((await queue.getJobSchedulers(0, -1, true)).map(({ key, template }) => [key, template?.data]));
  for (const key of known.keys()) if (!wanted.has(key)) await queue.removeJobScheduler(key);
  for (const [key, { tenant, name, spec }] of wanted) {
    // One that runs already must not start anew: its next tick would move. But its jobs must be believed.
    if (known.has(key) && (await queues.codec.isCurrent(known.get(key) as object, tenant))) continue;
    const { data } = await queues.codec.encode('ingress-events', scheduleId(key), jobOf(tenant, name));
    const repeat = spec.cron ? { pattern: spec.cron, tz: spec.timezone } : { every: spec.every! };
    await queue.upsertJobScheduler(key, repeat, {
      name: 'schedule',
      data,
      opts: { removeOnFail: true, priority: bullPriority('normal'), ...placeOptions({ lane: tenant }) },
    });
  }
}

/** Names what it does: a changed schedule is another one. */
function keyOf(tenant: string, name: string, spec: ScheduleSpec): string {
  return `${tenant}/${name}/${spec.cron ? `${spec.cron}/${spec.timezone}` : spec.every}`;
}

function jobOf(tenant: string, name: string): ScheduleJob {
  return {
    schedule: { tenant, name },
    meta: {
      tenant,
      priority: 'normal',
      createdBy: `schedule:${name}`,
      createdAt: 0,
      correlationId: `${tenant}/${name}`,
    },
  };
}
