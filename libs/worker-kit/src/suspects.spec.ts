import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig } from '@spillway/config';
import { newId, type TaskJob } from '@spillway/contracts';
import { createLog } from '@spillway/observability';
import { openDatabase } from '@spillway/persistence';
import { DeadLetters, FactSink, Queues } from '@spillway/queues';
import { BACKENDS, eventually, TestServers } from '@spillway/testing';
import { assert, integer, property } from 'fast-check';
import { Redis } from 'ioredis';
import type { Handler } from './handler';
import { standingOf } from './suspects';
import { QueueWorker } from './worker';

const TENANT = 't';

describe('a job whose workers died', () => {
  it('is nobody to look at after one death, a suspect after two, and guilty when it was tried and its worker died again', () => {
    expect(standingOf(1, 1)).toBe('free');
    expect(standingOf(2, 1)).toBe('suspect');
    expect(standingOf(3, 1, { deaths: 2, attempt: 1 })).toBe('guilty');
  });

  it('is no more than a suspect as long as it only waited for its turn, however often', () => {
    const number = integer({ min: 1, max: 1_000 });
    assert(
      property(number, number, (deaths, attempt) => {
        expect(standingOf(deaths, attempt)).not.toBe('guilty');
        // It was tried and came to an end: that was another attempt.
        expect(standingOf(deaths, attempt + 1, { deaths: deaths - 1, attempt })).not.toBe('guilty');
        expect(standingOf(deaths, attempt, { deaths, attempt })).not.toBe('guilty');
      }),
    );
  });
});

describe.each(BACKENDS)('suspects in a queue, on %s', (backend) => {
  let servers: TestServers;
  let queues: Queues;
  let worker: QueueWorker<'notifications'>;
  let work: (id: string) => Promise<void> = () => Promise.resolve();
  const isolated: string[] = [];

  beforeAll(async () => {
    servers = await TestServers.start(backend);
    const config = loadConfig(servers.environment());
    const tenantsOf = () => Promise.resolve(new Map<string, string>());
    queues = await Queues.connect(config.queues, servers.postgres.url, tenantsOf);
    await queues.backend.ready();
    const handler: Handler<'notifications'> = {
      queue: 'notifications',
      tellsAttempts: false,
      handle: async ({ id }) => {
        await work(id);
        return {};
      },
    };
    worker = new QueueWorker(handler, {
      config: config.queues,
      queues,
      deadLetters: new DeadLetters(queues),
      facts: new FactSink(queues),
      log: createLog({ level: 'silent', pretty: false }),
      isolate: (_queue, { id }) => {
        isolated.push(id);
        return Promise.resolve({});
      },
    });
    await worker.ready();
  }, 60_000);

  afterAll(async () => {
    await worker?.close(5_000);
    await queues?.close();
    await servers?.close();
  });

  /** Jobs that are taken together, once they stand as `prepare` wants them. */
  async function take(count: number, prepare: (ids: string[]) => Promise<unknown> = () => Promise.resolve()) {
    const queue = queues.queueOf('notifications', TENANT);
    await queue.pause();
    const ids = Array.from({ length: count }, () => newId(Date.now()));
    await queues.addMany(
      'notifications',
      ids.map((id) => ({ data: jobOf(), options: { id } })),
    );
    await prepare(ids);
    await queue.resume();
    return ids;
  }

  /** As if so many workers had died under them. */
  async function die(times: number, ids: string[]): Promise<void> {
    if (!servers.redis) {
      const database = openDatabase(servers.postgres.url, 1);
      await database.pool.query('update bullmq.job set stalled_count = $1 where id = any($2)', [times, ids]);
      return database.close();
    }
    const redis = new Redis(servers.redis.url);
    const queue = queues.queueOf('notifications', TENANT);
    for (const id of ids) await redis.hset(queue.toKey(id), 'stc', times);
    await redis.quit();
  }

  it('are run one at a time, and others beside them; none is isolated that was not tried', async () => {
    const running = new Set<string>();
    const done = new Set<string>();
    let suspects: string[] = [];
    let mostSuspects = 0;
    let most = 0;
    const beside = Promise.withResolvers<void>();
    work = async (id) => {
      running.add(id);
      most = Math.max(most, running.size);
      mostSuspects = Math.max(mostSuspects, suspects.filter((one) => running.has(one)).length);
      // However slow the machine is, one runs beside another.
      if (running.size > 1) beside.resolve();
      await beside.promise;
      await wait(30);
      running.delete(id);
      done.add(id);
    };
    const ids = await take(12, async (all) => {
      suspects = all.slice(0, 6);
      await die(9, suspects);
    });
    await eventually(() => ids.every((id) => done.has(id)), { what: 'the end of all jobs' });
    expect(mostSuspects).toBe(1);
    expect(most).toBeGreaterThan(1);
    expect(isolated).toEqual([]);
  });

  it('are isolated when their worker died while they were tried, and only they', async () => {
    const done: string[] = [];
    work = (id) => Promise.resolve(void done.push(id));
    const [guilty, innocent] = await take(2, async ([first, second]) => {
      const job = await queues.queueOf('notifications', TENANT).getJob(first!);
      await job!.updateProgress({ tried: { deaths: 2, attempt: 1 } });
      await die(3, [first!, second!]);
    });
    await eventually(() => done.includes(innocent!) && isolated.includes(guilty!), { what: 'the end of both' });
    expect(isolated).toEqual([guilty]);
    expect(done).toEqual([innocent]);
  });
});

function jobOf(): TaskJob {
  const meta = { tenant: TENANT, priority: 'normal' as const, createdBy: 'test', createdAt: Date.now() };
  const whole = { ...meta, correlationId: 'c' };
  return {
    task: { http: { url: 'http://x' } },
    route: 'r',
    event: { id: 'e', tenant: TENANT },
    meta: whole,
  } as unknown as TaskJob;
}
