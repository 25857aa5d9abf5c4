import { flushCompileCache } from 'node:module';
import { type Role, ROLES } from '@spillway/contracts';
import type { IngressServer } from '@spillway/ingress';
import type { OperationsServer } from '@spillway/operations';
import type { Platform, Running } from '@spillway/runtime';
import { Command, Option } from 'commander';
import { startDemo } from '../demo/demo';
import { firstScreen } from '../first-screen';

const CLOSE_GRACE_MS = 15_000;
/** By then what a process needs is loaded. */
const CACHE_AFTER_MS = 5_000;

export const startCommand = new Command('start')
  .description('Runs the platform: every role in this process, or those that are named')
  .addOption(new Option('--roles <roles>', `separated by commas: ${ROLES.join(', ')}`))
  .addOption(new Option('--partitions <list>', 'partitions whose jobs this process takes, as 0-3,6; default: all'))
  .action(async (options: { roles?: string; partitions?: string }) => {
    const { loadConfig } = await import('@spillway/config');
    const { createLog } = await import('@spillway/observability');
    const { closeOnSignal, openPlatform } = await import('@spillway/runtime');
    const pretty = process.stdout.isTTY ? 'true' : undefined;
    const roles = options.roles ?? process.env['SPILLWAY_ROLES'];
    const partitions = options.partitions ?? process.env['WORKER_PARTITIONS'];
    const told = { SPILLWAY_ROLES: roles, WORKER_PARTITIONS: partitions };
    const config = loadConfig({ LOG_PRETTY: pretty, ...process.env, ...told });
    const began = performance.now();
    const log = createLog(config.log);
    const platform = await openPlatform(config, log);
    const started = await startRoles(platform, config.roles);
    for (const warning of await platform.queues.backend.warnings().catch(() => [])) log.warn(warning);
    if (config.demo && started.operations) started.running.push(await startDemo(platform));
    process.stdout.write(firstScreen(platform, started, performance.now() - began));
    closeOnSignal(() => stop(platform, started), config.queues.drainTimeoutMs + CLOSE_GRACE_MS);
    // Otherwise what was compiled is kept only by a process that ends in peace (see bin/spillway.js).
    setTimeout(flushCompileCache, CACHE_AFTER_MS).unref();
  });

export interface Started {
  running: Running[];
  ingressUrl?: string;
  ingress?: IngressServer;
  operations?: OperationsServer;
}

/** Workers first, so that work is done as soon as it is taken. */
export async function startRoles(platform: Platform, roles: readonly Role[]): Promise<Started> {
  const { isWorkerRole, startWorker } = await import('@spillway/workers');
  const { startMonitor } = await import('@spillway/runtime');
  await startMonitor(platform);
  const started: Started = { running: [] };
  for (const role of roles.filter(isWorkerRole)) started.running.push(await startWorker(role, platform));
  if (roles.includes('admin')) {
    const ingressUrl = () =>
      started.ingressUrl ?? platform.config.ingress.publicUrl ?? `http://localhost:${platform.config.ingress.port}`;
    const { startOperations } = await import('@spillway/operations');
    started.operations = await startOperations(platform, { ingressUrl });
    started.running.unshift(started.operations);
  }
  if (roles.includes('ingress-api')) {
    const { startIngress } = await import('@spillway/ingress');
    const ingress = await startIngress(platform);
    started.ingress = ingress;
    started.ingressUrl = ingress.url;
    started.running.unshift(ingress);
  }
  return started;
}

/** The edge first, then the workers together: nothing new comes in while they drain. */
export async function stop(platform: Platform, { ingress, running }: Started): Promise<void> {
  platform.log.info('draining: jobs under way are finished');
  platform.health.drain();
  await ingress?.close();
  await Promise.all(running.filter((role) => role !== ingress).map((role) => role.close()));
  await platform.close();
  platform.log.info('stopped');
}
