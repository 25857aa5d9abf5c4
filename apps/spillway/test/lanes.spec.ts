import { Acceptor, type Incoming } from '@spillway/intake';
import { runOrder } from '@spillway/chaos';
import type { EventRecord } from '@spillway/persistence';
import type { QueueLanes } from '@spillway/operations';
import { API_VERSION, resourceSchema } from '@spillway/contracts';
import { API_KEY, BACKENDS, eventually, ThirdParty } from '@spillway/testing';
import { post, Stack } from './stack';

const QUEUE = 'integration-tasks';
const KEY = 'api/order-7';

describe.each(BACKENDS)('lanes, on %s', (backend) => {
  let stack: Stack;
  let third: ThirdParty;
  /** What was called, by the event's number; those in `broken` are refused for good. */
  const called: number[] = [];
  const broken = new Set<number>();

  beforeAll(async () => {
    stack = await Stack.start(backend);
    third = await ThirdParty.start();
    third.answer = ({ body }) => {
      const { n } = JSON.parse(body) as { n: number };
      called.push(n);
      return { status: broken.has(n) ? 422 : 200 };
    };
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await third?.close();
  }, 60_000);

  beforeEach(() => {
    called.length = 0;
    broken.clear();
  });

  async function configure(tenant: string, spec: object): Promise<void> {
    const to = { http: { url: third.url, body: '${ .data }' } };
    const documents = [
      { apiVersion: API_VERSION, kind: 'Tenant', metadata: { name: tenant }, spec },
      { apiVersion: API_VERSION, kind: 'Route', metadata: { tenant, name: 'r' }, spec: { to } },
    ];
    await stack.client.post('/apply', { documents: documents.map((one) => resourceSchema.parse(one)) });
  }

  async function send(tenant: string, n: number, orderingKey?: string): Promise<string> {
    const answer = await post(
      `${stack.ingress}/v1/events`,
      JSON.stringify({ tenant, type: 'x', orderingKey, data: { n, at: Date.now() } }),
      { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    );
    return answer.json<{ id: string }>().id;
  }

  const inState = (id: string, state: string) =>
    eventually(async () => (await stack.client.get<EventRecord>(`/events/${id}`)).state === state, {
      withinMs: 20_000,
      what: `${id} to be ${state}`,
    });

  const parked = (tenant: string) =>
    eventually(async () => {
      const lanes = await stack.client.get<QueueLanes>(`/lanes/${QUEUE}/${tenant}`);
      const found = lanes.keys.find((one) => one.parked && one.behind === 2);
      // It is parked first, then the dead letter is put, then the job fails.
      const gone = found && !(await stack.platform.queues.find(QUEUE, found.parked!.job, tenant));
      return gone ? found : undefined;
    });

  it('an ordering key is parked behind a job that is given up, and goes on with it or without it', async () => {
    await configure('park', { ordering: { onExhausted: 'park' } });
    broken.add(1);
    const ids: string[] = [];
    for (const n of [0, 1, 2, 3]) ids.push(await send('park', n, 'order-7'));
    const other = await send('park', 9, 'order-8');
    await inState(other, 'done');
    await inState(ids[1]!, 'dead-letter');
    const key = await parked('park');
    expect(key).toMatchObject({ lane: 'park', key: KEY, parked: { code: 'http-422' } });
    expect(called.filter((n) => n !== 9)).toEqual([0, 1]);
    const { entries } = await stack.client.get<{ entries: { action: string; target: string }[] }>('/audit', {
      tenant: 'park',
    });
    expect(entries).toContainEqual(expect.objectContaining({ action: 'lane.park', target: `${QUEUE}/${KEY}` }));

    // It is still broken, so it is parked again; then it is mended.
    await stack.client.post(`/lanes/${QUEUE}/park/resume`, { key: KEY });
    await eventually(() => called.filter((n) => n === 1).length === 2);
    await parked('park');
    broken.clear();
    const { redriven } = await stack.client.post<{ redriven: string }>(`/lanes/${QUEUE}/park/resume`, { key: KEY });
    expect(redriven).toContain(ids[1]);
    await inState(ids[3]!, 'done');
    expect(called.filter((n) => n !== 9)).toEqual([0, 1, 1, 1, 2, 3]);
    await inState(ids[1]!, 'done');
    await expect(stack.client.post(`/lanes/${QUEUE}/park/resume`, { key: KEY })).rejects.toThrow();

    called.length = 0;
    broken.add(4);
    const more = [await send('park', 4, 'order-7'), await send('park', 5, 'order-7'), await send('park', 6, 'order-7')];
    await parked('park');
    expect(called).toEqual([4]);
    await stack.client.post(`/lanes/${QUEUE}/park/skip`, { key: KEY });
    await inState(more[2]!, 'done');
    expect(called).toEqual([4, 5, 6]);
    await inState(more[0]!, 'dead-letter');
  }, 90_000);

  it('by default those behind a job that is given up go on', async () => {
    await configure('goes-on', {});
    broken.add(0);
    const ids = [await send('goes-on', 0, 'k'), await send('goes-on', 1, 'k')];
    await inState(ids[1]!, 'done');
    await inState(ids[0]!, 'dead-letter');
    expect(called).toEqual([0, 1]);
  }, 60_000);

  it('what waits in a lane is seen by operators and left alone by the reconciler', async () => {
    await configure('waits', { concurrency: { [QUEUE]: 0 } });
    const ids = [await send('waits', 0), await send('waits', 1)];
    const jobs = await eventually(async () => {
      const query = { queue: QUEUE, tenant: 'waits', state: 'spilled' };
      const found = await stack.client.get<{ jobs: { id: string; eventId: string; state: string }[] }>('/jobs', query);
      return found.jobs.length === 2 ? found.jobs : undefined;
    });
    expect(jobs.every((one) => one.state === 'spilled')).toBe(true);
    const { queues } = await stack.client.get<{ queues: { name: string; spilled: number }[] }>('/queues');
    expect(queues.find(({ name }) => name === QUEUE)!.spilled).toBeGreaterThanOrEqual(2);
    const { queues: lanes } = await stack.client.get<{ queues: QueueLanes[] }>('/lanes', { queue: QUEUE });
    expect(lanes.flatMap((one) => one.lanes)).toContainEqual(
      expect.objectContaining({ lane: 'waits', waiting: 2, cap: 0, blocked: true }),
    );
    const cancelled = jobs.find((one) => one.eventId === ids[0])!;
    await stack.client.post(`/jobs/${QUEUE}/${cancelled.id}/cancel`, {});
    await inState(ids[0]!, 'cancelled');
    // Some passes of the reconciler, which looks for jobs that are older than 3 s.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(called).toEqual([]);
    await configure('waits', {});
    await inState(ids[1]!, 'done');
    expect(called).toEqual([1]);
  }, 60_000);

  // On PostgreSQL the outbox is where the queues are.
  if (backend === 'redis') {
    it('a later event does not overtake one that waits in the outbox', async () => {
      await configure('outbox', {});
      await stack.servers.redis!.stop();
      const first = await send('outbox', 0, 'k');
      expect(await stack.platform.outbox.depth()).toBe(1);
      await stack.servers.redis!.resume();
      // Another process, which was told.
      const other = new Acceptor(stack.platform);
      const last = [await send('outbox', 1, 'k'), await send('outbox', 2, 'k'), first];
      const accepted = await other.accept(incoming(3));
      for (const id of [...last, accepted.id]) await inState(id, 'done');
      expect(called).toEqual([0, 1, 2, 3]);
    }, 60_000);
  }

  it('order is kept in every key while calls fail and workers are killed', async () => {
    const report = await runOrder({
      backend,
      keys: 20,
      events: 10,
      killEveryMs: 400,
      failures: 0.05,
      withinMs: 60_000,
    });
    expect(report).toMatchObject({ done: 200, outOfOrder: [] });
    expect(report.kills).toBeGreaterThan(0);
  }, 150_000);
});

function incoming(n: number): Incoming {
  const data = { n, at: Date.now() };
  return {
    tenant: 'outbox',
    source: 'api',
    provider: 'api',
    type: 'x',
    dedupeKey: `d${n}`,
    orderingKey: 'k',
    data,
    priority: 'normal',
    dedupeWindow: 60_000,
    body: { sha256: String(n).repeat(64).slice(0, 64), bytes: 1 },
    createdBy: 'test',
  };
}
