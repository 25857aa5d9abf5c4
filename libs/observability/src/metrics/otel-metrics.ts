import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { Histogram, type HistogramPoint, type Instrument, OVERFLOW, type Series } from './instruments';
import { metrics } from './registry';

const SCOPE = { name: 'spillway' };

/** Our metrics as OpenTelemetry's: one source for Prometheus and for OTLP. Loaded when somebody reads them. */
export function metricProducer(resource: Resource): MetricProducer {
  return {
    async collect(): Promise<CollectionResult> {
      const instruments = await metrics.collect();
      const between = { startTime: hrTime(metrics.startedAt), endTime: hrTime(Date.now()) };
      const found = instruments.map((one) => dataOf(one, between));
      return { resourceMetrics: { resource, scopeMetrics: [{ scope: SCOPE, metrics: found }] }, errors: [] };
    },
  };
}

/** Prometheus has the unit in the name; the SDK's serializer leaves that to us. */
const SUFFIXES: Record<string, string> = { s: '.seconds', By: '.bytes' };

/** The text that Prometheus reads. */
export async function prometheusText(resource: Resource): Promise<string> {
  const { resourceMetrics } = await metricProducer(resource).collect();
  const scopeMetrics = resourceMetrics.scopeMetrics.map(({ scope, metrics: found }) => ({
    scope,
    metrics: found.map((one): MetricData => ({
      ...one,
      descriptor: { ...one.descriptor, name: prometheusName(one.descriptor) },
    })),
  }));
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  return serializer.serialize({ ...resourceMetrics, scopeMetrics });
}

function prometheusName({ name, unit }: { name: string; unit: string }): string {
  const suffix = SUFFIXES[unit] ?? '';
  return name.endsWith(suffix) ? name : name + suffix;
}

type Between = { startTime: HrTime; endTime: HrTime };

function dataOf(instrument: Instrument, between: Between): MetricData {
  const { name, unit, description } = instrument.definition;
  const base = {
    descriptor: { name, unit, description, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (instrument instanceof Histogram) {
    const dataPoints = instrument.series().map((one) => ({
      ...between,
      attributes: attributesOf(instrument, one),
      value: histogramOf(one.point, instrument.bounds),
    }));
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = (instrument.series() as Series<{ value: number }>[]).map((one) => ({
    ...between,
    attributes: attributesOf(instrument, one),
    value: one.point.value,
  }));
  if (instrument.kind === 'gauge') return { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}

function histogramOf({ count, sum, buckets }: HistogramPoint, boundaries: readonly number[]) {
  return { count, sum, buckets: { boundaries: [...boundaries], counts: [...buckets] } };
}

/** A label without a value is left out. */
function attributesOf({ definition }: Instrument, { labels }: Series<unknown>): Attributes {
  if (labels[0] === OVERFLOW) return { [OVERFLOW]: true };
  const pairs = (definition.labels ?? []).map((name, index) => [name, labels[index] ?? ''] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''));
}

function hrTime(ms: number): HrTime {
  return [Math.trunc(ms / 1_000), Math.trunc((ms % 1_000) * 1e6)];
}
