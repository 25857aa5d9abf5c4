import type { StoredResource } from '@spillway/tenancy';
import { Command } from 'commander';
import { Client } from '../client';
import { problemLine, readFlow, readFlows } from '../flows/flow-files';
import { runTests } from '../flows/flow-tests';
import { replayCommand } from './flows-replay';

export const flowCommands = new Command('flows')
  .description('Checks flows, draws them and lists them')
  .addCommand(
    new Command('list')
      .description('Flows that are applied')
      .option('--tenant <name>')
      .action(async ({ tenant }: { tenant?: string }) => {
        const query = { kind: 'Flow', tenant };
        const { resources } = await Client.fromEnvironment().get<{ resources: StoredResource[] }>('/resources', query);
        for (const flow of resources) process.stdout.write(`${lineOf(flow)}\n`);
        if (resources.length === 0) process.stdout.write('no flows\n');
      }),
  )
  .addCommand(
    new Command('validate')
      .description('Says what is wrong with flows, without a server')
      .argument('<path>', 'a file or folder: Flow documents or bare definitions, YAML or JSON')
      .action(async (path: string) => {
        const { flows, problems } = await readFlows(path);
        for (const problem of problems) process.stdout.write(`${problemLine(problem)}\n`);
        const errors = problems.filter(({ severity }) => severity === 'error').length;
        process.stdout.write(`${counted(flows.length, 'flow')}, ${counted(errors, 'error')}`);
        process.stdout.write(`, ${counted(problems.length - errors, 'warning')}\n`);
        if (errors > 0) process.exitCode = 1;
      }),
  )
  .addCommand(
    new Command('test')
      .description('Runs the tests of flows (kind: FlowTest) in a simulated world: no server, no waiting')
      .argument('<path>', 'a test, or a folder that has some')
      .action(async (path: string) => {
        let [passed, failed, broken] = [0, 0, 0];
        for await (const { file, results, problems } of runTests(path)) {
          process.stdout.write(`${file}\n`);
          for (const result of results) {
            process.stdout.write(`  ${result.passed ? 'ok   ' : 'WRONG'} ${result.name}\n`);
            for (const problem of result.problems) process.stdout.write(`          ${problem}\n`);
          }
          for (const problem of problems) process.stdout.write(`  WRONG ${problem}\n`);
          passed += results.filter((result) => result.passed).length;
          failed += results.filter((result) => !result.passed).length;
          broken += problems.length > 0 ? 1 : 0;
        }
        const notRun = broken > 0 ? `, tests of ${counted(broken, 'file')} not run` : '';
        process.stdout.write(`${passed} passed, ${failed} failed${notRun}\n`);
        if (failed + broken > 0) process.exitCode = 1;
      }),
  )
  .addCommand(replayCommand)
  .addCommand(
    new Command('graph')
      .description('Draws a flow (Mermaid), without a server')
      .argument('<file>')
      .option('--flow <name>', 'which, where the file has several')
      .action(async (file: string, { flow }: { flow?: string }) => {
        const { toMermaid } = await import('@spillway/flows');
        process.stdout.write(toMermaid((await readFlow(file, flow)).definition));
      }),
  );

function lineOf({ tenant, name, spec, version, updatedAt }: StoredResource): string {
  const { document, description } = spec as { document?: { version?: string }; description?: string };
  const changed = String(updatedAt).slice(0, 19).replace('T', ' ');
  const line = `${tenant}/${name}  ${document?.version ?? '0.0.1'}  change ${version} of ${changed}`;
  return description ? `${line}  ${description.split('\n')[0]}` : line;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
