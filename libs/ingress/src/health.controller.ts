import { Controller, Get, Inject } from '@nestjs/common';
import { TransientError } from '@spillway/contracts';
import type { Platform } from '@spillway/runtime';
import { PLATFORM } from './tokens';

/** For probes: live while the process runs, ready while events can be made durable somewhere. */
@Controller('health')
export class HealthController {
  constructor(@Inject(PLATFORM) private readonly platform: Platform) {}

  @Get('live')
  live() {
    return { status: 'ok' };
  }

  /** @throws TransientError `not-ready` (503) when neither the queues nor PostgreSQL answer */
  @Get('ready')
  async ready() {
    const { queues, database } = this.platform;
    const [inQueues, inRecords] = await Promise.all([
      isUp(() => queues.backend.ping()),
      isUp(() => database.pool.query('select 1')),
    ]);
    if (!inQueues && !inRecords) {
      throw new TransientError('neither the queues nor PostgreSQL answer', { code: 'not-ready', status: 503, retryAfterMs: 2_000 });
    }
    return { status: inQueues && inRecords ? 'ok' : 'degraded', queues: inQueues, records: inRecords };
  }
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
