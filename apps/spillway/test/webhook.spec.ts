import type { EventRecord } from '@spillway/persistence';
import { providers } from '@spillway/sources';
import { API_KEY, BACKENDS, eventually, ThirdParty } from '@spillway/testing';
import { post, Stack, TENANT } from './stack';

const ENDED = ['done', 'dead-letter', 'cancelled', 'unrouted'];

describe.each(BACKENDS)('a webhook, on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;

  beforeAll(async () => {
    other = await ThirdParty.start();
    stack = await Stack.start(backend, { MAX_IN_FLIGHT: '50' });
    await stack.configure(
      {
        kind: 'Route',
        name: 'all',
        spec: {
          match: { provider: 'stripe' },
          to: {
            http: {
              url: `${other.url}/all`,
              headers: { authorization: 'Bearer ${ $secrets.token }' },
              body: { type: '${ .type }' },
            },
          },
        },
      },
      {
        kind: 'Route',
        name: 'big',
        spec: {
          match: { types: ['stripe.payment_*'], where: '.data.data.object.amount > 1000' },
          to: [{ http: { url: `${other.url}/big` } }, { flow: 'two' }],
        },
      },
      {
        kind: 'Route',
        name: 'never',
        spec: { match: { where: '.data.amount > 1000000' }, to: { http: { url: `${other.url}/never` } } },
      },
      {
        kind: 'Route',
        name: 'broken',
        spec: {
          match: { provider: 'stripe', where: '.data | error("no")' },
          to: { http: { url: `${other.url}/never` } },
        },
      },
      {
        kind: 'Route',
        name: 'github',
        spec: {
          match: { types: ['github.*'] },
          to: { notify: { channel: 'callback', url: `${other.url}/callback`, secret: 'token' } },
        },
      },
      {
        kind: 'Flow',
        name: 'two',
        spec: {
          do: [
            { first: { call: 'http', with: { method: 'post', endpoint: `${other.url}/first`, body: '${ . }' } } },
            { pause: { wait: { milliseconds: 50 } } },
            {
              second: {
                call: 'http',
                with: {
                  method: 'put',
                  endpoint: `${other.url}/second`,
                  body: { about: '${ $workflow.input.subject }' },
                },
              },
            },
          ],
        },
      },
      {
        kind: 'Route',
        name: 'ticks',
        spec: { match: { types: ['tick'] }, to: { http: { url: `${other.url}/tick` } } },
      },
    );
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await other?.close();
  }, 60_000);

  beforeEach(() => other.reset());

  function ended(id: string): Promise<EventRecord> {
    return eventually(
      async () => {
        const record = await stack.client.get<EventRecord>(`/events/${id}`);
        return ENDED.includes(record.state) ? record : undefined;
      },
      { what: `the end of ${id}` },
    );
  }

  it.each(providers.map((provider) => provider.name))('of %s is taken, recorded and done', async (name) => {
    const { url, body, headers } = stack.signed(name);
    const answer = await post(url, body, headers);
    expect(answer.status).toBeLessThan(300);
    const again = await post(url, body, headers);
    expect(again.status).toBe(answer.status);
    if (name === 'adyen') expect(answer.body).toBe('[accepted]');
    if (answer.status === 202) {
      const { id } = answer.json<{ id: string }>();
      expect(again.json()).toEqual({ id, duplicate: true });
      expect(['done', 'unrouted']).toContain((await ended(id)).state);
    }
    const { events } = await eventually(async () => {
      const list = await stack.client.get<{ events: { provider: string }[] }>('/events', { provider: name });
      return list.events.length > 0 ? list : undefined;
    });
    expect(events).toHaveLength(1);
  });

  it('goes to every route it matches, through a flow in order, with a timeline', async () => {
    const id = await stack.send('stripe', 'payment_intent.succeeded', 'fan-out');
    const record = await ended(id);
    expect(record.state).toBe('done');
    expect(other.calls.map((call) => call.path).sort()).toEqual(['/all', '/big', '/first', '/second']);
    const at = (path: string) => other.calls.findIndex((call) => call.path === path);
    expect(at('/first')).toBeLessThan(at('/second'));
    const all = other.calls[at('/all')]!;
    expect(all.headers).toMatchObject({ authorization: 'Bearer t0k3n', 'content-type': 'application/json' });
    expect(JSON.parse(all.body)).toEqual({ type: 'stripe.payment_intent.succeeded' });
    expect(JSON.parse(other.calls[at('/big')]!.body)).toMatchObject({ specversion: '1.0', id, tenant: TENANT });
    expect(other.calls[at('/second')]).toMatchObject({ method: 'PUT', body: '{"about":"pi_fan-out"}' });
    expect(record.runs).toEqual([expect.objectContaining({ flow: 'two', state: 'completed' })]);
    // The run's end is known before the ledger was told of its last call.
    await eventually(async () => {
      const { timeline } = await stack.client.get<EventRecord>(`/events/${id}`);
      const tasks = timeline.filter((entry) => entry.what === 'attempt succeeded').map((entry) => entry.task);
      return ['http', 'two', 'first', 'second'].every((task) => tasks.includes(task));
    });
  });

  it('leads to a callback that a Standard Webhooks library verifies', async () => {
    const { Webhook } = await import('standardwebhooks');
    await ended(await stack.send('github', 'push', 'cb'));
    const call = other.calls.find((one) => one.path === '/callback')!;
    const webhook = new Webhook(Buffer.from('t0k3n'), { format: 'raw' });
    expect(webhook.verify(call.body, call.headers as Record<string, string>)).toMatchObject({ type: 'github.push' });
  });

  it('with a bad signature waits in quarantine, and is released once the secret is mended', async () => {
    const { url, body, headers } = stack.signed('calendly', undefined, 'quarantined');
    const answer = await post(url, body, {
      ...headers,
      'calendly-webhook-signature': headers['calendly-webhook-signature']!.replace(/.$/, (one) =>
        one === '0' ? '1' : '0',
      ),
    });
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ code: 'signature-mismatch', status: 401 });
    const secret = await post(url.replace('/calendly', '/calendly'), body, headers);
    expect(secret.status).toBe(202);
    const { requests } = await stack.client.get<{ requests: { id: string; code: string }[] }>('/quarantine', {
      source: 'calendly',
    });
    expect(requests).toHaveLength(1);
    await expect(stack.client.post(`/quarantine/${requests[0]!.id}/release`, {})).rejects.toThrow(
      'fits none of the secrets',
    );

    const other2 = stack.signed('retell', undefined, 'rotated');
    await stack.configure({
      kind: 'Source',
      name: 'retell',
      spec: { provider: 'retell', secrets: [{ value: 'key_other' }] },
    });
    expect((await post(other2.url, other2.body, other2.headers)).status).toBe(401);
    await stack.configure();
    const held = await stack.client.get<{ requests: { id: string }[] }>('/quarantine', { source: 'retell' });
    const released = await stack.client.post<{ events: { id: string }[] }>(
      `/quarantine/${held.requests[0]!.id}/release`,
      {},
    );
    expect(released.events).toHaveLength(1);
    await ended(released.events[0]!.id);
    const many = await stack.client.post<{ released: string[]; refused: unknown[] }>('/quarantine/release', {
      tenant: TENANT,
      source: 'calendly',
    });
    expect(many).toMatchObject({ released: [], refused: [{ id: requests[0]!.id }] });
  });

  it('refuses a captured Mailgun signature with another event', async () => {
    const { url, body, headers } = stack.signed('mailgun', undefined, 'captured');
    expect((await post(url, body, headers)).status).toBe(202);
    const forged = JSON.stringify({ ...(JSON.parse(body) as object), 'event-data': { id: 'forged', event: 'failed' } });
    const answer = await post(url, forged, headers);
    expect([answer.status, answer.json()['code']]).toEqual([401, 'signature-replayed']);
  });

  it('with the same id and other content is a duplicate, and recorded as a collision', async () => {
    const key = {
      'content-type': 'application/json',
      authorization: `Bearer ${API_KEY}`,
      'idempotency-key': 'k1',
    };
    const event = (data: unknown) => JSON.stringify({ tenant: TENANT, type: 'order.created', data });
    const first = await post(`${stack.ingress}/v1/events`, event(1), key);
    expect(first.status).toBe(202);
    const second = await post(`${stack.ingress}/v1/events`, event(2), key);
    const { id } = first.json<{ id: string }>();
    expect(second.json()).toEqual({ id, duplicate: true });
    await eventually(async () =>
      (await stack.client.get<EventRecord>(`/events/${id}`)).timeline.some((entry) =>
        entry.what.startsWith('collision'),
      ),
    );
  });

  it('comes in batches from own services, with what is wrong named by field', async () => {
    const key = { 'content-type': 'application/json', 'x-api-key': API_KEY };
    const events = [1, 2, 3].map((n) => ({ tenant: TENANT, type: 'order.created', id: `batch-${n}`, data: { n } }));
    const answer = await post(`${stack.ingress}/v1/events`, JSON.stringify({ events }), key);
    expect(answer.json<{ events: unknown[] }>().events).toHaveLength(3);
    const bad = await post(
      `${stack.ingress}/v1/events`,
      JSON.stringify({ events: [{ tenant: TENANT, data: 1, typo: 2 }] }),
      key,
    );
    expect(bad.status).toBe(400);
    expect(bad.json<{ errors: { path: string }[] }>().errors.map((one) => one.path)).toContain('events.0.type');
    expect((await post(`${stack.ingress}/v1/events`, '{}', { 'content-type': 'application/json' })).status).toBe(401);
    expect((await post(`${stack.ingress}/v1/events`, '{}', { ...key, 'content-type': 'text/plain' })).status).toBe(415);
  });

  it('that is not one gets a clear problem', async () => {
    const at = (source: string) => `${stack.ingress}/v1/in/${TENANT}/${source}`;
    const json = { 'content-type': 'application/json' };
    const cases: [Promise<{ status: number; body: string; headers: Record<string, unknown> }>, number, string][] = [
      [post(at('nope'), '{}', json), 404, 'source-unknown'],
      [post(at('stripe'), '{}', { 'content-type': 'text/csv' }), 415, 'content-type-unsupported'],
      [post(at('stripe'), '{}', { ...json, 'content-encoding': 'gzip' }), 415, 'content-encoding-unsupported'],
      [post(at('stripe'), Buffer.alloc(10 * 1_048_576, 97), json), 413, 'payload-too-large'],
      [post(at('stripe'), '', json), 401, 'signature-missing'],
      [post(`${stack.ingress}/elsewhere`, '{}', json), 404, 'not-found'],
    ];
    for (const [answer, status, code] of cases) {
      const { body, headers, status: actual } = await answer;
      expect([actual, (JSON.parse(body) as { code: string }).code]).toEqual([status, code]);
      expect(headers['content-type']).toContain('application/problem+json');
    }
    const { url, headers } = stack.signed('github', 'push');
    const garbage = await post(url, '{"a":', headers);
    expect(garbage.status).toBe(401);
  });

  it('of nearly 1 MB, with every kind of character, arrives whole', async () => {
    const text = `\u0000\ud800 é😀 ${'x'.repeat(1_000_000)}`;
    const key = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` };
    const answer = await post(
      `${stack.ingress}/v1/events`,
      JSON.stringify({ tenant: TENANT, type: 'large', data: { text } }),
      key,
    );
    expect(answer.status).toBe(202);
    const record = await ended(answer.json<{ id: string }>().id);
    expect((record.event.data as { text: string }).text).toBe(text);
  });

  it('beyond what is taken at once is put off with 429 and a time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 400 }, (_, index) => {
        const { url, body, headers } = stack.signed('standard-webhooks', 'order.created', `flood-${index}`);
        return post(url, body, headers);
      }),
    );
    const refused = answers.filter((answer) => answer.status === 429);
    expect(refused.length + answers.filter((answer) => answer.status === 202).length).toBe(400);
    if (refused[0]) expect(refused[0].headers['retry-after']).toBe('1');
  });

  it('shakes hands with CloudEvents and Slack', async () => {
    const hello = await post(
      `${stack.ingress}/v1/in/${TENANT}/cloudevents`,
      '',
      { 'webhook-request-origin': 'example.com' },
      'OPTIONS',
    );
    expect(hello.headers).toMatchObject({ 'webhook-allowed-origin': 'example.com', 'webhook-allowed-rate': '6000' });
    const slack = providers.find(({ name }) => name === 'slack')!;
    const sample = { type: '', contentType: 'application/json', body: '{"type":"url_verification","challenge":"abc"}' };
    const signed = slack.sign(sample, { url: '', keys: slack.demoKeys(), options: {}, now: Date.now() });
    const answer = await post(`${stack.ingress}/v1/in/${TENANT}/slack`, signed.body, {
      'content-type': 'application/json',
      ...signed.headers,
    });
    expect([answer.status, answer.json()]).toEqual([200, { challenge: 'abc' }]);
  });

  it('is made by a schedule, too', async () => {
    await stack.configure({
      kind: 'Schedule',
      name: 'often',
      spec: { every: '300ms', event: { type: 'tick', data: { n: 1 } } },
    });
    await eventually(() => other.calls.filter((call) => call.path === '/tick').length >= 2);
    await stack.configure({
      kind: 'Schedule',
      name: 'often',
      spec: { enabled: false, every: '300ms', event: { type: 'tick' } },
    });
    await eventually(async () => {
      const before = other.calls.length;
      await new Promise((resolve) => setTimeout(resolve, 900));
      return other.calls.length === before;
    });
  });

  it('is described by OpenAPI 3.1 and health checks', async () => {
    const document = await post(`${stack.ingress}/openapi.json`, '', {}, 'GET');
    const api = document.json<{
      openapi: string;
      paths: Record<string, unknown>;
      components: { schemas: Record<string, unknown> };
    }>();
    expect(api.openapi).toBe('3.1.0');
    expect(Object.keys(api.paths)).toEqual(expect.arrayContaining(['/v1/in/{tenant}/{source}', '/v1/events']));
    for (const [, reference] of document.body.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(Object.keys(api.components.schemas)).toContain(reference);
    }
    expect((await post(`${stack.ingress}/health/ready`, '', {}, 'GET')).json()).toEqual({
      status: 'ok',
      queues: true,
      records: true,
    });
  });
});
