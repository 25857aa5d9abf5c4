import { type Fact, newId } from '@spillway/contracts';
import { activeSpan, currentTracing } from '@spillway/observability';
import { batched } from '@spillway/persistence';
import { HeldPlans } from './held-plans';
import { Turns } from './partitions';
import type { Queues } from './queues';

type Distribute<T> = T extends Fact ? Omit<T, 'id' | 'at'> & { at?: number } : never;
/** A fact before it has an id. */
export type NewFact = Distribute<Fact>;

/** Facts in one analytics job. */
const MOST_FACTS = 250;
/** Bytes of event payloads in one analytics job, about. */
const MOST_BYTES = 1_000_000;

/** Traces that one batch is linked to. */
const MOST_TRACES = 64;

/** What one caller told, and in which trace. */
interface Told {
  facts: NewFact[];
  /** W3C. */
  trace?: string;
}

/**
 * Where roles tell what happened. A caller's facts are durable in `analytics-events` when its promise resolves, but for plans
 * of jobs, which are held back for a moment; what many callers tell at the same time travels in one job.
 */
export class FactSink {
  /** @throws TransientError `queues-unavailable` */
  readonly record: (facts: NewFact[]) => Promise<void>;

  private readonly turns: Turns;
  private readonly held: HeldPlans;

  constructor(private readonly queues: Queues) {
    this.turns = new Turns(queues.partitions);
    const publish = batched((groups: Told[]) => this.publish(groups), {
      most: MOST_FACTS,
      parallel: 2,
      // A batch that failed may have been taken all the same: told again one by one, its facts would count twice.
      apart: () => false,
    });
    this.held = new HeldPlans((plans) => publish({ facts: plans }));
    // It happened now, not when the batch goes; and of this trace, not of the batch's first.
    this.record = async (facts) => {
      const now = Date.now();
      const told = this.held.pass(facts.map((fact) => ({ ...fact, at: fact.at ?? now })));
      if (told.length === 0) return;
      const span = activeSpan();
      await publish({ facts: told, trace: span?.segment.sampled ? span.traceparent : undefined });
    };
  }

  /** Tells what was held back. @throws TransientError `queues-unavailable` */
  close(): Promise<void> {
    return this.held.close();
  }

  private async publish(groups: Told[]): Promise<void[]> {
    const now = Date.now();
    const told = groups.map(({ facts }) => facts.map((fact) => ({ ...fact, id: newId(now), at: fact.at ?? now })));
    const traces = tracesOf(groups);
    const add = () => Promise.all(chunk(told).map((facts) => this.add(facts, traces)));
    await (currentTracing()?.outside(add) ?? add());
    return groups.map(() => undefined);
  }

  /**
   * A batch goes whole into one partition, whoever's its facts are: they take turns, so that many small batches do not
   * come of many partitions, and one that is away does not hold up the others' work.
   */
  private async add(facts: Fact[], traces: string[]): Promise<void> {
    const id = newId(Date.now());
    let failure: unknown;
    for (const partition of this.turns.order(Date.now())) {
      try {
        const data = { facts, ...(traces.length > 0 && { traces }) };
        return void (await this.queues.add('analytics-events', data, { id, partition, began: traces }));
      } catch (error) {
        this.turns.failed(partition, Date.now());
        failure = error;
      }
    }
    throw failure;
  }
}

/** The traces whose facts a batch holds, as far as they are sampled: each once. */
function tracesOf(groups: Told[]): string[] {
  const byTrace = new Map(groups.flatMap(({ trace }) => (trace ? [[trace.slice(0, 35), trace] as const] : [])));
  return [...byTrace.values()].slice(0, MOST_TRACES);
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
