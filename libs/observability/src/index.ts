export { createLog, type Log } from './logging/log';
export { NestLog } from './logging/nest-logger';
export { Health, type HealthCheck, type Readiness, type RoleHealth } from './health/health';
export { Monitor, type MonitorOptions } from './health/monitor';
export * as measure from './metrics/catalogue';
export { metrics } from './metrics/registry';
export type { MetricDefinition } from './metrics/instruments';
export { startTelemetry, type Telemetry } from './telemetry';
export { parseTraceparent, tracestateOf } from './tracing/trace-context';
export type { RecordedSpan } from './tracing/recorded-span';
export {
  activeSpan,
  activeTraceparent,
  currentTracing,
  errorTypeOf,
  type SpanLink,
  type SpanOptions,
  traced,
  type Tracing,
} from './tracing/tracing';
