import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_VERSION, newEventId, type Resource, resourceSchema } from '@spillway/contracts';
import type { EventRecord } from '@spillway/persistence';
import { API_KEY, BACKENDS, eventually, HttpServer } from '@spillway/testing';
import Redis from 'ioredis';
import { request } from 'undici';
import { Client } from '../src/client';
import { post, Stack, TENANT } from './stack';

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
    inside = await HttpServer.start({
      '/': (_, response) => response.end('{}'),
      '/echo': ({ body }, response) => response.end(body),
      '/refuse': ({ body }, response) => response.writeHead(400).end(body),
    });
    stack = await Stack.start(backend, { EGRESS_ALLOW: '', JOB_SIGNING: 'on' });
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

  /** An event of the tenant's own service, with a payload to look for. @returns its id */
  const accept = async (type: string, delay?: string) => {
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
    const body = JSON.stringify({
      tenant: TENANT,
      type,
      data: { secret: SECRET },
      id: Math.random().toString(36),
      delay,
    });
    const answer = await post(`${stack.ingress}/v1/events`, body, headers);
    expect(answer.status).toBe(202);
    return answer.json<{ id: string }>().id;
  };

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

  it('leaves no payload where its database, its queues or their files can be read', async () => {
    const base = `http://localhost:${inside.port}`;
    const ask = { call: 'spillway.approval', with: { title: '${ .data.secret }', details: '${ .data }' } };
    const call = (path: string) => ({
      call: 'http',
      with: { method: 'post', endpoint: `${base}/${path}`, body: '${ $workflow.input.data }' },
    });
    const route = (type: string, to: unknown) =>
      document('Route', type.replace('.', '-'), { match: { types: [type] }, to });
    await stack.client.post('/apply', {
      documents: [
        route('rest.echo', { http: { url: `${base}/echo`, body: '${ .data }' } }),
        route('rest.refuse', { http: { url: `${base}/refuse`, body: '${ .data }' } }),
        route('rest.flow', { flow: 'rest' }),
        route('rest.ask', { flow: 'rest-ask' }),
        document('Flow', 'rest', { do: [{ one: call('echo') }, { two: call('refuse') }] }),
        document('Flow', 'rest-ask', { do: [{ keep: { set: { data: '${ .data }' } } }, { ask }] }),
      ],
    });
    const ids = await Promise.all(['rest.echo', 'rest.refuse', 'rest.flow', 'rest.ask'].map((type) => accept(type)));
    await accept('rest.echo', '1h');
    const { url, headers } = stack.signed('github');
    const refused = await post(`${url}?q=${SECRET}`, JSON.stringify({ secret: SECRET }), { ...headers, 'x-s': SECRET });
    expect(refused.status).toBe(401);
    for (const id of ids.slice(0, 3)) await ended(id);
    await eventually(async () => (await stack.platform.callbacks.waiting({ limit: 10 })).length === 1);

    expect(await whereIn(stack, SECRET)).toEqual([]);
    // It is there for who has the right to see it.
    const record = await stack.client.get<EventRecord>(`/events/${ids[0]}`);
    expect(record.event.data).toEqual({ secret: SECRET });
    const [waiting] = await stack.platform.callbacks.waiting({ limit: 10 });
    expect([waiting!.title, waiting!.details]).toEqual([SECRET, { details: { secret: SECRET } }]);
    const { requests } = await stack.client.get<{ requests: { id: string; bytes: number }[] }>('/quarantine');
    const held = await stack.client.get(`/quarantine/${requests[0]!.id}`);
    expect(JSON.stringify(held)).toContain(`?q=${SECRET}`);
    expect(requests[0]!.bytes).toBe(JSON.stringify({ secret: SECRET }).length);
    for await (const letter of stack.platform.deadLetters.matching('integration-tasks', { route: 'rest-refuse' }, 5)) {
      expect(JSON.stringify(letter.job.data)).toContain(SECRET);
    }
  }, 60_000);

  it('runs no job that somebody else put into a queue', async () => {
    const { queues } = stack.platform;
    const queue = queues.queueOf('integration-tasks', TENANT);
    const meta = { tenant: TENANT, priority: 'normal', createdBy: 'x', createdAt: Date.now(), correlationId: 'x' };
    const task = { http: { url: `http://localhost:${inside.port}/`, method: 'POST', headers: {} } };
    const event = { id: newEventId('00'), tenant: TENANT, type: 'forged', source: '/x', data: {} };
    const before = inside.requests.length;
    const counted = async () => {
      const { body } = await request(`http://localhost:${stack.platform.monitor!.port}/metrics`);
      const line = /^spillway_jobs_forged_total\{messaging_destination_name="integration-tasks"\} (\d+)$/m;
      return Number(line.exec(await body.text())?.[1]);
    };
    // From the start, so that the first one is an increase; the metrics are those of the process, with all its stacks.
    const forged = await counted();
    // As it would be without protection, and one that was taken from another place.
    await queue.add('forged', { task, route: 'r', event, meta }, { jobId: 'forged-clear', removeOnFail: true });
    const id = await accept('rest.echo', '1h');
    const real = (await queues.find('ingress-events', id, TENANT))!;
    await queue.add('moved', real.data, { jobId: 'forged-moved', removeOnFail: true });
    for (const jobId of ['forged-clear', 'forged-moved']) {
      const letter = await eventually(() => stack.platform.deadLetters.find('integration-tasks', jobId));
      expect(letter).toMatchObject({ tenant: '', error: { code: 'job-forged', class: 'permanent' } });
      const again = stack.platform.deadLetters.redrive('integration-tasks', jobId);
      await expect(again).rejects.toMatchObject({ code: 'dead-letter-unreadable' });
    }
    expect(inside.requests).toHaveLength(before);
    expect(await counted()).toBe(forged + 2);
    const audited = async () => {
      const { entries } = await stack.client.get<{ entries: { action: string; target: string }[] }>('/audit');
      const forged = entries.filter(({ action }) => action === 'job.forged').map(({ target }) => target);
      return forged.length === 2 && forged.sort();
    };
    expect(await eventually(audited)).toEqual(['integration-tasks/forged-clear', 'integration-tasks/forged-moved']);
  });

  it('lets nobody read a tenant that was shredded, and goes on with it', async () => {
    const id = await accept('rest.echo');
    await ended(id);
    const waits = await accept('rest.echo', '1h');
    await stack.client.post(`/encryption/${TENANT}/rotate`, {});
    const wrong = stack.client.post(`/tenants/${TENANT}/shred`, { confirm: 'other' });
    await expect(wrong).rejects.toMatchObject({ code: 'not-confirmed' });
    const { keys } = await stack.client.post<{ keys: number }>(`/tenants/${TENANT}/shred`, { confirm: TENANT });
    expect(keys).toBe(2);
    const record = await stack.client.get<EventRecord>(`/events/${id}`);
    expect([record.event, record.state]).toEqual([{ unreadable: 'data-shredded' }, 'done']);
    const job = await stack.platform.queues.find('ingress-events', waits, TENANT);
    await expect(stack.platform.queues.read('ingress-events', job!)).rejects.toMatchObject({ code: 'data-shredded' });
    expect(await stack.platform.callbacks.waiting({ limit: 10 })).toEqual([]);
    expect((await ended(await accept('rest.echo'))).event.data).toEqual({ secret: SECRET });
  });
});

