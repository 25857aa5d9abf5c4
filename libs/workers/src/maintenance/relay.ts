import { isIdOfContent } from '@spillway/contracts';
import type { OutboxEntry } from '@spillway/persistence';
import type { NewFact } from '@spillway/queues';
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
    const ids = await platform.queues.addMany(
      'ingress-events',
      entries.map((entry) => ({ data: entry.job, options: optionsOf(entry, platform) })),
    );
    entries.forEach(({ job }, index) => {
      if (ids[index] !== job.event.id) duplicates.push(duplicateFact(job, ids[index]!));
    });
    return ids;
  });
  if (duplicates.length > 0) await platform.facts.record(duplicates);
  return count === BATCH;
}

function optionsOf({ job, dedupeId }: OutboxEntry, { directory }: Pick<Platform, 'directory'>) {
  const source = directory.source(job.event.tenant, sourceOf(job.event.source));
  return {
    id: job.event.id,
    priority: job.meta.priority,
    deduplication: { id: dedupeId, ttl: source?.spec.dedupeWindow ?? DEFAULT_WINDOW_MS },
  };
}

function duplicateFact({ event, body }: OutboxEntry['job'], first: string): NewFact {
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
