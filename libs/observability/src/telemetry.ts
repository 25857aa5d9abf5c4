import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '@spillway/config';
import './metrics/process-metrics';
import { useTracing } from './tracing/tracing';

const FLUSH_MS = 1_000;

/** What a process tells of itself. */
export interface Telemetry {
  /** For Prometheus. */
  metricsText(): Promise<string>;
  /** Sends the spans that have ended. A receiver that does not answer holds it up for a second at most. */
  flush(): Promise<void>;
  /** Sends what is left. */
  close(): Promise<void>;
}

/**
 * Starts what the `OTEL_*` variables ask for: traces and metrics over OTLP. Without an endpoint nothing is loaded, and
 * metrics are made into text when somebody asks.
 *
 * @param roles of this process, as far as they are known
 */
export async function startTelemetry(config: Config['telemetry'], roles: readonly string[]): Promise<Telemetry> {
  const resource = lazyResource(config, roles);
  const closing: (() => Promise<void>)[] = [];
  let flush = () => Promise.resolve();
  if (config.tracesUrl) {
    const { TracingSdk } = load();
    const tracing = new TracingSdk(config, resource());
    useTracing(tracing);
    flush = () => Promise.race([tracing.flush().catch(() => undefined), wait(FLUSH_MS, undefined, { ref: false })]);
    closing.push(async () => {
      useTracing(undefined);
      await tracing.shutdown();
    });
  }
  if (config.metricsUrl) {
    const { sendMetrics } = load();
    closing.push(sendMetrics(config, resource()));
  }
  return {
    async metricsText() {
      const { prometheusText } = load();
      return prometheusText(resource());
    },
    flush: () => flush(),
    async close() {
      // A receiver that is away must not keep the process from ending.
      await Promise.allSettled(closing.splice(0).map((one) => one()));
    },
  };
}

function lazyResource({ serviceName, resource }: Config['telemetry'], roles: readonly string[]) {
  const attributes = {
    'service.name': serviceName,
    'service.namespace': 'spillway',
    'service.instance.id': `${hostname()}:${process.pid}`,
    'spillway.roles': roles.join(','),
    ...resource,
  };
  return () => {
    const { resourceFromAttributes } = load();
    return resourceFromAttributes(attributes);
  };
}

/** OpenTelemetry's SDK: some twenty megabytes of modules that a process loads when it needs them. */
function load(): typeof import('./opentelemetry') {
  // A dynamic import of a relative path is not resolved to a .ts file when the sources are run as they are.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require('./opentelemetry') as typeof import('./opentelemetry');
}
