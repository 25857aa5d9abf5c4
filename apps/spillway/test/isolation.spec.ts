import { API_VERSION, type Resource, resourceSchema } from '@spillway/contracts';
import type { EventRecord } from '@spillway/persistence';
import { BACKENDS, eventually, HttpServer } from '@spillway/testing';
import { Client } from '../src/client';
import { API_KEY, Stack, TENANT } from './stack';

const document = (kind: string, name: string, spec: unknown): Resource =>
  resourceSchema.parse({
    apiVersion: API_VERSION,
    kind,
    metadata: kind === 'Tenant' ? { name } : { tenant: TENANT, name },
    spec,
  });
const tenantWith = (egress?: { allow: string[] }) =>
  document('Tenant', TENANT, {
    secrets: { token: { value: 't0k3n' }, sign: { value: 'whsec_c2lnbg==' } },
    ...(egress && { egress }),
  });

describe.each(BACKENDS)('an installation that serves others, on %s', (backend) => {
  let stack: Stack;
  let inside: HttpServer;

  beforeAll(async () => {
    inside = await HttpServer.start({ '/': (_, response) => response.end('{}') });
    stack = await Stack.start(backend, { EGRESS_ALLOW: '' });
    const metadata = 'http://169.254.169.254/latest/meta-data/';
    await stack.configure(
      { kind: 'Route', name: 'task', spec: { match: { types: ['github.push'] }, to: { http: { url: inside.url } } } },
      {
        kind: 'Route',
        name: 'callback',
        spec: {
          match: { types: ['github.push'] },
          to: { notify: { channel: 'callback', url: metadata, secret: 'sign' } },
        },
      },
      { kind: 'Route', name: 'flow', spec: { match: { types: ['github.ping'] }, to: { flow: 'out' } } },
      {
        kind: 'Flow',
        name: 'out',
        spec: {
          do: [{ look: { call: 'http', with: { method: 'get', endpoint: `http://localhost:${inside.port}/` } } }],
        },
      },
    );
    await stack.client.post('/apply', { documents: [tenantWith()] });
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await inside?.close();
  }, 60_000);

  const ended = (id: string) =>
    eventually(
      async () => {
        const record = await stack.client.get<EventRecord>(`/events/${id}`);
        return ['accepted', 'moving'].includes(record.state) ? undefined : record;
      },
      { what: `the end of ${id}` },
    );

  it('calls nothing of its own network for a tenant, and says what to do', async () => {
    const [pushed, pinged] = await Promise.all([stack.send('github', 'push'), stack.send('github', 'ping')]);
    const { jobs } = await ended(pushed);
    expect(jobs.map(({ error }) => (error as { code: string }).code)).toEqual(['egress-refused', 'egress-refused']);
    expect(jobs.map(({ attempts }) => attempts)).toEqual([1, 1]);
    const { state, runs } = await ended(pinged);
    expect([state, runs[0]!.state]).toEqual(['failed', 'faulted']);
    const run = await stack.client.get<{ tasks: { error?: unknown }[] }>(`/runs/${runs[0]!.id}`);
    expect(JSON.stringify(run)).toMatch(/localhost.*loopback/);
    expect(inside.requests).toHaveLength(0);
  });

  it('lets an operator, and nobody of the tenant, open the way for one tenant', async () => {
    const open = { allow: [`localhost:${inside.port}`] };
    const own = `spw_${backend}_tenant_key_0123456789`;
    const key = document('ApiKey', 'own', { secret: { value: own }, scopes: ['*'] });
    await stack.client.post('/apply', { documents: [key] });
    const tenant = new Client(stack.admin, own);
    await expect(tenant.post('/apply', { documents: [tenantWith(open)] })).rejects.toMatchObject({ code: 'forbidden' });
    const wrong = tenantWith({ allow: ['http://x/'] });
    await expect(stack.client.post('/apply', { documents: [wrong] })).rejects.toMatchObject({
      code: 'resource-invalid',
    });
    await new Client(stack.admin, API_KEY).post('/apply', { documents: [tenantWith(open)] });
    expect((await ended(await stack.send('github', 'ping'))).state).toBe('done');
    expect(inside.requests).toHaveLength(1);
  });
});
