import { Command } from 'commander';
import { Client } from '../client';

interface SentQuotas {
  tenant: string;
  quotas: { quota: string; limit: number; policy: string; used?: number }[];
}

interface SentParked {
  id: string;
  tenant: string;
  eventId: string;
  quota: string;
  parkedAt: string;
  type: string;
}

export const quotaCommand = new Command('quotas')
  .description('What tenants may use, and what they used of it')
  .option('--tenant <name>')
  .action(async (options: Record<string, string | undefined>) => {
    const { quotas } = await Client.fromEnvironment().get<{ quotas: SentQuotas[] }>('/quotas', options);
    for (const one of quotas) {
      process.stdout.write(`${one.tenant}${one.quotas.length === 0 ? '  no limits' : ''}\n`);
      for (const { quota, limit, policy, used } of one.quotas) {
        const part = used === undefined ? '' : `  ${used} used (${Math.round((100 * used) / limit)} %)`;
        process.stdout.write(`    ${quota.padEnd(16)} ${limit}  ${policy}${part}\n`);
      }
    }
  });

const order = (name: 'release' | 'drop', description: string, done: string) =>
  new Command(name)
    .description(description)
    .requiredOption('--tenant <name>')
    .option('--limit <number>', 'at most so many, oldest first', '1000')
    .action(async ({ tenant, limit }: { tenant: string; limit: string }) => {
      const result = await Client.fromEnvironment().post<Record<string, number>>(`/parked/${name}`, {
        tenant,
        limit: Number(limit),
      });
      process.stdout.write(`${result[done]} ${done}\n`);
    });

export const parkedCommands = new Command('parked')
  .description('Events that a quota keeps aside')
  .addCommand(
    new Command('list')
      .description('Oldest first')
      .option('--tenant <name>')
      .option('--after <id>', 'the last id of the page before')
      .option('--limit <number>', '', '50')
      .action(async (options: Record<string, string | undefined>) => {
        const { parked } = await Client.fromEnvironment().get<{ parked: SentParked[] }>('/parked', options);
        for (const { id, tenant, eventId, quota, parkedAt, type } of parked) {
          const at = parkedAt.slice(0, 19).replace('T', ' ');
          process.stdout.write(`${id.padStart(8)}  ${at}  ${tenant}  ${type}  ${eventId}  ${quota}\n`);
        }
        if (parked.length === 0) process.stdout.write('no parked events\n');
      }),
  )
  .addCommand(order('release', 'Lets parked events go their way, over the quota', 'released'))
  .addCommand(order('drop', 'Forgets parked events for good', 'dropped'));
