import { API_VERSION, QUEUE_NAMES, resourceSchema } from '@spillway/contracts';
import { type DeadLetterSummary, partitionOf } from '@spillway/queues';
import { BACKENDS, eventually, TestServers, ThirdParty } from '@spillway/testing';
import { post, Stack } from './stack';
import { documents, inState, send, TENANTS } from './tenants';

describe.each(BACKENDS)('eight partitions, on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;

  beforeAll(async () => {
    other = await ThirdParty.start();
    stack = await Stack.start(backend, { SPILLWAY_PARTITIONS: '8', ON_THE_SPOT: 'off' });
    await stack.client.post('/apply', { documents: documents(other) });
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await other?.close();
  }, 60_000);

  it('do the work of all tenants, each in its own', async () => {
    const ids = await Promise.all(TENANTS.map(async (tenant) => (await send(stack, tenant, 'one')).id));
    for (const id of ids) expect((await inState(stack, id, 'done')).runs[0]!.state).toBe('completed');
    await eventually(() => other.calls.filter((call) => call.path.startsWith('/noted/')).length === TENANTS.length);
    expect(other.calls).toHaveLength(4 * TENANTS.length);
    const { queues } = stack.platform;
    for (const name of QUEUE_NAMES.filter((one) => one !== 'analytics-events' && one !== 'notifications')) {
      for (const [partition, queue] of queues.queuesOf(name).entries()) {
        const jobs = await queue.getJobs(['completed']);
        const data = await Promise.all(jobs.map((job) => queues.read(name, job)));
        const tenants = new Set(data.map((one) => (one as { meta: { tenant: string } }).meta.tenant));
        expect([...tenants].sort()).toEqual(TENANTS.filter((one) => partitionOf(one, 8) === partition).sort());
      }
    }
    const facts = await Promise.all(queues.queuesOf('analytics-events').map((one) => one.getCompletedCount()));
    expect(facts.filter((count) => count > 0).length).toBeGreaterThan(1);
  });

  it('know a duplicate, and an event by its id alone', async () => {
    const first = await send(stack, 'globex', 'twice');
    expect(await send(stack, 'globex', 'twice')).toEqual({ id: first.id, duplicate: true });
    expect((await send(stack, 'initech', 'twice')).duplicate).toBe(false);
    await inState(stack, first.id, 'done');
  });

  it('tell an autoscaler what waits in all of them, and in some', async () => {
    const backlog = (query: Record<string, string> = {}) =>
      stack.client.get<{ backlog: number; oldestSeconds: number }>('/queues/ingress-events', query);
    await stack.client.post('/queues/ingress-events/pause', {});
    const ids = [];
    for (const tenant of TENANTS) ids.push((await send(stack, tenant, 'waits')).id);
    const before = Date.now();
    expect((await backlog()).backlog).toBe(TENANTS.length);
    const own = TENANTS.filter((one) => partitionOf(one, 8) < 4).length;
    expect((await backlog({ partitions: '0-3' })).backlog).toBe(own);
    await eventually(async () => (await backlog()).oldestSeconds >= 1);
    expect((await backlog()).oldestSeconds).toBeLessThan((Date.now() - before) / 1_000 + 60);
    await expect(backlog({ partitions: '8' })).rejects.toThrow('there is no partition 8');
    await stack.client.post('/queues/ingress-events/resume', {});
    for (const id of ids) await inState(stack, id, 'done');
    expect(await backlog()).toEqual({ name: 'ingress-events', backlog: 0, oldestSeconds: 0 });
  }, 60_000);

  it('keep dead letters of all tenants, told in one list and redriven together', async () => {
    other.answer = (call) => (call.path.startsWith('/call/') ? { status: 400 } : undefined);
    const ids = [];
    for (const tenant of ['stark', 'acme', 'wayne']) {
      const { id } = await send(stack, tenant, 'wrong');
      await inState(stack, id, 'dead-letter');
      ids.push(id);
    }
    const list = await stack.client.get<{ deadLetters: DeadLetterSummary[] }>('/dead-letters', { route: 'call' });
    expect(list.deadLetters.map((one) => one.tenant)).toEqual(['stark', 'acme', 'wayne']);
    const filter = { tenant: 'acme', queue: 'integration-tasks' };
    const own = await stack.client.get<{ deadLetters: DeadLetterSummary[] }>('/dead-letters', filter);
    expect(own.deadLetters.map((one) => one.eventId)).toEqual([ids[1]]);
    other.answer = () => undefined;
    expect(await stack.client.post('/dead-letters/redrive', {})).toMatchObject({ redriven: 3 });
    for (const id of ids) await inState(stack, id, 'done');
  });

  it('are paused together, show who waits, and cancel one', async () => {
    await stack.client.post('/queues/integration-tasks/pause', {});
    const { id } = await send(stack, 'hooli', 'held');
    const jobs = await eventually(async () => {
      const list = await stack.client.get<{ jobs: { id: string; eventId: string; name: string }[] }>('/jobs', {
        queue: 'integration-tasks',
        tenant: 'hooli',
      });
      const waiting = list.jobs.filter((one) => one.eventId === id);
      return waiting.length === 2 ? waiting : undefined;
    });
    type Counts = { paused: boolean; waiting: number; prioritized: number };
    const { queues } = await stack.client.get<{ queues: (Counts & { name: string; partitions: Counts[] })[] }>(
      '/queues',
    );
    const tasks = queues.find((one) => one.name === 'integration-tasks')!;
    const own = tasks.partitions[partitionOf('hooli', 8)]!;
    expect([tasks.paused, tasks.waiting + tasks.prioritized]).toEqual([true, 2]);
    expect([own.paused, own.waiting + own.prioritized]).toEqual([true, 2]);
    expect(tasks.partitions).toHaveLength(8);
    const call = jobs.find((one) => one.id.includes('.call.'))!;
    await stack.client.post(`/jobs/integration-tasks/${call.id}/cancel`, {});
    await stack.client.post('/queues/integration-tasks/resume', {});
    await inState(stack, id, 'cancelled');
  });

  it('each keep their tenants’ schedules', async () => {
    const tick = (tenant: string) =>
      resourceSchema.parse({
        apiVersion: API_VERSION,
        kind: 'Schedule',
        metadata: { tenant, name: 'often' },
        spec: { every: '1s', event: { type: 'tick', data: {} } },
      });
    await stack.client.post('/apply', { documents: [tick('acme'), tick('stark')] });
    for (const tenant of ['acme', 'stark'])
      await eventually(() => other.calls.some((call) => call.path === `/tick/${tenant}`));
  });

  it('are all on the board', async () => {
    const login = await post(`${stack.admin}/login`, 'name=admin&password=a+test+password', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    const cookie = String(login.headers['set-cookie']).split(';')[0]!;
    const board = await post(`${stack.admin}/queues/api/queues`, '', { cookie }, 'GET');
    const names = board.json<{ queues: { name: string }[] }>().queues.map((one) => one.name);
    expect(new Set(names).size).toBe(80);
    expect(names).toContain('spillway-5.integration-tasks');
  });
});

