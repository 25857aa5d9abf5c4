import { type FlowJob, newId } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import { handlerOf } from '@spillway/workers';

const QUEUE = 'orchestration-flows';
/** One run in so many waits for an event, the others for the clock. */
export const ONE_LISTENS = 10;
/** Being begun at any time: what a worker would have at once, many times over. */
const AT_ONCE = 500;

/**
 * Runs of a tenant's flows `timer` and `listener` are begun by the handler of `orchestration-flows` itself, in this process: the
 * driver's commit, and what it publishes, without the edge and the queue before it.
 *
 * @param dataOf the data of the event that begins a run, by its index
 */
export async function insertRuns(
  platform: Platform,
  { tenant, count, dataOf }: { tenant: string; count: number; dataOf: (index: number) => object },
): Promise<void> {
  const { handler, close } = handlerOf(QUEUE, platform);
  for (const name of ['timer', 'listener']) {
    const flow = platform.directory.tenant(tenant)!.flows.get(name)!;
    await platform.runs.keepVersion({ tenant, flow: name, ...flow });
  }
  const around = {
    queue: QUEUE,
    attempt: 1,
    interrupted: false,
    isFirst: true,
    deaths: 0,
    isOnTheSpot: false,
  } as const;
  const { signal } = new AbortController();
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) {
      const data = jobOf(platform, tenant, index % ONE_LISTENS === 0 ? 'listener' : 'timer', dataOf(index));
      await handler.handle({ id: data.run.id, data, ...around, signal, log: platform.log });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await close();
}

function jobOf(platform: Platform, tenant: string, name: string, data: object): FlowJob {
  const { hash, version } = platform.directory.tenant(tenant)!.flows.get(name)!;
  const eventId = newId();
  const event = {
    specversion: '1.0',
    id: eventId,
    source: `/tenants/${tenant}/sources/api`,
    type: `flow.${name}.requested`,
    time: new Date().toISOString(),
    tenant,
    data,
  };
  const meta = { tenant, priority: 'normal', createdBy: 'bench', createdAt: Date.now(), correlationId: eventId };
  const route = `flow-${name}-start`;
  const run = { id: `${eventId}.${route}.0`, flow: name };
  return { run, route, eventId, meta, start: { hash, version, event } } as unknown as FlowJob;
}
