import { Command } from 'commander';
import { Client } from '../client';

interface Counts {
  waiting: number;
  prioritized: number;
  spilled: number;
  active: number;
  delayed: number;
}

interface Queue extends Counts {
  name: string;
  deadLetters: number;
  /** Left out where there is one. */
  partitions?: (Counts & { partition: number })[];
}

export const partitionsCommand = new Command('partitions')
  .description('Shows how much is in each partition, and where a tenant is')
  .option('--tenant <name>', 'only tells this tenant’s partition')
  .action(async ({ tenant }: { tenant?: string }) => {
    const { queues } = await Client.fromEnvironment().get<{ queues: Queue[] }>('/queues');
    const count = queues[0]!.partitions?.length ?? 1;
    if (tenant !== undefined) {
      const { partitionOf } = await import('@spillway/queues');
      process.stdout.write(`${partitionOf(tenant, count)} of ${count}\n`);
      return;
    }
    for (let partition = 0; partition < count; partition += 1) {
      const of = queues.map((queue) => ({ name: queue.name, counts: queue.partitions?.[partition] ?? queue }));
      process.stdout.write(`${partition}  ${of.map(({ name, counts }) => `${name} ${underWay(counts)}`).join('  ')}\n`);
    }
    const now = queues.reduce((sum, queue) => sum + underWay(queue), 0);
    const later = queues.reduce((sum, queue) => sum + queue.delayed, 0);
    process.stdout.write(now > 0 ? `${now} jobs are under way` : 'the queues are empty');
    process.stdout.write(later > 0 ? `; ${later} wait for a later time or a retry\n` : '\n');
  });

function underWay({ waiting, prioritized, spilled, active }: Counts): number {
  return waiting + prioritized + spilled + active;
}
