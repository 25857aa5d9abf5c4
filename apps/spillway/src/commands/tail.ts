import { setTimeout as wait } from 'node:timers/promises';
import { Command } from 'commander';
import { Client } from '../client';
import { type EventLine, lineOf } from '../event-line';

const EVERY_MS = 500;

export const tailCommand = new Command('tail')
  .description('Shows events as they come in and come to their end')
  .option('--tenant <name>', 'only of this tenant')
  .option('--type <pattern>', 'only of these types; * stands for any characters')
  .action(async ({ tenant, type }: { tenant?: string; type?: string }) => {
    const client = Client.fromEnvironment();
    const shown = new Map<string, string>();
    const since = new Date().toISOString();
    for (;;) {
      const { events } = await client.get<{ events: EventLine[] }>('/events', { tenant, type, since, limit: 200 });
      for (const event of events.reverse()) {
        if (shown.get(event.id) === event.state) continue;
        shown.set(event.id, event.state);
        process.stdout.write(`${lineOf(event)}\n`);
      }
      await wait(EVERY_MS);
    }
  });
