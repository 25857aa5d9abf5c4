import { QUEUE_NAMES, type QueueName, sha256, type SpillwayEvent, type TenantShare } from '@spillway/contracts';
import type { Queues } from '../queues';
import type { LanePlace, LanePolicy, LaneStore } from './lane-store';
import { LanePump } from './pump';

/** What is known of a job when it is looked for where it stands. */
interface Laned {
  meta?: { tenant: string };
  event?: SpillwayEvent;
  start?: { event: SpillwayEvent };
}

/** Longer ordering keys are kept as their digest. */
const LONGEST_KEY = 200;

/** Its jobs carry facts of many tenants, and are what all others wait for. */
const WITHOUT: readonly QueueName[] = ['analytics-events'];

/** The lanes of all queues, and what tenants may have of them. */
export class Lanes {
  private readonly stores = new Map<string, LaneStore>();
  private share: (tenant: string) => TenantShare | undefined = () => undefined;

  constructor(
    private readonly queues: Pick<Queues, 'backend' | 'queue' | 'partitions'>,
    private readonly on: boolean,
  ) {}

  /** Who knows what a tenant may have: asked for every job, so it must not take long. */
  use(share: (tenant: string) => TenantShare | undefined): void {
    this.share = share;
  }

  /** Whether jobs of the queue stand in lanes. */
  has(queue: QueueName): boolean {
    return this.on && !WITHOUT.includes(queue);
  }

  of(queue: QueueName, partition: number): LaneStore {
    const name = `${partition}/${queue}`;
    const known = this.stores.get(name);
    if (known) return known;
    const store = this.queues.backend.lanes(this.queues.queue(queue, partition));
    this.stores.set(name, store);
    return store;
  }

  /** Where a tenant's lane of a queue is. */
  ofTenant(queue: QueueName, tenant: string): LaneStore {
    return this.of(queue, this.queues.partitions.of(tenant));
  }

  /** A queue's lanes in every partition. */
  all(queue: QueueName): LaneStore[] {
    return this.queues.partitions.all.map((partition) => this.of(queue, partition));
  }

  /** Where a job stands; undefined when the queue has no lanes, or the job no tenant. */
  placeOf(queue: QueueName, data: object): LanePlace | undefined {
    const { meta, event, start } = data as Laned;
    if (!meta || !this.has(queue)) return undefined;
    const share = this.share(meta.tenant);
    const key = orderingKeyOf(event ?? start?.event);
    return {
      lane: meta.tenant,
      ...(key !== undefined && { key }),
      ...(share && share.weight !== 1 && { weight: share.weight }),
      ...(share?.concurrency[queue] !== undefined && { cap: share.concurrency[queue] }),
    };
  }

  /** Jobs of a tenant at once in a queue. */
  capOf(queue: QueueName, tenant: string): number | undefined {
    return this.share(tenant)?.concurrency[queue];
  }

  /** Jobs of a tenant that wait to be let in, over all queues; each counted up to `most`. */
  async waiting(tenant: string, most: number): Promise<number> {
    const laned = QUEUE_NAMES.filter((queue) => this.has(queue));
    const counts = await Promise.all(laned.map((queue) => this.ofTenant(queue, tenant).waiting(tenant, most)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** What happens to an ordering key whose first job is given up. */
  onExhausted(tenant: string): TenantShare['ordering']['onExhausted'] {
    return this.share(tenant)?.ordering.onExhausted ?? 'continue';
  }

  /** The policies of these tenants in a queue, where they are not the default. */
  policies(queue: QueueName, tenants: Iterable<{ name: string; share: TenantShare }>): Map<string, LanePolicy> {
    const found = new Map<string, LanePolicy>();
    for (const { name, share } of tenants) {
      const cap = share.concurrency[queue];
      if (share.weight !== 1 || cap !== undefined)
        found.set(name, { weight: share.weight, ...(cap !== undefined && { cap }) });
    }
    return found;
  }

  /** For a worker of the queue; undefined when the queue has no lanes. */
  pump(queue: QueueName, partition: number, concurrency: number): LanePump | undefined {
    if (!this.has(queue)) return undefined;
    const isCapped = (lane: string) => this.capOf(queue, lane) !== undefined;
    return new LanePump(this.of(queue, partition), concurrency, this.queues.backend.kind, isCapped);
  }
}

/** An ordering key is its source's: two providers may number their objects alike. */
export function orderingKeyOf(event: Pick<SpillwayEvent, 'orderingkey' | 'source'> | undefined): string | undefined {
  if (event?.orderingkey === undefined) return undefined;
  const source = event.source.slice(event.source.lastIndexOf('/') + 1);
  const key = event.orderingkey;
  // What the stores cannot take as text, or would make long keys of, is told apart by its digest.
  const odd = key.length > LONGEST_KEY || /[\u0000-\u001f]/.test(key) || !key.isWellFormed();
  return `${source}/${odd ? `#${sha256(key).slice(0, 32)}` : key}`;
}
