import { recordKills } from '@spillway/flows/testing';
import { BACKENDS, type BackendName } from '@spillway/testing';
import { runKit } from './conformance';

const TIMES = 50;
const KILL_EVERY_MS = 400;
const WORKERS = 4;

/**
 * `npm run chaos:conformance [-- --backend redis|postgres] [--times N]`: the conformance kit through the queues, again and
 * again, while workers are killed at random moments. What it measured is written into docs/flows/conformance.md.
 */
async function main(): Promise<void> {
  const only = argument('--backend') as BackendName | undefined;
  const times = Number(argument('--times') ?? TIMES);
  for (const backend of BACKENDS.filter((one) => !only || one === only)) {
    const say = (line: string) => console.log(`  ${line}`);
    console.log(`${backend}: the kit ${times} times, a worker killed every ${KILL_EVERY_MS} ms on the average`);
    const report = await runKit({ backend, times, killEveryMs: KILL_EVERY_MS, workers: WORKERS, built: true, say });
    const { scenarios, runs, kills, wrong, seconds } = report;
    console.log(
      `${backend}: ${scenarios} scenarios, ${runs} runs, ${kills} kills, ${wrong.length} wrong, ${seconds} s`,
    );
    recordKills(backend, { scenarios, runs, kills, wrong: wrong.length, seconds });
    for (const one of wrong) console.error(`  WRONG: ${one}`);
    if (wrong.length > 0 || kills === 0) process.exitCode = 1;
  }
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

void main();
