import { PermanentError } from '@spillway/contracts';
import { z } from 'zod';
import { duration, flag } from './fields';

/** OpenTelemetry's, and one of our own. */
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'ratelimited',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'parentbased_ratelimited',
] as const;

/** What a process tells of itself, and to whom. */
export const telemetryVariables = {
  HEALTH_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe(
      'Port of `/health/live`, `/health/ready` and `/metrics` of this process, never for the outside. Unset: 9464, or another when that is taken.',
    ),
  TRACE_SLOW_AFTER: duration('5s').describe(
    'What takes longer (a request, an attempt of a job) is kept in traces, whether sampled or not.',
  ),
  OTEL_SDK_DISABLED: flag(false).describe('Switches OTLP off.'),
  OTEL_SERVICE_NAME: z.string().default('spillway').describe('`service.name` of what is sent over OTLP.'),
  OTEL_RESOURCE_ATTRIBUTES: z
    .string()
    .default('')
    .describe('More about this process, as `deployment.environment.name=prod,team=voice`.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url()
    .optional()
    .describe('Where traces and metrics are sent (OTLP over HTTP). Unset: nowhere, and nothing of tracing is loaded.'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url().optional().describe('Where traces go, when that is another place.'),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: z.url().optional().describe('Where metrics go, when that is another place.'),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .default('')
    .describe('Headers of those requests, as `authorization=Basic%20…,x-scope=spillway`.'),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .literal('http/protobuf', 'must be http/protobuf, the only one there is here')
    .default('http/protobuf')
    .describe('How they are sent.'),
  OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none']).default('otlp').describe('`none`: no traces.'),
  OTEL_METRICS_EXPORTER: z
    .enum(['otlp', 'prometheus', 'none'])
    .default('otlp')
    .describe('Whether metrics are sent over OTLP; `/metrics` is there always.'),
  OTEL_TRACES_SAMPLER: z
    .enum(SAMPLERS)
    .default('parentbased_ratelimited')
    .describe(
      'Which traces are sampled from their start: the standard words, or `ratelimited`. Errors and slow ones are kept always.',
    ),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .optional()
    .describe('The ratio (1), or the traces a second in a process for `ratelimited` (10).'),
  OTEL_BSP_SCHEDULE_DELAY: z.coerce
    .number()
    .int()
    .min(1)
    .default(5_000)
    .describe('Milliseconds between two batches of spans.'),
  OTEL_METRIC_EXPORT_INTERVAL: z.coerce
    .number()
    .int()
    .min(100)
    .default(60_000)
    .describe('Milliseconds between two sendings of metrics.'),
};

type Variables = z.infer<z.ZodObject<typeof telemetryVariables>>;

/** What is sent to whom, by the standard variables of OpenTelemetry. */
export function telemetryOf(variables: Variables) {
  const base = variables.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/+$/, '');
  const on = !variables.OTEL_SDK_DISABLED;
  const traces = variables.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base}/v1/traces`);
  const metrics = variables.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? (base && `${base}/v1/metrics`);
  return {
    /** Undefined: there are no traces. */
    tracesUrl: on && variables.OTEL_TRACES_EXPORTER === 'otlp' ? traces : undefined,
    metricsUrl: on && variables.OTEL_METRICS_EXPORTER === 'otlp' ? metrics : undefined,
    headers: pairsOf('OTEL_EXPORTER_OTLP_HEADERS', variables.OTEL_EXPORTER_OTLP_HEADERS),
    serviceName: variables.OTEL_SERVICE_NAME,
    resource: pairsOf('OTEL_RESOURCE_ATTRIBUTES', variables.OTEL_RESOURCE_ATTRIBUTES),
    sampler: { name: variables.OTEL_TRACES_SAMPLER, argument: variables.OTEL_TRACES_SAMPLER_ARG },
    slowMs: variables.TRACE_SLOW_AFTER,
    exportDelayMs: variables.OTEL_BSP_SCHEDULE_DELAY,
    metricsEveryMs: variables.OTEL_METRIC_EXPORT_INTERVAL,
  };
}

/** The variables that give another process the same traces. Its metrics would only be taken for this one's. */
export function traceVariables(telemetry: ReturnType<typeof telemetryOf>): Record<string, string> {
  const { tracesUrl, headers, serviceName, resource, sampler, slowMs, exportDelayMs } = telemetry;
  if (!tracesUrl) return { OTEL_SDK_DISABLED: 'true' };
  return {
    OTEL_SDK_DISABLED: 'false',
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: tracesUrl,
    OTEL_EXPORTER_OTLP_HEADERS: textOf(headers),
    OTEL_SERVICE_NAME: serviceName,
    OTEL_RESOURCE_ATTRIBUTES: textOf(resource),
    OTEL_TRACES_SAMPLER: sampler.name,
    OTEL_TRACES_SAMPLER_ARG: sampler.argument === undefined ? '' : String(sampler.argument),
    TRACE_SLOW_AFTER: `${slowMs}ms`,
    OTEL_BSP_SCHEDULE_DELAY: String(exportDelayMs),
  };
}

function textOf(pairs: Record<string, string>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join(',');
}

/** `a=b,c=d`, with percent-encoded values, as W3C Baggage has it. */
function pairsOf(variable: string, text: string): Record<string, string> {
  const pairs = text.split(',').filter((one) => one.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      const name = pair.slice(0, at).trim();
      if (at < 1 || name === '') throw malformed(variable);
      try {
        return [name, decodeURIComponent(pair.slice(at + 1).trim())];
      } catch {
        throw malformed(variable);
      }
    }),
  );
}

function malformed(variable: string): PermanentError {
  return new PermanentError(`configuration: ${variable} is not a list of pairs`, {
    code: 'config-invalid',
    remedy: 'Give something like name=value,other=value, with special characters percent-encoded.',
  });
}
