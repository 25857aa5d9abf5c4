import { Counter, Gauge, Histogram, type Instrument, type MetricDefinition } from './instruments';

/** All metrics of this process; roles that share it share them. */
class MetricRegistry {
  /** Unix milliseconds. */
  readonly startedAt = Date.now();
  private readonly instruments = new Map<string, Instrument>();
  private readonly readers = new Set<() => void | Promise<void>>();

  counter(definition: MetricDefinition): Counter {
    return this.add(new Counter(definition));
  }

  gauge(definition: MetricDefinition): Gauge {
    return this.add(new Gauge(definition));
  }

  /** @param bounds of its buckets, ascending; seconds by default */
  histogram(definition: MetricDefinition, bounds?: readonly number[]): Histogram {
    return this.add(new Histogram(definition, bounds));
  }

  /** Runs `read` before the metrics are collected, to set gauges. @returns how to stop that */
  beforeCollect(read: () => void | Promise<void>): () => void {
    this.readers.add(read);
    return () => this.readers.delete(read);
  }

  /** What there is now. A reader that fails leaves its gauges as they are. */
  async collect(): Promise<Instrument[]> {
    await Promise.allSettled([...this.readers].map(async (read) => read()));
    return [...this.instruments.values()].filter((one) => one.series().length > 0);
  }

  /** Every metric there may be. */
  definitions(): MetricDefinition[] {
    return [...this.instruments.values()].map(({ definition }) => definition);
  }

  private add<T extends Instrument>(instrument: T): T {
    const { name } = instrument.definition;
    if (this.instruments.has(name)) throw new Error(`the metric ${name} is there already`);
    this.instruments.set(name, instrument);
    return instrument;
  }
}

export const metrics = new MetricRegistry();
