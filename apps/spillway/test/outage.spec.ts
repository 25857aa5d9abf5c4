import type { EventRecord } from '@spillway/persistence';
import { eventually, ThirdParty } from '@spillway/testing';
import { post, Stack } from './stack';

describe('while servers are away', () => {
  let stack: Stack;
  let other: ThirdParty;

  beforeAll(async () => {
    other = await ThirdParty.start();
    stack = await Stack.start('redis');
    await stack.configure({ kind: 'Route', name: 'all', spec: { to: { http: { url: other.url } } } });
  }, 60_000);

  afterAll(async () => {
    await stack?.servers.redis?.resume().catch(() => undefined);
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

  it('Redis: events go to the outbox, duplicates are known, and all is done when it is back', async () => {
    const before = await stack.send('stripe', 'payment_intent.succeeded', 'before');
    await done(before);
    await stack.servers.redis!.stop();
    const request = stack.signed('stripe', 'payment_intent.succeeded', 'during');
    const [first, second] = [
      await post(request.url, request.body, request.headers),
      await post(request.url, request.body, request.headers),
    ];
    expect([first.status, second.status]).toEqual([202, 202]);
    const { id } = first.json<{ id: string }>();
    expect(second.json()).toEqual({ id, duplicate: true });
    const known = stack.signed('stripe', 'payment_intent.succeeded', 'before');
    expect((await post(known.url, known.body, known.headers)).json()).toEqual({ id: before, duplicate: true });
    expect(await stack.platform.outbox.depth()).toBe(1);
    expect((await post(`${stack.ingress}/health/ready`, '', {}, 'GET')).json()).toMatchObject({ status: 'degraded' });
    await stack.servers.redis!.resume();
    const record = await done(id);
    expect(record.via).toBe('outbox');
    await eventually(async () => (await stack.platform.outbox.depth()) === 0);
    expect(other.calls.filter((call) => call.body.includes(id))).toHaveLength(1);
  }, 60_000);

  it('PostgreSQL: the queues still take events, and all is done when it is back', async () => {
    // The one thing at a time: Redis has just come back.
    await eventually(async () => (await post(`${stack.ingress}/health/ready`, '', {}, 'GET')).json()['queues']);
    await stack.servers.postgres.stop();
    const id = await stack.send('github', 'push', 'no-postgres');
    await stack.servers.postgres.resume();
    await done(id);
  }, 60_000);

  it('both: 503 with a time to come back, and nothing is half taken', async () => {
    await Promise.all([stack.servers.postgres.stop(), stack.servers.redis!.stop()]);
    const { url, body, headers } = stack.signed('github', 'push', 'nothing-there');
    const answer = await post(url, body, headers);
    expect([answer.status, answer.json()['code'], answer.headers['retry-after']]).toEqual([503, 'unavailable', '5']);
    expect((await post(`${stack.ingress}/health/ready`, '', {}, 'GET')).status).toBe(503);
    await Promise.all([stack.servers.postgres.resume(), stack.servers.redis!.resume()]);
    const again = await eventually(async () => {
      const answer2 = await post(url, body, headers);
      return answer2.status === 202 ? answer2 : undefined;
    });
    await done(again.json<{ id: string }>().id);
  }, 90_000);
});
