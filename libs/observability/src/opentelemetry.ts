/** All of this library that needs OpenTelemetry's SDK; loaded by `telemetry.ts` and by nobody else. */
export { resourceFromAttributes } from '@opentelemetry/resources';
export { prometheusText } from './metrics/otel-metrics';
export { sendMetrics } from './metrics/otlp';
export { TracingSdk } from './tracing/sdk';
