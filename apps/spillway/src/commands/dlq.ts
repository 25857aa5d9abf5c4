import type { Redriven } from '@spillway/operations';
import type { DeadLetterSummary } from '@spillway/queues';
import { Command } from 'commander';
import { Client } from '../client';

function withFilters(command: Command): Command {
  return command
    .option('--queue <name>')
    .option('--tenant <name>')
    .option('--type <pattern>', 'event type; * stands for any characters')
    .option('--route <name>')
    .option('--error-class <class>', 'transient, rate-limited, permanent, poison')
    .option('--error-code <code>');
}

export const deadLetterCommands = new Command('dlq')
  .description('Looks at dead letters and puts them back')
  .addCommand(
    withFilters(new Command('list').description('Dead letters, oldest first'))
      .option('--limit <number>', '', '50')
      .action(async (options: Record<string, string>) => {
        const { deadLetters } = await Client.fromEnvironment().get<{ deadLetters: DeadLetterSummary[] }>(
          '/dead-letters',
          options,
        );
        for (const letter of deadLetters) process.stdout.write(`${lineOf(letter)}\n`);
        if (deadLetters.length === 0) process.stdout.write('no dead letters\n');
      }),
  )
  .addCommand(
    withFilters(new Command('redrive').description('Puts dead letters back into their queues'))
      .argument('[ids...]', 'only these; with --queue')
      .option('--rate <number>', 'jobs per second')
      .option('--limit <number>', 'at most this many')
      .option('--dry-run', 'only tells what would be redriven', false)
      .action(
        async (ids: string[], { rate, limit, dryRun, ...filter }: Record<string, string | boolean | undefined>) => {
          const result = await Client.fromEnvironment().post<Redriven>('/dead-letters/redrive', {
            ...filter,
            ...(ids.length > 0 && { ids }),
            ...(rate && { ratePerSecond: Number(rate) }),
            ...(limit && { limit: Number(limit) }),
            dryRun,
          });
          for (const letter of result.sample) process.stdout.write(`${lineOf(letter)}\n`);
          const done = dryRun ? `${result.matched} would be redriven` : `${result.redriven} redriven`;
          process.stdout.write(
            `${done}${result.lastsMs > 0 ? `, over ${Math.round(result.lastsMs / 1_000)} s` : ''}\n`,
          );
        },
      ),
  );

function lineOf(letter: DeadLetterSummary): string {
  const at = new Date(letter.failedAt).toISOString().slice(0, 19).replace('T', ' ');
  const { error } = letter;
  return `${at}  ${letter.queue}  ${letter.tenant}  ${letter.type}  ${letter.id}\n    ${error.class} ${error.code}: ${error.message.split('\n')[0]}`;
}
