import { inTime, TransientError } from '@spillway/contracts';
import type { Health, HealthCheck } from '@spillway/observability';
import type { FastifyInstance } from 'fastify';
import type { Platform } from './platform';

/** Whether PostgreSQL answers. @throws Error */
export async function recordsAnswer({ database }: Pick<Platform, 'database'>): Promise<void> {
  try {
    await database.pool.query('select 1');
  } catch {
    throw new Error('PostgreSQL does not answer');
  }
}

/** A role that can take events in as long as one of two places keeps them. */
export function eitherStore({ queues, database }: Pick<Platform, 'queues' | 'database'>): HealthCheck {
  return async () => {
    const [inQueues, inRecords] = await Promise.all([
      isUp(() => queues.backend.ping()),
      isUp(() => recordsAnswer({ database })),
    ]);
    if (!inQueues && !inRecords) throw new Error('neither the queues nor PostgreSQL answer');
    return { queues: inQueues, records: inRecords, ...((!inQueues || !inRecords) && { degraded: true }) };
  };
}

/** `/health/live` and `/health/ready` of a role that has a server of its own. */
export function registerHealth(server: FastifyInstance, health: Health, role: string): void {
  server.get('/health/live', () => ({ status: 'ok' }));
  server.get('/health/ready', async () => {
    const { ready, reason = '', ...details } = await health.roleReadiness(role);
    if (ready) return { status: details['degraded'] ? 'degraded' : 'ok', ...details };
    throw new TransientError(reason, { code: 'not-ready', status: 503, retryAfterMs: 2_000 });
  });
}

const CHECK_MS = 2_000;

/** What is away may hang, which must not make what is there late. */
async function isUp(check: () => Promise<unknown>): Promise<boolean> {
  try {
    await inTime(check(), CHECK_MS);
    return true;
  } catch {
    return false;
  }
}
