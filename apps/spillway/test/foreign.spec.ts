import { allEndpoints, type Endpoint, Sessions, Users } from '@spillway/operations';
import { API_VERSION, resourceSchema } from '@spillway/contracts';
import { BACKENDS } from '@spillway/testing';
import { type EndpointCall, EndpointWorld } from './endpoint-world';
import { Stack, TENANT } from './stack';

const OTHER = 'other';
/** As long as the tenant's name, so that answers differ in nothing else. */
const NOBODY = 'none';
/** What is not there, in the shape of what is. */
const UNKNOWN = '01a00000-0000-7000-8000-000000000000';

/** What belongs to one tenant is, for another one, not there: the answer is that for what has never been. */
describe.each(BACKENDS)('all endpoints, asked by another tenant, on %s', (backend) => {
  let stack: Stack;
  let world: EndpointWorld;
  let endpoints: Endpoint[];

  beforeAll(async () => {
    stack = await Stack.start(backend);
    world = await EndpointWorld.build(stack);
    const { db } = stack.platform.database;
    const sessions = new Sessions(db, stack.platform.config.admin.session);
    endpoints = allEndpoints(stack.platform, { users: new Users(db), sessions, ingressUrl: () => stack.ingress });
    const tenant = { apiVersion: API_VERSION, kind: 'Tenant', metadata: { name: OTHER }, spec: {} };
    await stack.client.post('/apply', { documents: [resourceSchema.parse(tenant)] });
  }, 60_000);

  afterAll(async () => {
    await world?.close();
    await stack?.close();
  }, 60_000);

  it('show nothing of it, not even that it is there', async () => {
    const { token } = await stack.client.post<{ token: string }>('/keys', {
      name: `foreign-${backend}`,
      tenant: OTHER,
      scopes: ['*'],
    });
    const strangers = {
      key: { authorization: `Bearer ${token}` },
      person: { cookie: await world.person('admin', OTHER) },
    };
    const found: string[] = [];
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
    }
    expect(found).toEqual([]);
  }, 120_000);
});

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
