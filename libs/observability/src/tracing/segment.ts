import type { RecordedSpan } from './recorded-span';

/** Spans that a segment remembers; a run of a thousand steps needs no more to be understood. */
const MOST_SPANS = 256;

/** Who keeps what segments give it. */
export interface Keeper {
  export(spans: RecordedSpan[]): void;
  /** A segment that is not kept: it may be asked for when a later one of its trace is. */
  dropped(traceId: string, spans: RecordedSpan[]): void;
  /** A segment is kept: others of its trace are, too. */
  kept(traceId: string): void;
  wasKept(traceId: string): boolean;
}

/**
 * What one process does of a trace in one go: the span that came from outside (a request, a job) and all below it. Its
 * spans are gathered until that one ends; only then is it known whether they are worth keeping.
 */
export class Segment {
  sampled: boolean;
  private spans: RecordedSpan[] = [];
  private root?: RecordedSpan;
  private closed = false;

  constructor(
    readonly traceId: string,
    sampled: boolean,
    readonly tracestate: string | undefined,
    private readonly keeper: Keeper,
    /** Milliseconds after which it is kept for having been slow. */
    private readonly slowMs: number,
  ) {
    this.sampled = sampled || keeper.wasKept(traceId);
  }

  begin(root: RecordedSpan): RecordedSpan {
    this.root = root;
    return root;
  }

  /** Something went wrong: whatever follows from here, in other processes too, is told that it is sampled. */
  keep(): void {
    if (this.sampled) return;
    this.sampled = true;
    this.keeper.kept(this.traceId);
    if (this.closed) this.flush();
  }

  ended(span: RecordedSpan): void {
    if (this.spans.length < MOST_SPANS || span === this.root) this.spans.push(span);
    if (span === this.root) this.close(span);
    // What goes on after its root has ended follows the root's fate.
    else if (this.closed && this.sampled) this.flush();
  }

  private close(root: RecordedSpan): void {
    this.closed = true;
    if (root.endedAt! - root.startedAt >= this.slowMs) this.keep();
    if (this.keeper.wasKept(this.traceId)) this.sampled = true;
    if (this.sampled) return this.flush();
    const { spans } = this;
    this.spans = [];
    this.keeper.dropped(this.traceId, spans);
  }

  private flush(): void {
    const { spans } = this;
    this.spans = [];
    if (spans.length > 0) this.keeper.export(spans);
  }
}
