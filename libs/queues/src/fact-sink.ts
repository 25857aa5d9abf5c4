import { type Fact, newId } from '@spillway/contracts';
import { batched } from '@spillway/persistence';
import type { Queues } from './queues';

type Distribute<T> = T extends Fact ? Omit<T, 'id' | 'at'> & { at?: number } : never;
/** A fact before it has an id. */
export type NewFact = Distribute<Fact>;

/** Facts in one analytics job. */
const MOST_FACTS = 250;
/** Bytes of event payloads in one analytics job, about. */
const MOST_BYTES = 1_000_000;

/**
 * Where roles tell what happened. A caller's facts are durable in `analytics-events` when its promise resolves; what many
 * callers tell at the same time travels in one job.
 */
export class FactSink {
  /** @throws TransientError `queues-unavailable` */
  readonly record: (facts: NewFact[]) => Promise<void>;

  constructor(private readonly queues: Queues) {
    const publish = batched((groups: NewFact[][]) => this.publish(groups), { most: MOST_FACTS, parallel: 2 });
    // It happened now, not when the batch goes.
    this.record = (facts) => {
      const now = Date.now();
      return publish(facts.map((fact) => ({ ...fact, at: fact.at ?? now })));
    };
  }

  private async publish(groups: NewFact[][]): Promise<void[]> {
    const now = Date.now();
    const told = groups.map((group) => group.map((fact) => ({ ...fact, id: newId(now), at: fact.at ?? now })));
    await this.queues.addMany(
      'analytics-events',
      chunk(told).map((part) => ({ data: { facts: part }, options: { id: newId(now) } })),
    );
    return groups.map(() => undefined);
  }
}

/** Facts told together stay together: the ledger relies on an event being accepted before, or with, its routes. */
function chunk(groups: Fact[][]): Fact[][] {
  const chunks: Fact[][] = [];
  let current: Fact[] = [];
  let bytes = 0;
  for (const group of groups) {
    const size = group.reduce((sum, fact) => sum + (fact.kind === 'event.accepted' ? fact.body.bytes : 0), 0);
    if (current.length > 0 && (current.length + group.length > MOST_FACTS || bytes + size > MOST_BYTES)) {
      chunks.push(current);
      current = [];
      bytes = 0;
    }
    current.push(...group);
    bytes += size;
  }
  if (current.length > 0) chunks.push(current);
  return chunks;
}
