/** What is counted or measured, by the names of OpenTelemetry's semantic conventions or, under `spillway.`, our own. */
export interface MetricDefinition {
  name: string;
  /** UCUM: `s`, `By`, `1`, `{job}`. */
  unit: string;
  description: string;
  /** Names of its labels. Their values come from our own catalogues, never from users' data. */
  labels?: readonly string[];
}

export interface Series<Point> {
  labels: readonly string[];
  point: Point;
}

export interface HistogramPoint {
  count: number;
  sum: number;
  /** By bucket; the last one is for what is above all bounds. */
  buckets: number[];
}

export type InstrumentKind = 'counter' | 'gauge' | 'histogram';

/** Series of one instrument; more fall into one, as OpenTelemetry's SDKs do it. */
const MOST_SERIES = 2_000;
/** The label of that one. */
export const OVERFLOW = 'otel.metric.overflow';

/**
 * One metric in this process. OpenTelemetry's own instruments cost some microseconds each time, dozens of times for an
 * event: too much for the hot path. These are a look-up and an addition, and are handed to OpenTelemetry when they are read.
 */
export abstract class Instrument<Point = unknown> {
  abstract readonly kind: InstrumentKind;
  private readonly bySeries = new Map<string, Series<Point>>();
  /** Asked for last: most often that is the next one, too, and comparing is quicker than making its key. */
  private latest?: Series<Point>;

  constructor(readonly definition: MetricDefinition) {}

  series(): Series<Point>[] {
    return [...this.bySeries.values()];
  }

  /** Forgets every series: who told them does not know any more. */
  clear(): void {
    this.bySeries.clear();
    this.latest = undefined;
  }

  protected abstract zero(): Point;

  protected remove(key: string): Series<Point> | undefined {
    const known = this.bySeries.get(key);
    this.bySeries.delete(key);
    this.latest = undefined;
    return known;
  }

  protected of(labels: readonly string[]): Series<Point> {
    if (this.latest && isSame(this.latest.labels, labels)) return this.latest;
    return (this.latest = this.find(labels));
  }

  private find(labels: readonly string[]): Series<Point> {
    const key = labels.length === 1 ? labels[0]! : labels.join('\u0000');
    const known = this.bySeries.get(key);
    if (known) return known;
    const isFull = this.bySeries.size >= MOST_SERIES && key !== OVERFLOW;
    if (isFull) return this.find([OVERFLOW]);
    const made = { labels, point: this.zero() };
    this.bySeries.set(key, made);
    return made;
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}

export class Counter extends Instrument<{ value: number }> {
  readonly kind = 'counter';

  add(value: number, ...labels: string[]): void {
    this.of(labels).point.value += value;
  }

  /** Ends the series `from`; what it counted counts as `to`'s. Of counters with one label. */
  fold(from: string, to: string): void {
    const ended = this.remove(from);
    if (ended) this.add(ended.point.value, to);
  }

  protected zero() {
    return { value: 0 };
  }
}

export class Gauge extends Instrument<{ value: number }> {
  readonly kind = 'gauge';

  set(value: number, ...labels: string[]): void {
    this.of(labels).point.value = value;
  }

  protected zero() {
    return { value: 0 };
  }
}

/** Seconds, from a fast HTTP call to the slowest job: what OpenTelemetry advises, and two more for waits. */
export const SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300,
];

export class Histogram extends Instrument<HistogramPoint> {
  readonly kind = 'histogram';

  constructor(
    definition: MetricDefinition,
    /** Upper bounds, ascending. */
    readonly bounds: readonly number[] = SECONDS,
  ) {
    super(definition);
  }

  record(value: number, ...labels: string[]): void {
    const { point } = this.of(labels);
    point.count += 1;
    point.sum += value;
    let at = 0;
    while (at < this.bounds.length && value > this.bounds[at]!) at += 1;
    point.buckets[at]! += 1;
  }

  protected zero(): HistogramPoint {
    return { count: 0, sum: 0, buckets: new Array<number>(this.bounds.length + 1).fill(0) };
  }
}
