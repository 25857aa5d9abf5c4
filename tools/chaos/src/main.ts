import { BACKENDS, type BackendName } from '@spillway/testing';
import { type ChaosReport, runChaos } from './run';

/** A new one takes one to three seconds to start on a busy machine of two cores. */
const WORKERS = 5;

/**
 * `npm run chaos [-- --events N] [--backend redis|postgres] [--workers N]`: the acceptance of promises 1 to 4, at full
 * length.
 */
async function main(): Promise<void> {
  const events = Number(argument('--events') ?? 10_000);
  const only = argument('--backend') as BackendName | undefined;
  for (const backend of BACKENDS.filter((one) => !only || one === only)) {
    console.log(
      `${backend}: ${events} events, each sent twice, a worker killed every second, the queues restarted once`,
    );
    const report = await runChaos({
      backend,
      events,
      killEveryMs: 1_000,
      workers: Number(argument('--workers') ?? WORKERS),
      built: true,
      killUntil: 'done',
      restartQueues: true,
      say: (line) => console.log(`  ${line}`),
    });
    console.table(report);
    const wrong = faults(report);
    for (const one of wrong) console.error(`  WRONG: ${one}`);
    if (wrong.length > 0) process.exitCode = 1;
  }
}

/** What breaks a promise. */
export function faults(report: ChaosReport): string[] {
  const { events, accepted, recorded, done, effects, repeatedEffects, repeatedUnseen, missedKills, fallen } = report;
  return [
    accepted !== events && `${accepted} accepted for ${events} events`,
    recorded !== events && `${recorded} in the ledger`,
    done !== events && `${done} done`,
    effects !== events && `${effects} effects`,
    repeatedEffects > 0 && `${repeatedEffects} effects done twice`,
    missedKills > 0 && `${missedKills} times there were not two workers, one to be killed and one to go on`,
    fallen > 0 && `${fallen} workers ended though nobody killed them`,
    repeatedUnseen > 0 && `${repeatedUnseen} repeated calls that the ledger does not show`,
  ].filter((one) => one !== false);
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

void main();
