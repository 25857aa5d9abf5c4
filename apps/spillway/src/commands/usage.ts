import type { UsageRow } from '@spillway/persistence';
import { Command, Option } from 'commander';
import { Client } from '../client';

export const usageCommand = new Command('usage')
  .description('What tenants used, by day, for looking or for billing')
  .option('--tenant <name>')
  .option('--since <day>', 'first day, YYYY-MM-DD, UTC')
  .option('--until <day>', 'last day')
  .option('--changed-after <time>', 'only counts that went up after this')
  .addOption(new Option('--format <format>').choices(['text', 'json', 'csv']).default('text'))
  .action(async ({ format, ...options }: Record<string, string | undefined>) => {
    const client = Client.fromEnvironment();
    if (format === 'csv') return void process.stdout.write(await client.text('/usage', { ...options, format }));
    const { usage } = await client.get<{ usage: Omit<UsageRow, 'changedAt'>[] }>('/usage', options);
    if (format === 'json') return void process.stdout.write(`${JSON.stringify(usage, null, 2)}\n`);
    for (const { tenant, day, source, metric, count, bytes } of usage) {
      const size = bytes > 0 ? `  ${bytes} bytes` : '';
      process.stdout.write(`${day}  ${tenant}  ${metric.padEnd(14)} ${String(count).padStart(8)}  ${source}${size}\n`);
    }
    if (usage.length === 0) process.stdout.write('no usage\n');
  });
