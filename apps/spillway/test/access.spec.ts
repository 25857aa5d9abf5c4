import { chromium } from 'playwright-core';
import { execFileSync } from 'node:child_process';
import { request } from 'undici';
import { PostgresLimits } from '@spillway/adapters';
import { API_KEY, BACKENDS, eventually } from '@spillway/testing';
import { Client } from '../src/client';
import { post, Stack, TENANT } from './stack';

const PASSWORD = 'a test password';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe.each(BACKENDS)('the admin, on %s', (backend) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start(backend);
    await stack.configure({
      kind: 'Route',
      name: 'log',
      spec: { to: { notify: { channel: 'log', message: '${ .type }' } } },
    });
  }, 60_000);

  afterAll(() => stack?.close(), 60_000);

  const login = async (name: string, password: string) => {
    const answer = await post(`${stack.admin}/login`, new URLSearchParams({ name, password }).toString(), FORM);
    return { status: answer.status, cookie: String(answer.headers['set-cookie'] ?? '').split(';')[0]! };
  };
  const get = async (path: string, cookie = '') => {
    const response = await request(`${stack.admin}${path}`, { headers: { cookie } });
    return { status: response.statusCode, location: response.headers['location'], body: await response.body.text() };
  };

  it('lets nobody in without a login, and sends browsers to it', async () => {
    expect(await get('/queues')).toMatchObject({ status: 302, location: '/login?next=%2Fqueues' });
    expect((await get('/queues/api/queues')).status).toBe(401);
    expect((await get('/api/v1/events')).status).toBe(401);
    expect((await login('admin', 'wrong password')).status).toBe(401);
    expect((await login('admin', 'admin')).status).toBe(401);
  });

  it('opens with a session cookie that scripts and other sites cannot use', async () => {
    const answer = await post(
      `${stack.admin}/login`,
      new URLSearchParams({ name: 'admin', password: PASSWORD }).toString(),
      FORM,
    );
    const cookie = String(answer.headers['set-cookie']);
    expect([answer.status, cookie]).toEqual([303, expect.stringMatching(/HttpOnly.*SameSite=Strict/)]);
    const session = cookie.split(';')[0]!;
    expect((await get('/queues', session)).status).toBe(200);
    const board = JSON.parse((await get('/queues/api/queues', session)).body) as { queues: { name: string }[] };
    expect(board.queues).toHaveLength(10);
    await post(`${stack.admin}/logout`, '', { cookie: session, ...FORM });
    expect((await get('/queues', session)).status).toBe(302);
  });

  it('shows the allowances and circuits of adapters to their tenant, and resets those of one', async () => {
    const shared = new PostgresLimits(stack.platform.database.pool);
    for (const gate of ['acme/crm', 'acme/crm2', 'other/crm']) {
      await shared.take(`${gate}#own`, { perSecond: 1, burst: 2 });
      await shared.open(gate, { forMs: 60_000, mostMs: 60_000, reason: 'it answered 503' }, false);
    }
    const token = `spw_limits_key_${backend}_0123456789`;
    await stack.configure({
      kind: 'ApiKey',
      name: 'limits',
      spec: { scopes: ['jobs:read', 'jobs:write'], secret: { value: token } },
    });
    const tenants = new Client(stack.admin, token);
    const keys = async (client: Client, query = {}) => {
      const found = await client.get<Record<'limits' | 'gates', { key: string }[]>>('/limits', query);
      return [...found.limits, ...found.gates].map(({ key }) => key);
    };
    expect(await keys(stack.client)).toHaveLength(6);
    expect(await keys(tenants)).toEqual(['acme/crm#own', 'acme/crm2#own', 'acme/crm', 'acme/crm2']);
    expect(await keys(tenants, { adapter: 'crm' })).toEqual(['acme/crm#own', 'acme/crm']);
    await expect(keys(tenants, { tenant: 'other' })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(tenants.post('/limits/other/crm/reset', {})).rejects.toMatchObject({ code: 'not-found' });
    expect(await tenants.post('/limits/acme/crm/reset', { reason: 'mended' })).toMatchObject({ reset: 2 });
    expect(await keys(stack.client)).toEqual(['acme/crm2#own', 'other/crm#own', 'acme/crm2', 'other/crm']);
    const { entries } = await stack.client.get<{ entries: object[] }>('/audit');
    expect(entries[0]).toMatchObject({ action: 'limits.reset', target: 'acme/crm', details: { reason: 'mended' } });
  });

  it('lets viewers look and nothing else', async () => {
    const name = `viewer-${backend}`;
    await put(`/users/${name}`, { password: 'viewer password', role: 'viewer' });
    const { cookie } = await login(name, 'viewer password');
    expect(await get('/queues', cookie)).toMatchObject({ status: 302, location: '/view/queues' });
    expect((await get('/view/queues', cookie)).status).toBe(200);
    const paused = await request(`${stack.admin}/queues/api/queues/notifications/pause`, {
      method: 'PUT',
      headers: { cookie },
    });
    expect(paused.statusCode).toBe(403);
    expect((await get('/api/v1/events', cookie)).status).toBe(200);
    const pause = await post(`${stack.admin}/api/v1/queues/notifications/pause`, '{}', {
      cookie,
      'content-type': 'application/json',
    });
    expect([pause.status, pause.json()['code']]).toEqual([403, 'forbidden']);

    async function put(path: string, body: object) {
      const { statusCode } = await request(`${stack.admin}/api/v1${path}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(statusCode).toBe(200);
    }
  });

  it('shuts the door after five wrong passwords', async () => {
    const answers = [];
    for (let attempt = 0; attempt < 6; attempt += 1) answers.push((await login('guessed', 'no')).status);
    expect(answers.at(-1)).toBe(429);
  });

  it("keeps a tenant's key to its tenant and scopes", async () => {
    const applied = await stack.client.post<{ applied: { token?: string }[] }>('/apply', {
      documents: [
        { apiVersion: 'spillway/v1', kind: 'Tenant', metadata: { name: 'other' }, spec: {} },
        {
          apiVersion: 'spillway/v1',
          kind: 'ApiKey',
          metadata: { name: 'k', tenant: 'other' },
          spec: { scopes: ['events:read', 'resources:write'] },
        },
      ],
    });
    const key = applied.applied.find((one) => one.token)!.token!;
    const client = new Client(stack.admin, key);
    const id = await stack.send('stripe');
    expect(await client.get('/events')).toEqual({ events: [] });
    await expect(client.get('/events', { tenant: TENANT })).rejects.toThrow('belongs to another tenant');
    await expect(client.get(`/events/${id}`)).rejects.toThrow('there is no event');
    await expect(client.get('/dead-letters')).rejects.toThrow('needs the scope dead-letters:read');
    const own = {
      apiVersion: 'spillway/v1',
      kind: 'ApiKey',
      metadata: { name: 'more', tenant: 'other' },
      spec: { scopes: ['*'] },
    };
    await expect(client.post('/apply', { documents: [own] })).rejects.toThrow('may not apply');
    const stored = await stack.platform.database.pool.query<{ hash: Buffer; hint: string }>(
      `select hash, hint from api_keys where name = 'k'`,
    );
    expect(JSON.stringify(stored.rows)).not.toContain(key);
  });

  it('describes itself, and records who did what', async () => {
    const api = JSON.parse((await get('/openapi.json')).body) as { openapi: string; paths: object };
    expect(api.openapi).toBe('3.1.0');
    expect(Object.keys(api.paths).length).toBeGreaterThan(20);
    const { entries } = await stack.client.get<{ entries: { actor: string; action: string }[] }>('/audit');
    expect(entries).toContainEqual(expect.objectContaining({ actor: 'key:admin', action: 'resource.apply' }));
    await eventually(async () => {
      const { usage } = await stack.client.get<{ usage: { metric: string }[] }>('/usage');
      return usage.some((row) => row.metric === 'events');
    });
  });

  it('keeps secrets sealed', async () => {
    const { rows } = await stack.platform.database.pool.query<{ all: string }>(
      'select json_agg(resources)::text as all from resources',
    );
    expect(rows[0]!.all).not.toContain('t0k3n');
    const { resources } = await stack.client.get<{ resources: unknown[] }>('/resources', { kind: 'Tenant' });
    expect(JSON.stringify(resources)).not.toContain('t0k3n');
  });

  it('shows the board in a browser', async () => {
    const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      await page.goto(`${stack.admin}/`);
      await page.fill('input[name=name]', 'admin');
      await page.fill('input[name=password]', PASSWORD);
      await page.click('button');
      await page.waitForURL('**/queues**');
      await page.getByText('ingress-events', { exact: true }).first().waitFor();
      await page.getByText('ingress-events-dlq', { exact: true }).first().waitFor();
      if (process.env['SCREENSHOT']) await page.screenshot({ path: process.env['SCREENSHOT'] });
    } finally {
      await browser.close();
    }
  }, 60_000);
});
