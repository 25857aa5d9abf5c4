import { type FailoverOptions, type FailoverReport, runFailover } from './failover';

const MOST_SECONDS = 30;
const RUNS = [
  { topology: 'cluster', how: 'kill', waitReplicas: 1 },
  { topology: 'cluster', how: 'manual', waitReplicas: 1 },
  { topology: 'sentinel', how: 'kill', waitReplicas: 1 },
  { topology: 'sentinel', how: 'manual', waitReplicas: 1 },
] as const;

/** `npm run chaos:cluster [-- --short] [--topology cluster|sentinel] [--how kill|manual] [--wait N]`: failovers under load. */
async function main(): Promise<void> {
  const [topology, how, waits] = [argument('--topology'), argument('--how'), argument('--wait')];
  const seconds = process.argv.includes('--short') ? 4 : 20;
  for (const run of RUNS) {
    if ((topology && topology !== run.topology) || (how && how !== run.how)) continue;
    const options = { ...run, waitReplicas: waits === undefined ? run.waitReplicas : Number(waits), seconds };
    console.log(`${options.topology}, ${options.how}, REDIS_WAIT_REPLICAS=${options.waitReplicas}`);
    const say: FailoverOptions['say'] = (line) => console.log(`  ${line}`);
    const report = await runFailover({ ...options, say });
    console.table(report);
    const wrong = faults(report);
    for (const one of wrong) console.error(`  WRONG: ${one}`);
    if (wrong.length > 0) process.exitCode = 1;
  }
}

/** What breaks a promise. */
function faults({ accepted, lost, duplicateEffects, recoverySeconds }: FailoverReport): string[] {
  return [
    accepted === 0 && 'nothing was accepted',
    lost > 0 && `${lost} accepted events are not done`,
    duplicateEffects > 0 && `${duplicateEffects} effects done twice`,
    !(recoverySeconds < MOST_SECONDS) && `work went on after ${recoverySeconds} s, not ${MOST_SECONDS}`,
  ].filter((one) => one !== false);
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

void main();
