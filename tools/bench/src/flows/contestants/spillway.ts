import { loadConfig } from '@spillway/config';
import { API_VERSION, resourceSchema } from '@spillway/contracts';
import { startIngress } from '@spillway/ingress';
import { openPlatform } from '@spillway/runtime';
import { QUEUE_OF_ROLE, startWorker, type WorkerRole } from '@spillway/workers';
import { flows, TENANT } from '../definitions';

/** Spillway with every role in one process, and the flows of the benchmark. */
async function main(): Promise<void> {
  const platform = await openPlatform(loadConfig());
  const document = (kind: string, name: string, spec: unknown) => {
    const metadata = kind === 'Tenant' ? { name } : { name, tenant: TENANT };
    return resourceSchema.parse({ apiVersion: API_VERSION, kind, metadata, spec });
  };
  await platform.resources.apply([
    document('Tenant', TENANT, {}),
    ...Object.entries(flows(process.env['SINK']!)).map(([name, spec]) => document('Flow', name, spec)),
  ]);
  await platform.apiKeys.create({ tenant: TENANT, name: 'bench', scopes: ['*'] }, platform.config.admin.apiKey);
  await platform.directory.refresh();
  for (const role of Object.keys(QUEUE_OF_ROLE) as WorkerRole[]) await startWorker(role, platform);
  const { url } = await startIngress(platform);
  process.send!({ url });
}

void main();
