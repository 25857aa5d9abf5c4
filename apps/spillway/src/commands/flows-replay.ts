import { PermanentError } from '@spillway/contracts';
import { Command } from 'commander';
import { Client } from '../client';
import { readFlow } from '../flows/flow-files';
import { describeReplay, type ReplayReport } from '../flows/replay-lines';

interface Options {
  flow?: string;
  tenant?: string;
  last?: string;
  since?: string;
  run?: string[];
  route?: string;
  default?: string;
  json: boolean;
  failOnDifference: boolean;
}

export const replayCommand = new Command('replay')
  .description('Goes through past runs with the flow of a file, and says what it would do otherwise; calls nothing')
  .argument('<file>', 'the new version')
  .option('--flow <name>', 'which, where the file has several')
  .option('--tenant <name>', 'else the one that the file names')
  .option('--last <number>', 'the newest runs that have ended (20)')
  .option('--since <time>', 'runs that began since then: 2026-11-20T08:00:00Z')
  .option('--run <id...>', 'these runs')
  .option('--route <name>', 'events that match this route, in place of runs')
  .option('--default <json>', 'what is answered where there is no record of an answer (null)')
  .option('--json', 'the whole report', false)
  .option('--fail-on-difference', 'exit with 1 when something differs', false)
  .action(async (file: string, options: Options) => {
    const { tenant, name, definition } = await readFlow(file, options.flow);
    const { last, since, run, route } = options;
    const body = {
      tenant: options.tenant ?? tenant,
      definition,
      ...(last !== undefined && { last: Number(last) }),
      ...(since !== undefined && { since }),
      ...(run !== undefined && { runs: run }),
      ...(route !== undefined && { route }),
      ...(options.default !== undefined && { default: parsed(options.default) }),
    };
    const path = `/flows/${encodeURIComponent(name)}/replay`;
    const report = await Client.fromEnvironment().post<ReplayReport>(path, body);
    process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : describeReplay(report));
    if (options.failOnDifference && report.differ > 0) process.exitCode = 1;
  });

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const remedy = 'Write text in quotes: \'"text"\'.';
    throw new PermanentError(`--default is no JSON: ${text}`, { code: 'input-invalid', remedy, cause });
  }
}
