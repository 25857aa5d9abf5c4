import { BACKENDS, TestServers } from '@spillway/testing';
import { measureLatency } from './latency';
import { measure } from './measure';
import { measureTelemetry } from './telemetry';

/**
 * `npm run bench [-- --short] [--backend redis|postgres] [--encryption] [--telemetry] [--latency]`: Spillway beside a hand-written
 * BullMQ program of the same shape, as ratios; with payloads sealed at rest, which that program does not do; or with
 * telemetry beside itself without; or by how soon an event is where it belongs.
 */
async function main(): Promise<void> {
  const short = process.argv.includes('--short');
  const seconds = short ? 3 : 8;
  const rounds = short ? 1 : 3;
  const only = process.argv[process.argv.indexOf('--backend') + 1];
  for (const backend of BACKENDS.filter((one) => !process.argv.includes('--backend') || one === only)) {
    if (process.argv.includes('--telemetry')) {
      console.log(`\n${backend}: Spillway without and with telemetry, in turn`);
      console.table(await measureTelemetry(backend, { seconds, rounds }));
      continue;
    }
    const servers = await TestServers.start(backend);
    try {
      if (process.argv.includes('--latency')) {
        console.log(
          `\n${backend}: ${seconds * 2} s at each rate, milliseconds: half, 95 % and 99 % of the events in less`,
        );
        console.table(await measureLatency(servers, seconds * 2));
        continue;
      }
      console.log(`\n${backend}: ${rounds} rounds of ${seconds} s, hand-written and Spillway in turn`);
      console.table(await measure(servers, { seconds, rounds }));
    } finally {
      await servers.close();
    }
  }
}

void main();
