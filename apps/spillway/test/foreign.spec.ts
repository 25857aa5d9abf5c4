import type { Endpoint } from '@spillway/operations';
import { API_VERSION, resourceSchema } from '@spillway/contracts';
import { RunRecords } from '@spillway/persistence';
import { API_KEY, BACKENDS } from '@spillway/testing';
import { request } from 'undici';
import { type EndpointCall, EndpointWorld } from './endpoint-world';
import { Stack, TENANT } from './stack';

const OTHER = 'other';
/** As long as the tenant's name, so that answers differ in nothing else. */
const NOBODY = 'none';
/** What is not there, in the shape of what is. */
const UNKNOWN = '01a00000-0000-7000-8000-000000000000';
/** What no tenant does, whatever rights it has in itself, or only a person; and what is not verified the second time either. */
const NOT_FOR_TENANTS = [
  'GET /queues',
  'GET /queues/{queue}',
  'POST /quarantine/{id}/release',
  'POST /queues/{queue}/pause',
  'POST /queues/{queue}/resume',
  'POST /parked/release',
  'GET /audit/verify',
  'GET /encryption',
  'POST /encryption/rotate-master',
  'POST /encryption/{tenant}/rotate',
  'POST /tenants/{tenant}/shred',
  'GET /users/{name}/sessions',
  'POST /me/password',
  'GET /me/sessions',
  'DELETE /me/sessions/{id}',
];

/** What belongs to one tenant is, for another one, not there: the answer is that for what has never been. */
describe.each(BACKENDS)('all endpoints, asked by another tenant, on %s', (backend) => {
  let stack: Stack;
  let world: EndpointWorld;
  let endpoints: Endpoint[];

  beforeAll(async () => {
    stack = await Stack.start(backend);
    world = await EndpointWorld.build(stack);
    ({ endpoints } = world);
    const tenant = { apiVersion: API_VERSION, kind: 'Tenant', metadata: { name: OTHER }, spec: {} };
    await stack.client.post('/apply', { documents: [resourceSchema.parse(tenant)] });
  }, 60_000);

  afterAll(async () => {
    await world?.close();
    await stack?.close();
  }, 60_000);

  const keyOf = async (name: string, tenant: string) => {
    const { token } = await stack.client.post<{ token: string }>('/keys', { name, tenant, scopes: ['*'] });
    return { authorization: `Bearer ${token}` };
  };

  it('show nothing of it, not even that it is there, and do for the tenant itself what it asks', async () => {
    const strangers = {
      key: await keyOf('stranger', OTHER),
      person: { cookie: await world.person('admin', OTHER) },
    };
    const own = await keyOf('own', TENANT);
    const found: string[] = [];
    const refused: string[] = [];
    for (const one of endpoints) {
      const name = `${one.method} ${one.path}`;
      const call = await world.calls[name]!();
      for (const [who, headers] of Object.entries(strangers)) {
        const real = await world.call(one.method, call, headers);
        if (real.text.includes(EndpointWorld.secret)) found.push(`${who}: ${name} shows a payload: ${real.text}`);
        if (real.status >= 500) found.push(`${who}: ${name}: ${real.text}`);
        if (!namesTenant(one, call)) {
          // A list: of its own.
          if (real.status < 400 && mentions(real.text)) found.push(`${who}: ${name} tells of ${TENANT}: ${real.text}`);
          continue;
        }
        const never = await world.call(one.method, neverMade(one, call), headers);
        const [a, b] = [told(real, call), told(never, neverMade(one, call))];
        if (a !== b) found.push(`${who}: ${name} tells that it is there: ${a} and not ${b}`);
        if (real.status < 400) found.push(`${who}: ${name} is done: ${real.text}`);
      }
      // Row-level security is in nobody's way.
      const answer = await world.call(one.method, call, own);
      if (answer.status >= 400) refused.push(name);
      if (answer.status >= 500) found.push(`${name} fails for the tenant itself: ${answer.text}`);
    }
    expect(found).toEqual([]);
    expect(refused.sort()).toEqual([...NOT_FOR_TENANTS].sort());
  }, 120_000);

  it('release what a tenant has in quarantine, as ingress would have taken it', async () => {
    const { platform } = stack;
    const { url, body, headers } = stack.signed('github');
    const id = await platform.quarantine.hold({
      tenant: TENANT,
      source: 'github',
      code: 'signature-invalid',
      reason: 'the secret was another one',
      method: 'POST',
      url,
      headers,
      body: Buffer.from(body),
      receivedAt: new Date(),
    });
    const call = { path: `/quarantine/${id}/release`, body: {} };
    const answer = await world.call('POST', call, await keyOf('releasing', TENANT));
    expect(answer.status).toBe(200);
    expect((JSON.parse(answer.text) as { events: unknown[] }).events).toHaveLength(1);
    expect(await platform.quarantine.find(id)).toMatchObject({ state: 'released' });
  });

  it('leave no connection with the role of tenants, also when nobody waits for the answer', async () => {
    const headers = await keyOf('impatient', OTHER);
    const left = Array.from({ length: 40 }, async (_, at) => {
      const signal = AbortSignal.timeout(at % 8);
      return request(`${stack.admin}/api/v1/${at % 2 ? 'audit/export' : 'runs'}`, { headers, signal })
        .then(({ body }) => body.dump())
        .catch(() => undefined);
    });
    const { pool } = stack.platform.database;
    const users = new Set<string>();
    for (const one of left) {
      const asked = Array.from({ length: 10 }, () => pool.query<{ name: string }>('select current_user as name'));
      for (const { rows } of await Promise.all(asked)) users.add(rows[0]!.name);
      await one;
    }
    expect([...users]).toEqual(['spillway']);
  });

  it('show nothing of it where a query forgets whose rows it may read', async () => {
    const stranger = await keyOf('forgotten', OTHER);
    const { events, quarantine, usage, audit, callbacks, apiKeys, resources, outbox } = stack.platform;
    const mend = [
      ...[events, quarantine, usage, audit, apiKeys, resources, RunRecords.prototype].map((of) => forget(of, 'list')),
      forget(audit, 'all'),
      forget(callbacks, 'waiting'),
      forget(outbox, 'parked', ([, ...rest]) => [undefined, ...rest]),
    ];
    const paths = ['/events', '/quarantine', '/usage', '/audit', '/audit/export', '/approvals', '/keys', '/resources'];
    try {
      for (const path of [...paths, '/sources', '/runs', '/parked']) {
        const answer = await world.call('GET', { path: `${path}?tenant=${OTHER}` }, stranger);
        expect([path, answer.status, mentions(answer.text)]).toEqual([path, 200, false]);
        // So it would be without the policies.
        const asPlatform = { authorization: `Bearer ${API_KEY}` };
        const all = await world.call('GET', { path: `${path}?tenant=${OTHER}` }, asPlatform);
        if (path !== '/parked') expect([path, mentions(all.text)]).toEqual([path, true]);
      }
    } finally {
      for (const one of mend) one();
    }
  }, 60_000);
});