describe.each(BACKENDS)('workers that are told their partitions, on %s', (backend) => {
  it('leave the others alone, until somebody takes them; then the number of partitions can be changed', async () => {
    const other = await ThirdParty.start();
    const servers = await TestServers.start(backend);
    const mine = [partitionOf('acme', 8), partitionOf('stark', 8)];
    let stack = await Stack.on(servers, { SPILLWAY_PARTITIONS: '8', WORKER_PARTITIONS: mine.join(',') });
    try {
      await stack.client.post('/apply', { documents: documents(other) });
      const waits = await send(stack, 'initech', 'other');
      for (const tenant of ['acme', 'stark']) {
        await send(stack, tenant, 'mine');
        await eventually(() => other.calls.some((call) => call.path === `/noted/${tenant}`));
      }
      const left = stack.platform.queues.queueOf('ingress-events', 'initech');
      expect(await left.getJobCountByTypes('waiting', 'prioritized')).toBe(1);
      await stack.stop();

      await expect(Stack.on(servers, { SPILLWAY_PARTITIONS: '3' })).rejects.toMatchObject({
        code: 'partitions-changed',
        remedy: expect.stringContaining('SPILLWAY_PARTITIONS=8') as string,
      });

      // The documented way: events are taken in all the while, and wait in the outbox.
      stack = await Stack.on(servers, { SPILLWAY_PARTITIONS: '8', ACCEPT_INTO: 'outbox' });
      await inState(stack, waits.id, 'done');
      const taken = await send(stack, 'globex', 'during');
      await eventually(async () => {
        const counts = await Promise.all(
          stack.platform.queues
            .all()
            .map(({ queue }) => queue.getJobCountByTypes('waiting', 'prioritized', 'active', 'delayed')),
        );
        return counts.every((count) => count === 0);
      });
      await stack.stop();

      stack = await Stack.on(servers, { SPILLWAY_PARTITIONS: '3' });
      await inState(stack, taken.id, 'done');
      expect(await send(stack, 'initech', 'other')).toEqual({ id: waits.id, duplicate: true });
    } finally {
      await stack.stop();
      await servers.close();
      await other.close();
    }
  }, 60_000);
});
