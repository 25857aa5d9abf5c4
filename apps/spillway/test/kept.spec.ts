import type { EventRecord } from '@spillway/persistence';
import { BACKENDS, eventually, ThirdParty } from '@spillway/testing';
import { post, Stack, TENANT } from './stack';

/** What a primary took with it is simulated: jobs vanish from their queue, as they do where another takes over. */
describe.each(BACKENDS)('events that are accepted into both places, on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;

  beforeAll(async () => {
    other = await ThirdParty.start();
    stack = await Stack.start(backend, {
      ACCEPT_INTO: 'both',
      RECONCILE_EVERY: '200ms',
      RECONCILE_AFTER: '400ms',
    });
    await stack.configure({ kind: 'Route', name: 'all', spec: { to: { http: { url: other.url } } } });
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await other?.close();
  }, 60_000);

  const done = (id: string) =>
    eventually(
      async () => {
        const record = await stack.client.get<EventRecord>(`/events/${id}`);
        return record.state === 'done' ? record : undefined;
      },
      { withinMs: 20_000, what: `the end of ${id}` },
    );

  async function isDuplicate(id: string, seed: string): Promise<void> {
    const { url, body, headers } = stack.signed('github', 'push', seed);
    expect((await post(url, body, headers)).json()).toEqual({ id, duplicate: true });
  }

  const callsFor = (id: string) => other.calls.filter((call) => call.body.includes(id));

  it('are kept until the ledger has them, and known as duplicates all the while', async () => {
    const queue = stack.platform.queues.queueOf('ingress-events', TENANT);
    await queue.pause();
    const id = await stack.send('github', 'push', 'kept');
    expect(await stack.platform.outbox.find(id)).toBeDefined();
    expect(await stack.platform.outbox.depth()).toBe(0);
    await isDuplicate(id, 'kept');
    await queue.resume();
    await done(id);
    await eventually(async () => (await stack.platform.outbox.find(id)) === undefined, { what: 'it to be forgotten' });
    await isDuplicate(id, 'kept');
    expect(callsFor(id)).toHaveLength(1);
  });

  it('are added again when the queue loses them', async () => {
    const queue = stack.platform.queues.queueOf('ingress-events', TENANT);
    await queue.pause();
    const id = await stack.send('github', 'push', 'lost');
    await queue.remove(id);
    await isDuplicate(id, 'lost');
    await queue.resume();
    await done(id);
    expect(callsFor(id)).toHaveLength(1);
    // Whoever had it may have called before it was lost.
    const { timeline } = await stack.client.get<EventRecord>(`/events/${id}`);
    expect(timeline.filter(({ repeat }) => repeat)).toHaveLength(1);
    await isDuplicate(id, 'lost');
  });

  it('are gone through again when it was done, and what was told of it is lost', async () => {
    const facts = stack.platform.queues.queuesOf('analytics-events');
    for (const queue of facts) await queue.pause();
    const id = await stack.send('github', 'push', 'untold');
    await eventually(async () => callsFor(id).length === 1);
    const told = await eventually(
      async () => {
        const waiting = (await Promise.all(facts.map((queue) => queue.getJobs(['waiting', 'prioritized'])))).flat();
        return waiting.length > 0 ? waiting : undefined;
      },
      { what: 'facts that wait' },
    );
    for (const job of told) await job.remove();
    for (const queue of facts) await queue.resume();
    await done(id);
    expect(callsFor(id)).toHaveLength(1);
  });

  if (backend === 'redis') {
    it('are taken by the queue alone while PostgreSQL is away', async () => {
      await stack.servers.postgres.stop();
      const id = await stack.send('github', 'push', 'no-postgres');
      await stack.servers.postgres.resume();
      await done(id);
      expect(callsFor(id)).toHaveLength(1);
    }, 60_000);

    it('are relayed when the queue is away, and then watched like the others', async () => {
      await stack.servers.redis!.stop();
      const id = await stack.send('github', 'push', 'no-redis');
      expect(await stack.platform.outbox.depth()).toBe(1);
      await stack.servers.redis!.resume();
      await done(id);
      await eventually(async () => (await stack.platform.outbox.find(id)) === undefined, {
        what: 'it to be forgotten',
      });
      expect(callsFor(id)).toHaveLength(1);
    }, 60_000);
  }
});
