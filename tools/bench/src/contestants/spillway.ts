import { loadConfig } from '@spillway/config';
import { API_VERSION, resourceSchema } from '@spillway/contracts';
import { startIngress } from '@spillway/ingress';
import { openPlatform } from '@spillway/runtime';
import { QUEUE_OF_ROLE, startWorker, type WorkerRole } from '@spillway/workers';
import { SECRET } from '../flood';
import { startSink } from './sink';

/** All that the ledger has, less what is open: to count those that are done is work that grows with them. */
const DONE = `select coalesce(sum(count), 0)
    - (select count(*) from events where state in ('accepted', 'moving')) as n
  from usage where metric = 'events'`;

/** Spillway: ingress alone, or every role in one process. */
async function main(): Promise<void> {
  const all = process.argv[2] === 'all';
  const platform = await openPlatform(loadConfig());
  const sink = process.env['SINK'] ?? (await startSink());
  const body = { id: '${ .id }', sent: '${ .data.data.sent }' };
  const document = (kind: string, name: string, spec: unknown) =>
    resourceSchema.parse({
      apiVersion: API_VERSION,
      kind,
      metadata: kind === 'Tenant' ? { name } : { name, tenant: 'bench' },
      spec,
    });
  await platform.resources.apply([
    document('Tenant', 'bench', {}),
    document('Source', 'in', {
      provider: 'hmac',
      secrets: [{ value: SECRET }],
      options: { idPath: 'id', typePath: 'type' },
    }),
    document('Flow', 'one', {
      do: [{ task: { call: 'http', with: { method: 'post', endpoint: `${sink}/task`, body } } }],
    }),
    document('Route', 'a', { match: { types: ['hmac.order.*'] }, to: { flow: 'one' } }),
    document('Route', 'b', {
      match: { where: '.data.data.total > 10' },
      to: { notify: { channel: 'log', message: 'order ${ .id }' } },
    }),
  ]);
  await platform.directory.refresh();
  if (all) for (const role of Object.keys(QUEUE_OF_ROLE) as WorkerRole[]) await startWorker(role, platform);
  const { url } = await startIngress(platform);
  process.send!({ url: `${url}/v1/in/bench/in` });
  if (!all) return;
  setInterval(() => {
    void platform.database.pool.query<{ n: string }>(DONE).then(({ rows }) => {
      process.send!({ done: Number(rows[0]!.n) });
    });
  }, 250);
}

process.on('SIGUSR2', () => process.exit(0));

void main();
