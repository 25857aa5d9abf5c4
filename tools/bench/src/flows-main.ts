import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { messageOf } from '@spillway/contracts';
import { BACKENDS, TestServers } from '@spillway/testing';
import { startChild } from './flows/child';
import { CHILDREN } from './flows/definitions';
import { startBullmq, startRestate } from './flows/others';
import { restateServer } from './flows/restate-server';
import { type Extent, fanOuts, inTurn, longAndShort, type Row } from './flows/rounds';
import { startSpillway } from './flows/spillway';
import { waitingRuns } from './flows/waiting';

const FULL: Extent = { rounds: 5, seconds: 15, open: 128, steps: 1_000, waiting: 100_000, idleSeconds: 30 };
const SHORT: Extent = { rounds: 1, seconds: 1.5, open: 32, steps: 50, waiting: 500, idleSeconds: 2 };
const PARTS = ['restate', 'bullmq', 'long', 'fan', 'waiting'];

/**
 * `npm run bench:flows [-- --short] [--backend redis|postgres] [--parts restate,bullmq,long,fan,waiting] [--open N] [--million]
 * [--encryption]`:
 * runs of flows beside the Restate server and a hand-written BullMQ program, long runs, and runs that wait.
 */
async function main(): Promise<void> {
  const extent = { ...(process.argv.includes('--short') ? SHORT : FULL) };
  if (process.argv.includes('--million')) extent.waiting = 1_000_000;
  for (const name of ['rounds', 'seconds', 'open', 'steps', 'waiting'] as const) {
    extent[name] = Number(argument(name) ?? extent[name]);
  }
  const only = argument('backend');
  const parts = argument('parts')?.split(',') ?? PARTS;
  const server = parts.includes('restate') ? restateServer() : undefined;
  console.log(`${new Date().toISOString().slice(0, 16)}, ${cpus().length} × ${cpus()[0]!.model}, ${machine()}`);
  const sink = await startChild('sink', {});
  const restate = server ? await startRestate(server, sink.url, extent.open) : undefined;
  try {
    for (const backend of BACKENDS.filter((one) => !only || one === only)) {
      console.log(`\n# ${backend}`);
      const servers = await TestServers.start(backend, { shared_preload_libraries: 'pg_stat_statements' });
      if (restate) {
        // Two processes beside two: Restate's server and its service.
        const spillway = await startSpillway(servers, sink.url, true);
        const title = `3 durable steps over HTTP, ${extent.open} runs open, ${extent.rounds} rounds of ${extent.seconds} s`;
        const contestants = { Spillway: spillway, Restate: restate };
        const rows = await inTurn(contestants, extent, { name: 'runs', perRun: 1 }).finally(() => spillway.close());
        print(title, rows);
      }
      const spillway = await startSpillway(servers, sink.url);
      try {
        if (parts.includes('bullmq')) {
          const bullmq = await startBullmq(servers, sink.url);
          const contestants = { Spillway: spillway.of('fork'), 'hand-written': bullmq };
          const title = `a parent with ${CHILDREN} children, ${extent.open / 4} open`;
          const unit = { name: 'steps', perRun: CHILDREN };
          print(title, await inTurn(contestants, { ...extent, open: extent.open / 4 }, unit));
          await bullmq.close();
        }
        if (parts.includes('long')) {
          print('long runs', await longAndShort((steps) => spillway.of('long', { steps }), extent));
        }
        if (parts.includes('fan')) print('fan-outs', await fanOuts((steps) => spillway.of('fan', { steps }), extent));
        if (parts.includes('waiting')) {
          const { size, idle, wakeUps } = await waitingRuns(spillway, servers, sink.url, extent);
          print('what a run that waits takes', size);
          print('an idle platform', idle);
          print('wake-ups', wakeUps);
        }
      } finally {
        await spillway.close();
        await servers.close();
      }
    }
  } finally {
    await restate?.close();
    await sink.close();
    console.log(`\n${machine()}`);
  }
}

function print(title: string, rows: Row[]): void {
  console.log(`\n${title}`);
  for (const row of rows) {
    console.log(
      `  ${Object.entries(row)
        .map(([name, value]) => `${name}: ${value}`)
        .join(' · ')}`,
    );
  }
}

function machine(): string {
  return `load average ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')}`;
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});
