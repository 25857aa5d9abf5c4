import { Monitor } from '@spillway/observability';
import { InstallationGauges } from './installation-gauges';
import type { Platform } from './platform';

/**
 * Opens health and metrics of this process, and takes its turn at telling the installation's. Closed with the platform.
 *
 * @throws an error of Node's when HEALTH_PORT is taken
 */
export async function startMonitor(platform: Platform): Promise<Monitor> {
  const { health, log, config, telemetry } = platform;
  const monitor = await Monitor.start({
    ...config.health,
    health,
    log,
    metricsText: () => telemetry.metricsText(),
  });
  const gauges = new InstallationGauges(platform).start();
  platform.monitor = {
    port: monitor.port,
    close: async () => {
      await gauges.close();
      await monitor.close();
    },
  };
  return monitor;
}