/** A string of its own, in no name and no setting. */
const SECRET = 'Zk3-payload-9wQ';

/** Where a string can be read: tables, files of PostgreSQL, Redis and its file. */
async function whereIn(stack: Stack, text: string): Promise<string[]> {
  const { pool } = stack.platform.database;
  const found: string[] = [];
  const spellings = [text, Buffer.from(text).toString('hex'), Buffer.from(text).toString('base64').slice(0, -4)];
  const { rows } = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  for (const { name } of rows) {
    const query = `select t::text from ${name} t where t::text ilike any($1) limit 1`;
    const hit = await pool.query<{ t: string }>(query, [spellings.map((one) => `%${one}%`)]);
    if (hit.rowCount) found.push(`${name}: ${hit.rows[0]!.t.slice(0, 300)}`);
  }
  await pool.query('checkpoint');
  const directory = await pool.query<{ data_directory: string }>('show data_directory');
  const folders = [directory.rows[0]!.data_directory];
  if (stack.servers.redis) {
    const redis = new Redis(stack.servers.redis.url);
    folders.push(((await redis.config('GET', 'dir')) as string[])[1]!);
    await redis.quit();
  }
  for (const folder of folders) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      if (readFileSync(file).includes(text)) found.push(file);
    }
  }
  return found;
}
