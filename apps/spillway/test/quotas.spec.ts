import { API_VERSION, type Quotas, resourceSchema, type Scope } from '@spillway/contracts';
import { dropRetiredKeys, forgetOld } from '@spillway/workers';
import { API_KEY, BACKENDS, eventually, ThirdParty } from '@spillway/testing';
import { Client } from '../src/client';
import { post, Stack } from './stack';

const DAY_MS = 86_400_000;

interface Sent {
  id: string;
}

describe.each(BACKENDS)('quotas, on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;

  beforeAll(async () => {
    stack = await Stack.start(backend);
    other = await ThirdParty.start();
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await other?.close();
  }, 60_000);

  const document = (kind: string, name: string, spec: object, tenant?: string) =>
    resourceSchema.parse({ apiVersion: API_VERSION, kind, metadata: { name, ...(tenant && { tenant }) }, spec });

  async function tenant(name: string, spec: { quotas?: Quotas; plan?: string; retention?: object }): Promise<void> {
    const documents = [
      document('Tenant', name, spec),
      document('Route', 'call', { match: { types: ['x'] }, to: { http: { url: `${other.url}/${name}` } } }, name),
    ];
    await stack.client.post('/apply', { documents });
  }

  async function keyOf(name: string, scopes: Scope[]): Promise<string> {
    const { applied } = await stack.client.post<{ applied: { token: string }[] }>('/apply', {
      documents: [document('ApiKey', 'own', { scopes }, name)],
    });
    return applied[0]!.token;
  }

  const send = (name: string, more: object = {}, key = API_KEY) =>
    post(`${stack.ingress}/v1/events`, JSON.stringify({ tenant: name, type: 'x', data: Math.random(), ...more }), {
      'content-type': 'application/json',
      authorization: `Bearer ${key}`,
    });

  const done = (id: string, state = 'done') =>
    eventually(async () => (await stack.platform.events.find(id))?.state === state, { what: `${id} ${state}` });

  it('refuse what is over the rate, with the time to come back, and touch nobody else', async () => {
    await tenant('busy', { quotas: { eventsPerSecond: { limit: 0.01, burst: 2, policy: 'reject' } } });
    await tenant('calm', {});
    expect((await send('busy')).status).toBe(202);
    expect((await send('busy')).status).toBe(202);
    const refused = await send('busy');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(5);
    expect(refused.json()).toMatchObject({
      code: 'quota-exceeded',
      detail: expect.stringContaining('"busy" has used up its 0.01 events a second') as string,
      remedy: expect.any(String) as string,
    });
    expect((await send('calm')).status).toBe(202);
  });

  it('hold for webhooks as well, whose request is taken whole or not at all', async () => {
    await stack.configure();
    const spec = { secrets: { token: { value: 't0k3n' } }, quotas: { eventsPerDay: { limit: 1, policy: 'reject' } } };
    await stack.client.post('/apply', { documents: [document('Tenant', 'acme', spec)] });
    const { url, body, headers } = stack.signed('stripe');
    expect((await post(url, body, headers)).status).toBe(202);
    const second = stack.signed('stripe');
    expect((await post(second.url, second.body, second.headers)).status).toBe(429);
    const { quotas } = await stack.client.get<{ quotas: object[] }>('/quotas', { tenant: 'acme' });
    expect(quotas).toMatchObject([{ tenant: 'acme', quotas: [{ quota: 'eventsPerDay', limit: 1, used: 1 }] }]);
  });

  it('delay what is over the rate', async () => {
    await tenant('late', { quotas: { eventsPerSecond: { limit: 1, burst: 1, policy: 'delay' } } });
    const began = Date.now();
    const answers = [await send('late'), await send('late'), await send('late')];
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    for (const answer of answers) await done(answer.json<Sent>().id);
    expect(Date.now() - began).toBeGreaterThanOrEqual(2_000);
  });

  it('park what is over the day, until an operator releases or drops it', async () => {
    await tenant('kept', { quotas: { eventsPerDay: { limit: 2, policy: 'park' } } });
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) ids.push((await send('kept', { id: `e${i}` })).json<Sent>().id);
    await done(ids[1]!);
    // Sent again, a parked event is a duplicate.
    expect((await send('kept', { id: 'e4' })).json()).toEqual({ id: ids[4], duplicate: true });
    const list = () =>
      stack.client.get<{ parked: { eventId: string; quota: string }[] }>('/parked', { tenant: 'kept' });
    expect((await list()).parked.map(({ eventId }) => eventId)).toEqual(ids.slice(2));
    // They wait for a person: no alert of an outbox that is not emptied.
    expect(await stack.platform.outbox.waiting()).toEqual({ depth: 0, oldest: undefined });
    expect(await stack.client.post('/parked/release', { tenant: 'kept', limit: 2 })).toEqual({ released: 2 });
    await done(ids[2]!);
    await done(ids[3]!);
    expect(await stack.client.post('/parked/drop', { tenant: 'kept' })).toEqual({ dropped: 1 });
    expect((await list()).parked).toEqual([]);
    expect(other.calls.filter(({ path }) => path === '/kept')).toHaveLength(4);
  });

  it('park what would overtake a parked event of its ordering key', async () => {
    const order = (limit: number) => tenant('order', { quotas: { eventsPerDay: { limit, policy: 'park' } } });
    const sent = async (n: number, orderingKey: string) =>
      (await send('order', { orderingKey, data: n })).json<Sent>().id;
    await order(1);
    await done(await sent(1, 'a'));
    const second = await sent(2, 'a');
    await order(100);
    const third = await sent(3, 'a');
    await done(await sent(4, 'b'));
    expect(await stack.client.get('/parked', { tenant: 'order' })).toMatchObject({
      parked: [
        { eventId: second, quota: 'eventsPerDay' },
        { eventId: third, quota: 'eventsPerDay' },
      ],
    });
    await stack.client.post('/parked/release', { tenant: 'order' });
    await done(third);
    await done(await sent(5, 'a'));
    const told = other.calls
      .filter(({ path }) => path === '/order')
      .map(({ body }) => (JSON.parse(body) as { data: number }).data);
    expect(told).toEqual([1, 4, 2, 3, 5]);
  });

  it('of runs let wait, or go to the dead letters', async () => {
    const flow = (name: string) => [
      document('Flow', 'slow', { do: [{ nap: { wait: { seconds: 2 } } }] }, name),
      document('Route', 'run', { match: { types: ['run'] }, to: { flow: 'slow' } }, name),
    ];
    await tenant('runs', { quotas: { openRuns: { limit: 1, policy: 'delay' } } });
    await stack.client.post('/apply', { documents: flow('runs') });
    const both = [await send('runs', { type: 'run' }), await send('runs', { type: 'run' })];
    for (const one of both) await done(one.json<Sent>().id);
    const { runs } = await stack.client.get<{ runs: { startedAt: string; endedAt: string }[] }>('/runs', {
      tenant: 'runs',
    });
    expect(runs).toHaveLength(2);
    expect(Date.parse(runs[0]!.startedAt)).toBeGreaterThanOrEqual(Date.parse(runs[1]!.endedAt));

    await tenant('few', { quotas: { runsPerDay: { limit: 1, policy: 'reject' } } });
    await stack.client.post('/apply', { documents: flow('few') });
    await done((await send('few', { type: 'run' })).json<Sent>().id);
    const second = (await send('few', { type: 'run' })).json<Sent>().id;
    await done(second, 'dead-letter');
    const { deadLetters } = await stack.client.get<{ deadLetters: object[] }>('/dead-letters', { tenant: 'few' });
    expect(deadLetters).toMatchObject([{ eventId: second, error: { code: 'quota-exceeded' } }]);
  }, 30_000);

  it('come from a plan, where the tenant has none of its own; only the platform sets either', async () => {
    const plan = { quotas: { eventsPerDay: { limit: 7 }, openRuns: { limit: 3 } }, retention: { payloads: '1d' } };
    await stack.client.post('/apply', { documents: [document('Plan', 'small', plan)] });
    await tenant('planned', { plan: 'small', quotas: { eventsPerDay: { limit: 9, policy: 'park' } } });
    const { quotas } = await stack.client.get<{ quotas: object[] }>('/quotas', { tenant: 'planned' });
    expect(quotas).toMatchObject([
      {
        retention: { payloads: 86_400_000 },
        quotas: [
          { quota: 'eventsPerDay', limit: 9, policy: 'park', used: 0 },
          { quota: 'openRuns', limit: 3, policy: 'reject', used: 0 },
        ],
      },
    ]);
    const own = new Client(stack.admin, await keyOf('planned', ['resources:write', 'resources:read']));
    const more = document('Tenant', 'planned', { quotas: { eventsPerDay: { limit: 1_000_000 } } });
    await expect(own.post('/apply', { documents: [more] })).rejects.toThrow(/may not set "quotas"/);
    await own.post('/apply', { documents: [document('Tenant', 'planned', { title: 'Ours' })] });
    const after = await own.get<{ quotas: object[] }>('/quotas');
    expect(after.quotas).toEqual(quotas);
    await expect(own.post('/apply', { documents: [document('Plan', 'mine', plan)] })).rejects.toThrow(
      /may not apply Plan/,
    );
    await expect(tenant('lost', { plan: 'none' })).rejects.toThrow('there is no plan "none"');
  });

  it('count what is used, as CSV and for a billing system that asks again', async () => {
    await tenant('billed', {});
    await done((await send('billed')).json<Sent>().id);
    const ask = (more: object = {}) =>
      stack.client.get<{ usage: { metric: string; count: number }[]; next: string }>('/usage', {
        tenant: 'billed',
        ...more,
      });
    const { usage, next } = await ask();
    expect(usage.map(({ metric }) => metric).sort()).toEqual(['attempts.ok', 'events']);
    const csv = await stack.client.text('/usage', { tenant: 'billed', format: 'csv' });
    expect(csv.split('\r\n')[0]).toBe('tenant,day,source,metric,count,bytes,changedAt');
    expect(csv).toMatch(/^billed,\d{4}-\d\d-\d\d,api,events,1,\d+,/m);
    expect((await ask({ changedAfter: new Date(Date.now() + 1_000).toISOString() })).usage).toEqual([]);
    await done((await send('billed')).json<Sent>().id);
    expect((await ask({ changedAfter: next })).usage).toMatchObject([{ count: 2 }, { count: 2 }]);
  });

  it('end with what a tenant wants forgotten: payloads before events', async () => {
    await tenant('short', { retention: { payloads: '1ms' } });
    await tenant('gone', { retention: { events: '1ms' } });
    const [kept, gone] = [(await send('short')).json<Sent>().id, (await send('gone')).json<Sent>().id];
    await done(kept);
    await done(gone);
    const { pool } = stack.platform.database;
    // What the ledger knows of jobs of facts, as long as one may come again: dead letters are kept for 30 days.
    await pool.query(
      `insert into ledger_jobs (id, at) values ('older', now() - interval '32 d'), ('old', now() - interval '30 d')`,
    );
    await forgetOld(stack.platform);
    const { rows } = await pool.query(`select id from ledger_jobs where id like 'old%'`);
    expect(rows).toEqual([{ id: 'old' }]);
    expect((await stack.platform.events.find(kept))!.event.data).toBeNull();
    expect((await stack.platform.events.find(kept))!.timeline.length).toBeGreaterThan(1);
    expect(await stack.platform.events.find(gone)).toBeUndefined();
    // Nor is it in jobs that are done, of facts either; others' jobs stay.
    const { queues } = stack.platform;
    const jobsDone = async () => {
      await forgetOld(stack.platform);
      const all = queues.all().map(async ({ queue, dead }) => (dead ? [] : queue.getJobs(['completed'])));
      return JSON.stringify((await Promise.all(all)).flat().map(({ data }) => queues.codec.shown(data as object)));
    };
    const left = await eventually(async () => {
      const text = await jobsDone();
      return !text.includes('"short"') && !text.includes('"gone"') && text;
    });
    expect(left).toContain('"billed"');
  });

  it('end, for a key that was retired, once nothing stored needs it, and not before', async () => {
    const { platform } = stack;
    const { pool } = platform.database;
    await tenant('turned', {});
    other.answer = ({ path }) => ({ status: path === '/turned' ? 400 : 200 });
    const dead = (await send('turned')).json<Sent>().id;
    await done(dead, 'dead-letter');
    const delayed = (await send('turned', { delay: '1h' })).json<Sent>().id;
    const first = platform.vault.keyId('turned');
    const current = await platform.keys.rotate('turned');
    // A year on.
    const year = `interval '365 days'`;
    await pool.query(`update tenant_keys set retired_at = retired_at - ${year} where id = $1`, [first]);
    await pool.query(`update events set accepted_at = accepted_at - ${year} where tenant = 'turned'`);
    const before = new Date(Date.now() - 300 * DAY_MS);
    let now = Date.now();
    /** Two looks, as on the next two days. */
    const dropped = async () => {
      let count = 0;
      for (const _ of [1, 2]) count += await dropRetiredKeys(platform, before, (now += DAY_MS));
      return count;
    };
    // The event is there; then its dead letter; then a job that waits.
    expect(await dropped()).toBe(0);
    await pool.query(`delete from events where tenant = 'turned'`);
    expect(await dropped()).toBe(0);
    await platform.deadLetters.remove('integration-tasks', `${dead}.call.0`, 'turned');
    expect(await dropped()).toBe(0);
    await (await platform.queues.find('ingress-events', delayed, 'turned'))!.remove();
    expect(await dropRetiredKeys(platform, before, (now += DAY_MS))).toBe(0);
    expect(await dropRetiredKeys(platform, before, now + 1)).toBe(0);
    expect(await dropRetiredKeys(platform, before, (now += DAY_MS))).toBe(1);
    const left = (await platform.keys.list()).filter((one) => one.tenant === 'turned');
    expect(left.map(({ id }) => id)).toEqual([current]);
  });
});
