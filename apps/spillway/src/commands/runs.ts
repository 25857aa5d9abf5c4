import { Command } from 'commander';
import { Client } from '../client';
import { describeRun, lineOfRun, type SentRecord, type SentRun } from '../runs/run-lines';

const ORDERS = {
  cancel: 'Cancels a run; what it did is undone where its tasks say how',
  suspend: 'Halts a run; answers and events that come meanwhile are kept',
  resume: 'Goes on with a suspended run',
  retry: 'Begins the task that failed again, and goes on from there',
};

export const runCommands = new Command('runs')
  .description('Looks at runs of flows and gives them orders')
  .addCommand(
    new Command('list')
      .description('Runs, newest first')
      .option('--tenant <name>')
      .option('--flow <name>')
      .option('--status <status>', 'running, waiting, suspended, cancelled, faulted, completed')
      .option('--event <id>', 'those that this event began')
      .option('--limit <number>', '', '20')
      .action(async ({ event, ...options }: Record<string, string | undefined>) => {
        const { runs } = await Client.fromEnvironment().get<{ runs: SentRun[] }>('/runs', {
          ...options,
          eventId: event,
        });
        for (const run of runs) process.stdout.write(`${lineOfRun(run)}\n`);
        if (runs.length === 0) process.stdout.write('no runs\n');
      }),
  )
  .addCommand(
    new Command('show')
      .description('What became of a run: its tasks with input and output, and what it waits for')
      .argument('<id>')
      .option('--tasks <number>', 'show at most this many tasks', '200')
      .option('--json', 'the whole record', false)
      .action(async (id: string, { tasks, json }: { tasks: string; json: boolean }) => {
        const run = await Client.fromEnvironment().get<SentRecord>(`/runs/${encodeURIComponent(id)}`);
        process.stdout.write(json ? `${JSON.stringify(run, null, 2)}\n` : describeRun(run, Number(tasks)));
      }),
  )
  .addCommand(
    new Command('graph')
      .description('Draws the definition of a run (Mermaid)')
      .argument('<id>')
      .action(async (id: string) => {
        const path = `/runs/${encodeURIComponent(id)}/graph`;
        process.stdout.write((await Client.fromEnvironment().get<{ mermaid: string }>(path)).mermaid);
      }),
  );

for (const [order, description] of Object.entries(ORDERS)) {
  runCommands.addCommand(
    new Command(order)
      .description(description)
      .argument('<id>')
      .option('--reason <text>', 'for the record')
      .action(async (id: string, { reason }: { reason?: string }) => {
        const path = `/runs/${encodeURIComponent(id)}/${order}`;
        await Client.fromEnvironment().post(path, { ...(reason && { reason }) });
        process.stdout.write(`${order} was ordered; see: spillway runs show ${id}\n`);
      }),
  );
}

runCommands.addCommand(
  new Command('restart')
    .description('Begins a run that goes on where one that has ended was: what was done before is not done again')
    .argument('<id>')
    .requiredOption('--from <path>', 'JSON pointer to the task, as in "runs show": /do/2/pay')
    .option('--node <number>', 'which time, of a task that was begun several times (its number in --json)')
    .option('--reason <text>', 'for the record')
    .action(async (id: string, { from, node, reason }: { from: string; node?: string; reason?: string }) => {
      const body = { from, ...(node !== undefined && { node: Number(node) }), ...(reason && { reason }) };
      const made = await Client.fromEnvironment().post<{ id: string }>(`/runs/${encodeURIComponent(id)}/restart`, body);
      process.stdout.write(`${made.id} goes on from ${from}; see: spillway runs show ${made.id}\n`);
    }),
);
