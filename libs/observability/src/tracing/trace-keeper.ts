import type { RecordedSpan } from './recorded-span';
import type { Keeper } from './segment';

/** Traces remembered as kept. */
const MOST_KEPT = 2_000;
/** Spans of traces that were not kept, in case they will be: some megabytes. */
const MOST_DROPPED = 5_000;

/**
 * Tail sampling as far as one process can do it: when something of a trace fails or is slow, what this process did for the
 * trace a moment ago is kept with it, and what it does next. Other processes keep what they do from then on, since the
 * failed job tells them; what they had dropped before is gone.
 */
export class TraceKeeper implements Keeper {
  /** Oldest first. */
  private readonly keptTraces = new Set<string>();
  private readonly droppedSpans = new Map<string, RecordedSpan[]>();
  private droppedCount = 0;

  constructor(private readonly send: (spans: RecordedSpan[]) => void) {}

  export(spans: RecordedSpan[]): void {
    this.send(spans);
  }

  wasKept(traceId: string): boolean {
    return this.keptTraces.has(traceId);
  }

  kept(traceId: string): void {
    this.keptTraces.add(traceId);
    if (this.keptTraces.size > MOST_KEPT) this.keptTraces.delete(this.keptTraces.values().next().value!);
    const earlier = this.droppedSpans.get(traceId);
    if (!earlier) return;
    this.forget(traceId, earlier);
    this.export(earlier);
  }

  dropped(traceId: string, spans: RecordedSpan[]): void {
    const known = this.droppedSpans.get(traceId);
    if (known) known.push(...spans);
    else this.droppedSpans.set(traceId, spans);
    this.droppedCount += spans.length;
    while (this.droppedCount > MOST_DROPPED) {
      const [oldest] = this.droppedSpans as unknown as Iterable<[string, RecordedSpan[]]>;
      this.forget(...oldest!);
    }
  }

  private forget(traceId: string, spans: RecordedSpan[]): void {
    this.droppedSpans.delete(traceId);
    this.droppedCount -= spans.length;
  }
}
