import { loadConfig } from '@spillway/config';
import { messageOf, SpillwayError } from '@spillway/contracts';
import { createLog } from '@spillway/observability';
import { startMonitor } from './monitor';
import { openPlatform, type Platform } from './platform';

/** A role that runs. */
export interface Running {
  close(): Promise<void>;
}

/** What is not closed then is left: its jobs go to another worker. */
const GRACE_MS = 10_000;

/**
 * A process that plays one role: opens the platform, starts the role, and on SIGTERM or SIGINT drains and ends. What is
 * wrong with its configuration it says in one line.
 */
export async function runProcess(name: string, start: (platform: Platform) => Promise<Running>): Promise<void> {
  try {
    const config = loadConfig();
    const log = createLog(config.log, { role: name });
    const platform = await openPlatform(config, log);
    await startMonitor(platform);
    const role = await start(platform);
    log.info(`${name} is ready`);
    closeOnSignal(async () => {
      log.info(`${name} drains`);
      platform.health.drain();
      await role.close();
      await platform.close();
      log.info(`${name} has stopped`);
    }, config.queues.drainTimeoutMs + GRACE_MS);
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exit(1);
  }
}

/** The first signal drains, the second ends at once. */
export function closeOnSignal(close: () => Promise<void>, mostMs: number): void {
  let closing = false;
  const onSignal = () => {
    if (closing) process.exit(130);
    closing = true;
    setTimeout(() => process.exit(1), mostMs).unref();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${describeFailure(error)}\n`);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // The image's entry ends a process that is still starting; from now on it drains.
    process.removeAllListeners(signal);
    process.on(signal, onSignal);
  }
}

/** One line, with what to do about it. */
export function describeFailure(error: unknown): string {
  const code = (error as { code?: string }).code;
  if (code === 'EADDRINUSE') {
    const { port } = error as { port?: number };
    return `port ${port} is taken: stop what listens there, or set INGRESS_PORT, ADMIN_PORT or HEALTH_PORT`;
  }
  const remedy = error instanceof SpillwayError && error.remedy ? ` ${error.remedy}` : '';
  return `${messageOf(error)}${remedy ? `.${remedy}` : ''}`;
}
