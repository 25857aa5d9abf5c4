import { Command } from 'commander';
import { Client } from '../client';

interface Limits {
  limits: { key: string; perSecond: number; burst: number; waitMs: number; granted: number; refused: number }[];
  gates: { key: string; state: string; blockedMs: number; openMs: number; openings: number; reason?: string }[];
}

export const limitCommands = new Command('limits')
  .description('Looks at the allowances and circuits of adapters')
  .addCommand(
    new Command('list')
      .description('What all workers know together about the systems they call')
      .option('--tenant <name>')
      .option('--adapter <name>', 'only this one of the tenant')
      .option('--json', 'as the API gives it', false)
      .action(async ({ json, ...query }: { tenant?: string; adapter?: string; json: boolean }) => {
        const found = await Client.fromEnvironment().get<Limits>('/limits', query);
        process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : describe(found));
      }),
  )
  .addCommand(
    new Command('reset')
      .description('Closes the circuit of an adapter, and fills its allowances')
      .argument('<adapter>', 'TENANT/ADAPTER')
      .option('--reason <text>', 'for the record')
      .action(async (adapter: string, { reason }: { reason?: string }) => {
        const [tenant = '', name = ''] = adapter.split('/').map(encodeURIComponent);
        const path = `/limits/${tenant}/${name}/reset`;
        const { reset } = await Client.fromEnvironment().post<{ reset: number }>(path, { ...(reason && { reason }) });
        process.stdout.write(`${adapter}: ${reset} ${reset === 1 ? 'row' : 'rows'} reset\n`);
      }),
  );

function describe({ limits, gates }: Limits): string {
  const lines = [
    ...gates.map(({ key, state, blockedMs, openMs, openings, reason }) => {
      const facts = [
        blockedMs > 0 && `blocked for ${seconds(blockedMs)}`,
        openMs > 0 && `tried again in ${seconds(openMs)}`,
        openings > 0 && `opened ${openings} ${openings === 1 ? 'time' : 'times'}`,
        reason,
      ];
      return `circuit    ${state.padEnd(9)} ${[key, ...facts.filter(Boolean)].join('  ')}`;
    }),
    ...limits.map(({ key, perSecond, burst, waitMs, granted, refused }) => {
      const wait = waitMs > 0 ? `used up: the next in ${seconds(waitMs)}` : 'free';
      return `allowance  ${key}  ${perSecond}/s, burst ${burst}  ${wait}  ${granted} granted, ${refused} refused`;
    }),
  ];
  return lines.length === 0 ? 'no adapter was called lately\n' : `${lines.join('\n')}\n`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
