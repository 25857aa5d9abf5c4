import type { EventRecord, TimelineEntry } from '@spillway/persistence';
import { Command } from 'commander';
import { Client } from '../client';
import { type EventLine, lineOf } from '../event-line';

export const eventCommands = new Command('events')
  .description('Looks at events')
  .addCommand(
    new Command('list')
      .description('Events, newest first')
      .option('--tenant <name>')
      .option('--type <pattern>', '* stands for any characters')
      .option('--state <state>', 'accepted, moving, done, dead-letter, cancelled, unrouted')
      .option('--limit <number>', '', '20')
      .action(async (options: Record<string, string>) => {
        const { events } = await Client.fromEnvironment().get<{ events: EventLine[] }>('/events', options);
        for (const event of events) process.stdout.write(`${lineOf(event)}\n`);
      }),
  )
  .addCommand(
    new Command('show')
      .description('Where an event is, and what became of it')
      .argument('<id>')
      .option('--json', 'the whole record', false)
      .action(async (id: string, { json }: { json: boolean }) => {
        const record = await Client.fromEnvironment().get<EventRecord>(`/events/${encodeURIComponent(id)}`);
        process.stdout.write(json ? `${JSON.stringify(record, null, 2)}\n` : describe(record));
      }),
  );

function describe(record: EventRecord): string {
  const lines = [
    `${record.type}  ${record.state}`,
    `  id        ${record.id}`,
    `  tenant    ${record.tenant}`,
    `  source    ${record.source} (${record.provider})`,
    `  subject   ${record.subject ?? '-'}`,
    `  accepted  ${String(record.acceptedAt)}, ${record.bytes} bytes`,
    '',
    ...record.timeline.map(entryLine),
  ];
  return `${lines.join('\n')}\n`;
}

function entryLine(entry: TimelineEntry): string {
  const error = entry.error as { message?: string } | null | undefined;
  const parts = [
    String(entry.at).slice(11, 23),
    entry.what.padEnd(18),
    entry.queue,
    entry.route && `${entry.route}/${entry.task}`,
    entry.attempt && `#${entry.attempt}`,
    entry.status && `HTTP ${entry.status}`,
    entry.durationMs !== undefined && `${entry.durationMs} ms`,
    entry.repeat && 'repeat',
    entry.recorded && 'recorded result',
    error?.message,
  ];
  return `  ${parts.filter(Boolean).join('  ')}`;
}
