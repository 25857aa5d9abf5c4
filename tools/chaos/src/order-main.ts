import { BACKENDS, type BackendName } from '@spillway/testing';
import { runOrder } from './order';

/** `npm run chaos:order [-- --keys N] [--events N] [--backend redis|postgres]`: the acceptance of promise 5, at full length. */
async function main(): Promise<void> {
  const keys = Number(argument('--keys') ?? 1_000);
  const events = Number(argument('--events') ?? 100);
  const only = argument('--backend') as BackendName | undefined;
  for (const backend of BACKENDS.filter((one) => !only || one === only)) {
    console.log(
      `${backend}: ${keys} ordering keys, ${events} events each, one call in 50 fails, a worker killed every 5 s`,
    );
    const options = { backend, keys, events, killEveryMs: 5_000, failures: 0.02, withinMs: 3_600_000 };
    const { outOfOrder, ...report } = await runOrder(options);
    console.table({ ...report, outOfOrder: outOfOrder.length });
    for (const line of outOfOrder.slice(0, 10)) console.error(`  WRONG: ${line}`);
    if (outOfOrder.length > 0 || report.done !== report.sent) process.exitCode = 1;
  }
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

void main();
