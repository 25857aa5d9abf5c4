import { Vault } from '@spillway/persistence';
import { loadConfig } from '@spillway/config';
import type { DeadLetter, IngressJob } from '@spillway/contracts';
import { BACKENDS, eventually, TestServers } from '@spillway/testing';
import { DeadLetters } from './dead-letters';
import { bullPriority } from './priority';
import { type JobData, Queues } from './queues';

const TENANTS = ['acme', 'globex', 'initech', 'hooli', 'umbrella', 'stark'];
const HOUR_MS = 3_600_000;

function job(tenant: string): IngressJob {
  const meta = { tenant, priority: 'high', createdBy: 'test', createdAt: 0, correlationId: 'c' } as const;
  return {
    event: { tenant, id: `e-${tenant}`, type: 'x' },
    meta,
    body: { sha256: '', bytes: 0 },
    via: 'queue',
  } as IngressJob;
}

function letter(tenant: string, failedAt: number): DeadLetter {
  return {
    queue: 'notifications',
    job: { id: `dead-${tenant}`, name: 'x', data: job(tenant), opts: {} },
    tenant,
    eventId: '',
    error: { class: 'permanent', code: 'x', message: '' },
    attempts: 1,
    failedAt,
  };
}

describe.each(BACKENDS)('another number of partitions, on %s', (backend) => {
  let servers: TestServers;
  let queues: Queues | undefined;

  beforeAll(async () => {
    servers = await TestServers.start(backend);
  }, 60_000);

  afterEach(async () => {
    await queues?.close();
    queues = undefined;
  });

  afterAll(() => servers?.close(), 60_000);

  /** @param known whose deduplications the records can tell */
  async function open(partitions: number, known = TENANTS.slice(0, 3)): Promise<Queues> {
    await queues?.close();
    queues = undefined;
    const config = loadConfig(servers.environment({ SPILLWAY_PARTITIONS: String(partitions) })).queues;
    const tenants = new Map(known.map((tenant) => [`e-${tenant}`, tenant]));
    return (queues = await Queues.connect(config, servers.postgres.url, () => Promise.resolve(tenants), {
      vault: Vault.clear(),
    }));
  }

  const deduplication = (tenant: string) => ({ id: `d-${tenant}`, ttl: HOUR_MS });

  it('is refused while jobs are under way, and keeps everything else', async () => {
    let here = await open(1);
    for (const [index, tenant] of TENANTS.entries()) {
      await new DeadLetters(here).put('notifications', letter(tenant, 1_000 + index));
      const options = { id: `e-${tenant}`, deduplication: deduplication(tenant) };
      await here.add('ingress-events', job(tenant), options);
      await here.add('ingress-events', job(tenant), {
        id: `later-${tenant}`,
        delayMs: HOUR_MS,
        deduplication: deduplication(`later-${tenant}`),
        attempts: 3,
        priority: 'high',
      });
    }
    await here.queue('notifications', 0).pause();

    await expect(open(4)).rejects.toMatchObject({ code: 'partitions-changed', message: /6 jobs that are under way/ });

    here = await open(1);
    const worker = here.backend.openWorker('ingress-events', here.partitions.group(0), () => Promise.resolve(null), {});
    await eventually(async () => (await here.queue('ingress-events', 0).getCompletedCount()) === TENANTS.length);
    await worker.close();

    for (const count of [4, 8, 3, 1, 8]) {
      here = await open(count);
      const before = Date.now();
      const dead: string[] = [];
      for await (const one of new DeadLetters(here).matching('notifications', {}, 100)) dead.push(one.tenant);
      expect(dead.sort()).toEqual([...TENANTS].sort());
      expect(await here.queue('notifications', 0).isPaused()).toBe(true);
      for (const tenant of TENANTS) {
        expect(await new DeadLetters(here).find('notifications', `dead-${tenant}`, tenant)).toMatchObject({ tenant });
        const later = (await here.queueOf('ingress-events', tenant).getJob(`later-${tenant}`))!;
        expect(later.opts).toMatchObject({ attempts: 3, priority: bullPriority('high') });
        expect(Math.abs(later.timestamp + later.delay - before - HOUR_MS)).toBeLessThan(60_000);
      }
      const delayed = await Promise.all(here.queuesOf('ingress-events').map((queue) => queue.getDelayedCount()));
      expect(delayed.reduce((sum, one) => sum + one, 0)).toBe(TENANTS.length);
    }

    // What was taken in under one partition, four changes ago, is still known.
    for (const tenant of TENANTS) {
      const again = { id: `again-${tenant}`, deduplication: deduplication(tenant) };
      expect(await here.add('ingress-events', job(tenant), again)).toBe(`e-${tenant}`);
      const later = { id: `again-${tenant}`, deduplication: deduplication(`later-${tenant}`) };
      expect(await here.add('ingress-events', job(tenant), later)).toBe(`later-${tenant}`);
    }
  }, 60_000);

  it('takes facts along that a process told when it stopped', async () => {
    const here = await open(8);
    const told = {
      facts: [{ kind: 'event.routed', eventId: 'e', id: 'f', at: 1 }],
    } as unknown as JobData['analytics-events'];
    for (const partition of [0, 5]) await here.add('analytics-events', told, { id: `facts-${partition}`, partition });
    for (const count of [3, 8]) {
      const there = await open(count);
      for (const partition of [0, 5]) {
        const moved = (await there.find('analytics-events', `facts-${partition}`))!;
        expect(await there.read('analytics-events', moved)).toEqual(told);
      }
      const counts = await Promise.all(there.queuesOf('analytics-events').map((queue) => queue.getWaitingCount()));
      expect(counts.reduce((sum, one) => sum + one, 0)).toBe(2);
    }
  }, 30_000);

  it('is not taken for right by a process that began while the queues were away', async () => {
    const here = await open(8);
    const config = { ...loadConfig(servers.environment()).queues, partitions: 2 };
    const other = new Queues(here.backend, here.catalogue, config);
    await expect(other.add('ingress-events', job('acme'), { id: 'x' })).rejects.toThrow(/SPILLWAY_PARTITIONS is 2/);
  });
});
