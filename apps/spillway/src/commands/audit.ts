import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { AuditReport, ChainedEntry, ChainHead } from '@spillway/persistence';
import { PermanentError } from '@spillway/contracts';
import { Command } from 'commander';
import { Client } from '../client';
import { table } from '../lines';

type SentEntry = Omit<ChainedEntry, 'details'> & { details: Record<string, unknown> };

function withFilters(command: Command): Command {
  return command
    .option('--tenant <name>')
    .option('--actor <who>', 'user:ana, key:ci')
    .option('--action <pattern>', 'key.*, payload.read, …; * stands for any characters')
    .option('--target <what>')
    .option('--outcome <outcome>', 'done, refused, failed')
    .option('--since <time>', 'ISO 8601')
    .option('--until <time>', 'ISO 8601');
}

export const auditCommands = new Command('audit')
  .description('Who did what and looked at which payload; whether the log is whole')
  .addCommand(
    withFilters(new Command('list').description('Entries, newest first'))
      .option('--limit <number>', '', '50')
      .action(async (options: Record<string, string>) => {
        const { entries } = await Client.fromEnvironment().get<{ entries: SentEntry[] }>('/audit', options);
        const names = ['seq', 'at', 'actor', 'action', 'tenant', 'target', 'outcome', 'from'];
        process.stdout.write(table(names, entries.map(rowOf)));
      }),
  )
  .addCommand(
    withFilters(new Command('export').description('All entries that match, oldest first, as lines of JSON')).action(
      async (options: Record<string, string>) => {
        for await (const line of Client.fromEnvironment().lines('/audit/export', options))
          process.stdout.write(`${line}\n`);
      },
    ),
  )
  .addCommand(
    new Command('verify')
      .description('Whether an entry was changed, removed, inserted or moved')
      .option('--anchor <head>', 'the head of an earlier run: also shows whether the end was cut off')
      .option('--file <file>', 'a whole export, checked here: hashes only, no signatures')
      .action(async ({ anchor, file }: { anchor?: string; file?: string }) => {
        const report = file
          ? await verifyFile(file, anchor)
          : await Client.fromEnvironment().get<AuditReport>('/audit/verify', { anchor });
        for (const problem of report.problems) process.stdout.write(`WRONG ${problem.what}: ${problem.message}\n`);
        if (report.begins)
          process.stdout.write(`begins after entry ${report.begins.seq}: those before outlived their time\n`);
        process.stdout.write(
          `${report.count} entries, ${report.ok ? 'whole' : `${report.problems.length} problems`}\n`,
        );
        process.stdout.write(`head ${report.head.seq}:${report.head.hash}\n`);
        if (!report.ok) process.exitCode = 1;
      }),
  );

/** Without the installation: where its word is not enough. */
async function verifyFile(file: string, anchor: string | undefined): Promise<AuditReport> {
  const { ChainCheck, GENESIS } = await import('@spillway/persistence');
  let walk: InstanceType<typeof ChainCheck> | undefined;
  let begins: ChainHead | undefined;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const { details, ...entry } = JSON.parse(line) as SentEntry;
    if (!walk) {
      if (entry.seq > 1) begins = { seq: entry.seq - 1, hash: entry.prev };
      walk = new ChainCheck(begins ?? GENESIS, anchor ? [headOf(anchor)] : []);
    }
    walk.next({ ...entry, details: JSON.stringify(details) });
  }
  if (!walk) throw new PermanentError(`${file} has no entries`, { code: 'export-empty' });
  walk.end();
  return { ok: walk.problems.length === 0, count: walk.count, head: walk.head, begins, problems: walk.problems };
}

function headOf(anchor: string): ChainHead {
  const [seq, hash = ''] = anchor.split(':');
  return { seq: Number(seq), hash };
}

function rowOf(entry: SentEntry): string[] {
  return [
    String(entry.seq),
    entry.at.slice(0, 19).replace('T', ' '),
    entry.actor,
    entry.action,
    entry.tenant ?? '-',
    entry.target,
    entry.outcome,
    entry.address ?? '-',
  ];
}
