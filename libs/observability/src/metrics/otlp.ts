import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import type { Resource } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { Config } from '@spillway/config';
import { metricProducer } from './otel-metrics';

/** Sends our metrics over OTLP, again and again. @returns how to stop, after a last time */
export function sendMetrics(config: Config['telemetry'], resource: Resource): () => Promise<void> {
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: config.metricsUrl, headers: config.headers }),
    exportIntervalMillis: config.metricsEveryMs,
    exportTimeoutMillis: Math.min(config.metricsEveryMs, 30_000),
    metricProducers: [metricProducer(resource)],
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  return () => provider.shutdown();
}
