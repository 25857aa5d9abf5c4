import { isIdOfContent } from '@spillway/contracts';
import type { OutboxEntry } from '@spillway/persistence';
import { type NewFact, orderingKeyOf } from '@spillway/queues';
import type { Platform } from '@spillway/runtime';

const BATCH = 200;
const DEFAULT_WINDOW_MS = 86_400_000;

/**
 * Brings events from the outbox into the queue, now that it is back.
 *
 * @returns whether there may be more
 */
export async function relayOutbox(
  platform: Pick<Platform, 'outbox' | 'queues' | 'facts' | 'directory'>,
): Promise<boolean> {
  const duplicates: NewFact[] = [];
  const count = await platform.outbox.relay(BATCH, async (entries) => {
    const ids = await addAll(entries, platform);
    entries.forEach(({ job }, index) => {
      const id = ids[index];
      if (id && id !== job.event.id) duplicates.push(duplicateFact(job, id));
    });
    return ids;
  });
  if (duplicates.length > 0) await platform.facts.record(duplicates);
  return count === BATCH;
}

/**
 * One partition that is away does not hold up the others. Events of one ordering key go one after the other: what is added
 * at the same time may travel in two batches.
 *
 * @throws when none took any
 */
async function addAll(entries: OutboxEntry[], platform: Pick<Platform, 'queues' | 'directory'>) {
  const before = new Map<string, Promise<unknown>>();
  const results = await Promise.allSettled(
    entries.map((entry) => {
      const add = () => platform.queues.add('ingress-events', entry.job, optionsOf(entry, platform));
      const { event } = entry.job;
      const key = orderingKeyOf(event);
      if (key === undefined) return add();
      const line = `${event.tenant}/${key}`;
      const added = before.has(line) ? before.get(line)!.then(add) : add();
      before.set(line, added);
      return added;
    }),
  );
  const failed = results.find((one) => one.status === 'rejected');
  if (failed && results.every((one) => one.status === 'rejected')) throw failed.reason;
  return results.map((one) => (one.status === 'fulfilled' ? one.value : undefined));
}

/** As the edge adds it. */
export function optionsOf(
  { job, dedupeId }: Pick<OutboxEntry, 'job' | 'dedupeId'>,
  { directory }: Pick<Platform, 'directory'>,
) {
  const source = directory.source(job.event.tenant, sourceOf(job.event.source));
  return {
    id: job.event.id,
    priority: job.meta.priority,
    deduplication: { id: dedupeId, ttl: source?.spec.dedupeWindow ?? DEFAULT_WINDOW_MS },
  };
}

/** Another event stands for it. */
export function duplicateFact({ event, body }: OutboxEntry['job'], first: string): NewFact {
  return {
    kind: 'event.duplicate',
    tenant: event.tenant,
    eventId: first,
    source: sourceOf(event.source),
    ...(!isIdOfContent(first, body.sha256) && { collision: { sha256: body.sha256 } }),
  };
}

function sourceOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
