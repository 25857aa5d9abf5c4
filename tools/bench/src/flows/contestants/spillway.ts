import { loadConfig } from '@spillway/config';
import { API_VERSION, resourceSchema } from '@spillway/contracts';
import { startIngress } from '@spillway/ingress';
import { openPlatform } from '@spillway/runtime';
import { QUEUE_OF_ROLE, startWorker, type WorkerRole } from '@spillway/workers';
import { flows, TENANT } from '../definitions';

/** Spillway with the roles of SPILLWAY_ROLES in one process, and the flows of the benchmark. */
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
  const isThere = (await platform.apiKeys.list({ tenant: TENANT })).length > 0;
  if (!isThere)
    await platform.apiKeys.create({ tenant: TENANT, name: 'bench', scopes: ['*'] }, platform.config.admin.apiKey);
  await platform.directory.refresh();
  const { roles } = platform.config;
  for (const role of Object.keys(QUEUE_OF_ROLE) as WorkerRole[])
    if (roles.includes(role)) await startWorker(role, platform);
  process.send!({ url: roles.includes('ingress-api') ? (await startIngress(platform)).url : '' });
}

void main();
