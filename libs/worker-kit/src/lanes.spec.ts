import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig } from '@spillway/config';
import { newId, type TaskJob, TransientError, type TenantShare, tenantShareSchema } from '@spillway/contracts';
import { createLog } from '@spillway/observability';
import { DeadLetters, FactSink, Queues } from '@spillway/queues';
import { BACKENDS, eventually, TestServers } from '@spillway/testing';
import type { Handler, JobContext } from './handler';
import { QueueWorker } from './worker';

describe.each(BACKENDS)('lanes with workers, on %s', (backend) => {
  let servers: TestServers;
  const shares = new Map<string, TenantShare>();
  const opened: { queues: Queues; worker: QueueWorker }[] = [];
  let work: (context: JobContext<TaskJob>) => Promise<void> = () => Promise.resolve();

  beforeAll(async () => {
    servers = await TestServers.start(backend);
    // Each is a worker as a process of its own has it: nothing is shared but the servers.
    opened.push(await open(), await open());
  }, 60_000);

  afterAll(async () => {
    await Promise.all(opened.map(({ worker }) => worker.close(5_000)));
    await Promise.all(opened.map(({ queues }) => queues.close()));
    await servers?.close();
  });

  async function open() {
    const config = loadConfig(servers.environment());
    const queues = await Queues.connect(config.queues, servers.postgres.url, () =>
      Promise.resolve(new Map<string, string>()),
    );
    await queues.backend.ready();
    queues.lanes.use((tenant) => shares.get(tenant));
    const handler: Handler<'notifications'> = {
      queue: 'notifications',
      tellsAttempts: false,
      handle: async (context) => {
        await work(context as JobContext<TaskJob>);
        return {};
      },
    };
    const log = createLog({ level: 'silent', pretty: false });
    const deadLetters = new DeadLetters(queues);
    const parts = { config: config.queues, queues, deadLetters, facts: new FactSink(queues), log };
    const worker = new QueueWorker(handler, parts);
    await worker.ready();
    return { queues, worker };
  }

  async function add(tenant: string, count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => newId(Date.now()));
    await opened[0]!.queues.addMany(
      'notifications',
      ids.map((id) => ({ data: jobOf(tenant), options: { id } })),
    );
    return ids;
  }

  it('a cap holds over two workers, also while jobs fail and come back', async () => {
    shares.set('capped', tenantShareSchema.parse({ concurrency: { notifications: 3 } }));
    let running = 0;
    let most = 0;
    let attempts = 0;
    const done = new Set<string>();
    const full = Promise.withResolvers<void>();
    work = async ({ id }) => {
      running += 1;
      most = Math.max(most, running);
      attempts += 1;
      // However slow the machine is, there will be as many as may be.
      if (running === 3) full.resolve();
      await full.promise;
      await wait(10);
      running -= 1;
      if (attempts % 4 === 0) throw new TransientError('not now', { code: 'busy' });
      done.add(id);
    };
    await add('capped', 40);
    await eventually(() => done.size === 40, { withinMs: 30_000, what: 'the end of all jobs' });
    expect(most).toBe(3);
    expect(attempts).toBeGreaterThan(40);
  }, 60_000);

  it("another tenant's job is next, whatever backlog there is", async () => {
    const order: string[] = [];
    let go = false;
    work = async ({ data }) => {
      while (!go) await wait(5);
      order.push(data.meta.tenant);
    };
    await add('many', 400);
    await add('few', 1);
    go = true;
    await eventually(() => order.includes('few'), { withinMs: 20_000 });
    // 40 of the others run already, twice as many may wait where the queue counts as short, and some be taken before it.
    expect(order.indexOf('few')).toBeLessThan(140);
    await eventually(() => order.length === 401, { withinMs: 30_000 });
  }, 60_000);

  it('a job that waits in its lane is there once, whoever looks, and is gone when it is removed', async () => {
    const { queues } = opened[0]!;
    shares.set('closed', tenantShareSchema.parse({ concurrency: { notifications: 0 } }));
    let ran = 0;
    work = () => Promise.resolve(void (ran += 1));
    const [id, other] = (await add('closed', 2)) as [string, string];
    await queues.add('notifications', jobOf('closed'), { id });
    const job = (await queues.find('notifications', id, 'closed'))!;
    expect(await job.getState()).toBe('waiting-children');
    expect(await queues.queueOf('notifications', 'closed').getJobCountByTypes('waiting-children')).toBe(2);
    await job.remove();
    expect(await queues.find('notifications', id, 'closed')).toBeUndefined();
    shares.delete('closed');
    await queues.lanes.ofTenant('notifications', 'closed').configure(new Map());
    await eventually(async () => !(await queues.find('notifications', other, 'closed'))?.finishedOn === false, {
      withinMs: 10_000,
      what: 'the end of the other job',
    });
    expect(ran).toBe(1);
  }, 30_000);
});

function jobOf(tenant: string): TaskJob {
  const meta = { tenant, priority: 'normal' as const, createdBy: 'test', createdAt: Date.now(), correlationId: 'c' };
  return { task: { http: { url: 'http://x' } }, route: 'r', event: { id: 'e', tenant }, meta } as unknown as TaskJob;
}