/** Lets a method ask for all tenants, whichever it is told. @returns what undoes it */
function forget(
  of: object,
  name: string,
  change = ([filter]: unknown[]): unknown[] => [{ ...(filter as object), tenant: undefined }],
): () => void {
  const methods = of as Record<string, (...told: unknown[]) => unknown>;
  const own = Object.getOwnPropertyDescriptor(of, name);
  const method = methods[name]!;
  methods[name] = function (this: unknown, ...told: unknown[]) {
    return method.apply(this, change(told));
  };
  return () => (own ? void Object.defineProperty(of, name, own) : void delete methods[name]);
}

/** The tenant's name as a value, of itself or in an address. */
function mentions(text: string): boolean {
  return new RegExp(`"${TENANT}"|/tenants/${TENANT}/|/${TENANT}/`).test(text);
}

const OWNED = new Set(['id', 'tenant']);

/** Whether the call is about something that is a tenant's. */
function namesTenant({ path }: Endpoint, { body }: EndpointCall): boolean {
  const isOwn = path.startsWith('/me/') || path.startsWith('/users/');
  return !isOwn && ([...path.matchAll(/\{(\w+)\}/g)].some(([, one]) => OWNED.has(one!)) || hasTenant(body));
}

function hasTenant(body: unknown): boolean {
  return JSON.stringify(body ?? null).includes(`"tenant":"${TENANT}"`);
}

/** The same call about what is not there. */
function neverMade({ path }: Endpoint, call: EndpointCall): EndpointCall {
  const template = path.split('/');
  const parts = call.path.split('/').map((part, at) => {
    if (template[at] === '{id}') return UNKNOWN;
    return template[at] === '{tenant}' ? NOBODY : part;
  });
  const text = JSON.stringify(call.body ?? null).replaceAll(`"tenant":"${TENANT}"`, `"tenant":"${NOBODY}"`);
  return {
    ...call,
    path: parts.join('/').replace(`tenant=${TENANT}`, `tenant=${NOBODY}`),
    body: JSON.parse(text) ?? undefined,
  };
}

/** What an answer says, but for the names that were asked for. */
function told({ status, text }: { status: number; text: string }, { path }: EndpointCall): string {
  const names = path
    .split(/[/?=&]/)
    .filter((part) => part.length > 3)
    .map(decodeURIComponent);
  const cut = [...names, TENANT, NOBODY].reduce((left, name) => left.replaceAll(name, '*'), text);
  return `${status} ${cut}`;
}
