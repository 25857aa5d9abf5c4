import { BACKENDS, type BackendName } from '@spillway/testing';
import { type ChaosReport, runChaos } from './run';

/** A new one takes one to three seconds to start on a busy machine of two cores. */
const WORKERS = 6;

/**
 * Tests look for dead workers twice a second, and take one for dead that was silent for two; with many processes on two
 * cores that is work in itself, and finds some dead that only had to wait. A deployment looks every 15 s, after 30. Each connection
 * of a new worker costs PostgreSQL a tenth of a second of a processor until it is warm.
 */
const STEADY = {
  QUEUES_POOL: '5',
  DATABASE_POOL: '5',
  LOCK_DURATION: '3s',
  STALLED_INTERVAL: '1s',
  RECONCILE_EVERY: '2s',
};

/**
 * `npm run chaos [-- --events N] [--backend redis|postgres] [--workers N] [--kill-every MS]`: the acceptance of promises 1 to 4, at full
 * length.
 */
async function main(): Promise<void> {
  const events = Number(argument('--events') ?? 10_000);
  const killEveryMs = Number(argument('--kill-every') ?? 1_000);
  const only = argument('--backend') as BackendName | undefined;
  for (const backend of BACKENDS.filter((one) => !only || one === only)) {
    console.log(
      `${backend}: ${events} events, each sent twice, a worker killed every ${killEveryMs / 1_000} s, the queues restarted once`,
    );
    const report = await runChaos({
      backend,
      events,
      killEveryMs,
      workers: Number(argument('--workers') ?? WORKERS),
      built: true,
      always: true,
      killUntil: 'done',
      restartQueues: true,
      environment: STEADY,
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
    missedKills > 0 && `${missedKills} times there was no worker to be killed`,
    fallen > 0 && `${fallen} workers ended though nobody killed them`,
    repeatedUnseen > 0 && `${repeatedUnseen} repeated calls that the ledger does not show`,
  ].filter((one) => one !== false);
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

void main();
