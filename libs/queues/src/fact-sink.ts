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
    this.record = batched((groups: NewFact[][]) => this.publish(groups), MOST_FACTS);
  }

  private async publish(groups: NewFact[][]): Promise<void[]> {
    const now = Date.now();
    const facts = groups.flat().map((fact) => ({ ...fact, id: newId(now), at: fact.at ?? now }));
    await this.queues.addMany(
      'analytics-events',
      chunk(facts).map((part) => ({ data: { facts: part }, options: { id: newId(now) } })),
    );
    return groups.map(() => undefined);
  }
}

function chunk(facts: Fact[]): Fact[][] {
  const chunks: Fact[][] = [];
  let current: Fact[] = [];
  let bytes = 0;
  for (const fact of facts) {
    const size = fact.kind === 'event.accepted' ? fact.body.bytes : 0;
    if (current.length >= MOST_FACTS || (current.length > 0 && bytes + size > MOST_BYTES)) {
      chunks.push(current);
      current = [];
      bytes = 0;
    }
    current.push(fact);
    bytes += size;
  }
  if (current.length > 0) chunks.push(current);
  return chunks;
}
