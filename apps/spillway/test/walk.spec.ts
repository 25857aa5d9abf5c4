import { SCOPES } from '@spillway/contracts';
import type { Endpoint } from '@spillway/operations';
import type { ChainedEntry } from '@spillway/persistence';
import { API_KEY, BACKENDS, eventually } from '@spillway/testing';
import { request } from 'undici';
import { EndpointWorld } from './endpoint-world';
import { Stack, TENANT } from './stack';

/** Every endpoint is called: what it shows to whom, and what it leaves in the audit log. */
describe.each(BACKENDS)('all endpoints, on %s', (backend) => {
  let stack: Stack;
  let world: EndpointWorld;
  let endpoints: Endpoint[];

  beforeAll(async () => {
    stack = await Stack.start(backend);
    world = await EndpointWorld.build(stack);
    ({ endpoints } = world);
  }, 60_000);

  afterAll(async () => {
    await world?.close();
    await stack?.close();
  }, 60_000);

  const nameOf = ({ method, path }: Endpoint) => `${method} ${path}`;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const makeKey = async (name: string, scopes: string[]) =>
    (await stack.client.post<{ token: string }>('/keys', { name, scopes })).token;
  const newest = async (limit: number) =>
    (await stack.client.get<{ entries: ChainedEntry[] }>('/audit', { limit })).entries;

  it('are walked', () => {
    expect(Object.keys(world.calls).sort()).toEqual(endpoints.map(nameOf).sort());
  });

  it('show no payload to who has every right but that to see payloads, and every payload to who has it', async () => {
    const rights = SCOPES.filter((scope) => scope !== '*' && scope !== 'payloads:read');
    const blind = bearer(await makeKey(`blind-${backend}`, rights));
    const seeing = bearer(await makeKey(`seeing-${backend}`, [...rights, 'payloads:read']));
    const viewer = { cookie: await world.person('viewer') };
    const ofTenant = { cookie: await world.person('viewer', TENANT) };
    const leaks: string[] = [];
    const hidden: string[] = [];
    for (const one of endpoints) {
      const call = await world.calls[nameOf(one)]!();
      for (const [who, headers] of Object.entries({ blind, viewer, ofTenant })) {
        const answer = await world.call(one.method, call, headers);
        if (answer.text.includes(EndpointWorld.secret)) leaks.push(`${who}: ${nameOf(one)}: ${answer.text}`);
        if (who === 'blind' && answer.status >= 500) leaks.push(`${nameOf(one)}: ${answer.text}`);
        if (one.shows === 'payloads' && answer.status < 400)
          expect([nameOf(one), answer.headers['x-spillway-payloads']]).toEqual([nameOf(one), 'masked']);
      }
      if (one.shows !== 'payloads') continue;
      const answer = await world.call(one.method, call, seeing);
      if (!answer.text.includes(EndpointWorld.secret)) hidden.push(`${nameOf(one)}: ${answer.text}`);
    }
    expect(leaks).toEqual([]);
    expect(hidden).toEqual([]);
  }, 120_000);

  it('leave an audit entry for every change and every look at a payload, and none for anything else', async () => {
    const cookie = await world.person('admin');
    const wrong: unknown[] = [];
    for (const one of endpoints) {
      const call = await world.calls[nameOf(one)]!();
      const [before] = await newest(1);
      const who = call.person ? { cookie } : bearer(API_KEY);
      const answer = await world.call(one.method, call, { ...who, 'user-agent': 'the walk' });
      const entries = (await newest(50)).filter(
        ({ seq, actor, userAgent }) => seq > before!.seq && userAgent === 'the walk' && actor !== 'system',
      );
      const wanted = one.method !== 'GET' ? one.action : one.shows === 'payloads' ? 'payload.read' : undefined;
      const outcome = answer.status < 400 ? 'done' : 'refused';
      const fits = wanted
        ? entries.length > 0 &&
          entries.every((entry) => entry.action === wanted && entry.outcome === outcome && entry.address)
        : entries.length === 0;
      const ofTenant = one.shows !== 'payloads' || entries.every(({ tenant }) => tenant === TENANT);
      if (!fits || !ofTenant) wrong.push({ endpoint: nameOf(one), status: answer.status, text: answer.text, entries });
      if (answer.status >= 400 && !['POST /quarantine/{id}/release', 'DELETE /me/sessions/{id}'].includes(nameOf(one)))
        wrong.push({ endpoint: nameOf(one), status: answer.status, text: answer.text });
      expect(JSON.stringify(entries)).not.toContain(EndpointWorld.secret);
    }
    expect(wrong).toEqual([]);
    const report = await stack.client.get<{ ok: boolean; problems: unknown[] }>('/audit/verify');
    expect(report).toMatchObject({ ok: true, problems: [] });
  }, 120_000);

  it('of the board show no payload to viewers, and nothing at all to people of one tenant', async () => {
    const { path } = await world.calls['GET /jobs/{queue}/{id}']!();
    const id = path.split('/').at(-1)!;
    const get = async (at: string, cookie: string) => {
      const response = await request(`${stack.admin}${at}`, { headers: { cookie, 'user-agent': 'the board' } });
      return { status: response.statusCode, text: await response.body.text() };
    };
    const viewer = await world.person('viewer');
    const operator = await world.person('operator');
    const ofTenant = await world.person('admin', TENANT);
    for (const at of ['api/queues?activeQueue=ingress-events', `api/queues/ingress-events/${encodeURIComponent(id)}`]) {
      const full = await get(`/queues/${at}`, operator);
      // Sealed payloads are not opened for the board.
      expect([full.status, full.text.includes(EndpointWorld.secret)]).toEqual([200, !stack.platform.vault.seals]);
      const masked = await get(`/view/queues/${at}`, viewer);
      expect([masked.status, masked.text.includes(EndpointWorld.secret)]).toEqual([200, false]);
      expect(masked.text).toContain(id);
      expect((await get(`/queues/${at}`, viewer)).status).toBe(403);
    }
    expect(await get(`/view/queues/api/queues/ingress-events/${encodeURIComponent(id)}/logs`, viewer)).toMatchObject({
      status: 403,
    });
    for (const at of ['/queues', '/view/queues']) {
      const refused = await get(at, ofTenant);
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('Use the operations API')]);
      expect(await get(`${at}/api/queues`, ofTenant)).toMatchObject({ status: 403 });
    }
    const looks = (await newest(50)).filter((one) => one.userAgent === 'the board');
    expect(looks.map(({ action, target }) => `${action} ${target}`)).toEqual([
      `payload.read board/ingress-events/${id}`,
      'payload.read board/ingress-events',
    ]);
  }, 60_000);

  it('show no payload while the audit log is away; what was changed meanwhile is entered once it is back', async () => {
    const { pool } = stack.platform.database;
    const call = await world.calls['GET /events/{id}']!();
    await pool.query('alter table audit rename to audit_away');
    try {
      const look = await world.call('GET', call, bearer(API_KEY));
      expect([look.status, look.text]).toEqual([503, expect.stringContaining('audit-unavailable')]);
      expect(look.text).not.toContain(EndpointWorld.secret);
      const change = await stack.client.post('/queues/integration-tasks/resume', {});
      expect(change).toMatchObject({ name: 'integration-tasks' });
    } finally {
      await pool.query('alter table audit_away rename to audit');
    }
    const before = Date.now();
    const entry = await eventually(async () => (await newest(1)).find(({ action }) => action === 'queue.resume'));
    expect(entry).toMatchObject({ actor: 'key:admin', target: 'integration-tasks', outcome: 'done' });
    expect(Date.parse(entry.at)).toBeLessThan(before);
    // Told again, under the same id, and then of something else.
    const about = { kind: 'audit', tenant: TENANT, eventId: '', actor: 'key:admin', target: 'again' } as const;
    await stack.platform.facts.record([{ ...about, action: 'first', entryId: entry.id }]);
    await stack.platform.facts.record([{ ...about, action: 'second' }]);
    await eventually(async () => (await newest(1))[0]?.action === 'second');
    expect((await newest(3)).map(({ action }) => action)).toEqual(['second', 'queue.resume', expect.anything()]);
    expect(await stack.client.get('/audit/verify')).toMatchObject({ ok: true });
  }, 60_000);
});
