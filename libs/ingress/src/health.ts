import { TransientError } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';

/**
 * Ready while events can be made durable somewhere.
 *
 * @throws TransientError `not-ready` (503) when neither the queues nor PostgreSQL answer
 */
export async function readiness({ queues, database }: Pick<Platform, 'queues' | 'database'>) {
  const [inQueues, inRecords] = await Promise.all([
    isUp(() => queues.backend.ping()),
    isUp(() => database.pool.query('select 1')),
  ]);
  if (!inQueues && !inRecords) {
    throw new TransientError('neither the queues nor PostgreSQL answer', {
      code: 'not-ready',
      status: 503,
      retryAfterMs: 2_000,
    });
  }
  return { status: inQueues && inRecords ? 'ok' : 'degraded', queues: inQueues, records: inRecords };
}

async function isUp(check: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), 2_000);
  });
  try {
    return await Promise.race([check().then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
