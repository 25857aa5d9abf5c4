import type { QueueLanes } from '@spillway/operations';
import { Command } from 'commander';
import { Client } from '../client';

export const laneCommands = new Command('lanes')
  .description('Looks at the lanes of tenants and ordering keys, and lets parked ones go on')
  .addCommand(
    new Command('list')
      .description('Lanes that hold jobs back, and ordering keys in use; parked ones first')
      .option('--queue <name>')
      .option('--tenant <name>')
      .option('--limit <number>', '', '50')
      .action(async (options: Record<string, string>) => {
        const { queues } = await Client.fromEnvironment().get<{ queues: QueueLanes[] }>('/lanes', options);
        const lines = queues.flatMap(linesOf);
        process.stdout.write(lines.length > 0 ? `${lines.join('\n')}\n` : 'nothing waits in a lane\n');
      }),
  )
  .addCommand(
    new Command('show')
      .description("One tenant's lane of a queue")
      .argument('<queue>')
      .argument('<tenant>')
      .action(async (queue: string, tenant: string) => {
        const path = `/lanes/${encodeURIComponent(queue)}/${encodeURIComponent(tenant)}`;
        const lanes = await Client.fromEnvironment().get<QueueLanes>(path);
        process.stdout.write(`window ${lanes.window}\n${linesOf(lanes).join('\n')}\n`);
      }),
  )
  .addCommand(decision('skip', 'Lets an ordering key go on behind its first job, which is given up', 'skipped'))
  .addCommand(decision('resume', 'Lets a parked ordering key go on with the job it stopped at', 'redriven'));

function decision(name: 'skip' | 'resume', text: string, result: 'skipped' | 'redriven'): Command {
  return new Command(name)
    .description(text)
    .argument('<queue>')
    .argument('<tenant>')
    .argument('<key>', 'as the list shows it: SOURCE/KEY')
    .action(async (queue: string, tenant: string, key: string) => {
      const path = `/lanes/${encodeURIComponent(queue)}/${encodeURIComponent(tenant)}/${name}`;
      const answer = await Client.fromEnvironment().post<Partial<Record<typeof result, string>>>(path, { key });
      process.stdout.write(`${answer[result] ? `${result} ${answer[result]}` : 'its dead letter is gone: skipped'}\n`);
    });
}

function linesOf({ queue, lanes, keys }: QueueLanes): string[] {
  return [
    ...keys
      .filter((key) => key.parked)
      .map(({ lane, key, behind, parked }) => {
        const since = new Date(parked!.at).toISOString().slice(0, 19).replace('T', ' ');
        return `${queue}  ${lane}  ${key}  PARKED since ${since} by ${parked!.job}, ${behind} behind\n    ${parked!.code}: ${parked!.message.split('\n')[0]}`;
      }),
    ...lanes.map(({ lane, waiting, held, blocked, weight, cap }) => {
      const limit = cap === undefined ? '' : `, ${held} of ${cap} at once${blocked ? ' (full)' : ''}`;
      return `${queue}  ${lane}  ${waiting} waiting, weight ${weight}${limit}`;
    }),
    ...keys
      .filter((key) => !key.parked)
      .map(({ lane, key, behind, head }) => `${queue}  ${lane}  ${key}  ${behind} behind ${head}`),
  ];
}
