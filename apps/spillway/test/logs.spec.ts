import { loadConfig } from '@spillway/config';
import { ROLES } from '@spillway/contracts';
import type { EventRecord } from '@spillway/persistence';
import { createLog } from '@spillway/observability';
import { eventually, TestServers, ThirdParty } from '@spillway/testing';
import { post, Stack } from './stack';

const SECRET = 'sk_very_secret_7f3a9c';
const PAYLOAD = 'payload-marker-51d0e2';

describe('logs', () => {
  let stack: Stack;
  let other: ThirdParty;
  const written: string[] = [];

  beforeAll(async () => {
    other = await ThirdParty.start();
    // All that the platform writes, line by line.
    const config = loadConfig({ LOG_LEVEL: 'trace' });
    const log = createLog(config.log, {}, { write: (line) => void written.push(line) });
    stack = await Stack.on(await TestServers.start('redis'), { LOG_LEVEL: 'trace' }, ROLES, log);
    await stack.configure(
      {
        kind: 'Route',
        name: 'fails',
        spec: {
          match: { types: ['github.*'] },
          to: { http: { url: `${other.url}/400`, headers: { authorization: 'Bearer ${ $secrets.hidden }' } } },
        },
      },
      {
        kind: 'Route',
        name: 'retries',
        spec: {
          match: { types: ['stripe.*'] },
          to: {
            http: { url: `${other.url}/500`, headers: { 'x-key': '${ $secrets.hidden }' }, body: '${ . }' },
            attempts: 2,
          },
        },
      },
      {
        kind: 'Route',
        name: 'template',
        spec: { match: { types: ['shopify.*'] }, to: { http: { url: `${other.url}/x`, body: '${ .data | error }' } } },
      },
      {
        kind: 'Flow',
        name: 'f',
        spec: {
          do: [{ ask: { call: 'http', with: { method: 'post', endpoint: `${other.url}/400`, body: '${ . }' } } }],
        },
      },
      { kind: 'Route', name: 'flow', spec: { match: { types: ['order.*'] }, to: { flow: 'f' } } },
    );
    await stack.setSecret('hidden', SECRET);
    // The other side repeats what it was sent, as some do.
    other.answer = (call) => ({
      status: call.path === '/500' ? 500 : 400,
      body: JSON.stringify({ message: `${PAYLOAD} ${SECRET} ${call.body}` }),
    });
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await other?.close();
  }, 60_000);

  it('never hold a secret or a payload, whatever fails, and carry the ids', async () => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer spw_test_platform_key_0123456789' };
    const ids: string[] = [];
    for (const type of ['order.placed', 'github.push', 'stripe.charge', 'shopify.order']) {
      const event = { type, tenant: 'acme', data: { note: PAYLOAD, token: SECRET } };
      const answer = await post(`${stack.ingress}/v1/events`, JSON.stringify(event), headers);
      expect(answer.status).toBe(202);
      ids.push(answer.json<{ id: string }>().id);
    }
    const { url, headers: signed } = stack.signed('stripe');
    await post(url, JSON.stringify({ note: PAYLOAD, token: SECRET }), signed);
    await post(`${stack.ingress}/v1/events`, `{"note":"${PAYLOAD}${SECRET}`, headers);
    for (const id of ids)
      await eventually(
        async () =>
          ['dead-letter', 'done', 'failed'].includes((await stack.client.get<EventRecord>(`/events/${id}`)).state),
        { withinMs: 20_000, what: id },
      );
    const lines = written.filter((line) => line.includes(SECRET) || line.includes(PAYLOAD));
    expect(lines).toEqual([]);
    const dead = written
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === 'job is dead');
    expect(dead.length).toBeGreaterThan(0);
    for (const line of dead)
      for (const id of ['event', 'job', 'queue', 'tenant']) expect(typeof line[id]).toBe('string');
  });
});
