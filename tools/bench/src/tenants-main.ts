import { BACKENDS, type BackendName, TestServers } from '@spillway/testing';
import { manyTenants, type Row, shortQueue, type Sizes, waiting, weights } from './tenants/measures';

/** `npm run bench:tenants [-- --short] [--backend redis|postgres] [--only waiting|weights|tenants|short]` */
async function main(): Promise<void> {
  const only = argument('--backend') as BackendName | undefined;
  const part = argument('--only');
  const short = process.argv.includes('--short');
  for (const backend of BACKENDS.filter((one) => !only || one === only)) {
    const few = backend === 'redis' ? 8_000 : 1_500;
    const sizes: Sizes = short
      ? { backlog: few, samples: 50, jobs: few, rounds: 2 }
      : { backlog: 100_000, samples: 300, jobs: few * 5, rounds: 3 };
    const servers = await TestServers.start(backend);
    try {
      const parts: Record<string, () => Promise<Row>> = {
        waiting: () => waiting(backend, servers, sizes),
        weights: () => weights(backend, servers, sizes),
        tenants: () => manyTenants(servers, sizes),
        short: () => shortQueue(servers, sizes),
      };
      for (const [name, measure] of Object.entries(parts)) {
        if (part && part !== name) continue;
        const { what, measured, aim, met } = await measure();
        console.log(`${backend}  ${met ? 'met   ' : 'MISSED'}  ${what}: ${measured}  (aim ${aim})`);
      }
    } finally {
      await servers.close();
    }
  }
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

void main();
