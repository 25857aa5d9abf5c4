import { loadConfig } from '@spillway/config';
import { type Fact, newId, QUEUE_NAMES, ROLES } from '@spillway/contracts';
import { createLog } from '@spillway/observability';
import type { Job, OneQueue } from '@spillway/queues';
import { BACKENDS, TestServers } from '@spillway/testing';
import { request } from 'undici';
import { type Answer, post, Stack } from './stack';
import { accepted, cloudEvent, NORTH, otherOf, SOUTH, type Tenant, TwoTenants } from './two-tenants';

const BOTH = [NORTH, SOUTH];
/** What is in payloads and secrets, and is to be nowhere else. */
const MARKS = BOTH.flatMap(({ payload, secret }) => [payload, secret]);
/** As long as a tenant's name, so that answers differ in nothing else. */
const NOBODY: Tenant = { ...NORTH, name: 'nobod-0a0a' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const holds = (text: string, marks: readonly string[]) => marks.some((mark) => text.includes(mark));
const marksOf = ({ name, payload, secret }: Tenant) => [name, payload, secret];

/** What two tenants do is looked for wherever only one of them may be found, or none. */
describe.each(BACKENDS)('two tenants, on %s', (backend) => {
  let stack: Stack;
  let world: TwoTenants;
  const written: string[] = [];

  beforeAll(async () => {
    const settings = { LOG_LEVEL: 'trace' };
    const log = createLog(loadConfig(settings).log, {}, { write: (line) => void written.push(line) });
    stack = await Stack.on(await TestServers.start(backend), settings, ROLES, log);
    world = await TwoTenants.build(stack);
  }, 60_000);

  afterAll(async () => {
    await world?.close();
    await stack?.close();
  }, 60_000);

  it('reach nothing of each other at any endpoint of the ingress, and do not learn what there is', async () => {
    const walked = new Set<string>();
    /** Asks for what is the other one's, and for what nobody has: both answers have to be the same. */
    const same = async (endpoint: string, ask: (owner: Tenant) => Promise<Answer>) => {
      walked.add(endpoint);
      const [real, never] = [await ask(SOUTH), await ask(NOBODY)];
      const told = ({ body }: Answer, { name }: Tenant) =>
        body.replaceAll(/01[\da-f]{6}(-[\da-f]{4}){3}-[\da-f]{12}/g, '*').replaceAll(name, '*');
      expect([real.status, told(real, SOUTH)]).toEqual([403, told(never, NOBODY)]);
      expect(real.body).not.toContain(SOUTH.payload);
    };

    const event = (owner: Tenant) => ({ type: 'go', tenant: owner.name, data: 1 });
    await same('POST /v1/events', (owner) => world.send(NORTH, event(owner)));
    await same('POST /v1/events', (owner) => world.send(NORTH, { events: [{ type: 'go', data: 2 }, event(owner)] }));

    const question = world.questions.get(SOUTH)!;
    const until = new Date(Date.now() + 60_000);
    /** Signed for one run, led to another. */
    const link = (kind: 'callbacks' | 'approvals', signed: Tenant, owner = signed) => {
      const { runId, node } = world.questions.get(signed)!;
      const { search } = new URL(stack.platform.links.url(kind, runId, node, until));
      const unknown = `${NOBODY.payload}.${NOBODY.name}-ask.0`.replace(
        NOBODY.payload,
        '01a00000-0000-7000-8000-000000000000',
      );
      return `${stack.ingress}/v1/${kind}/${owner === NOBODY ? unknown : world.questions.get(owner)!.runId}/${node}${search}`;
    };
    await same('POST /v1/callbacks/:run/:node', (owner) => post(link('callbacks', NORTH, owner), '{"output":1}'));
    await same('GET /v1/approvals/:run/:node', (owner) => post(link('approvals', NORTH, owner), '', {}, 'GET'));
    await same('POST /v1/approvals/:run/:node', (owner) =>
      post(link('approvals', NORTH, owner), 'approved=true&by=Eve', FORM),
    );
    const page = await post(link('approvals', SOUTH), '', {}, 'GET');
    expect([page.status, page.body.includes(SOUTH.payload)]).toEqual([200, true]);

    // Providers send without a key of ours, so the address may be known; what its secret did not sign is put aside.
    walked.add('POST /v1/in/:tenant/:source').add('OPTIONS /v1/in/:tenant/:source');
    const refused = [
      await world.hook(NORTH, SOUTH, '{"n":1}'),
      await world.batch(NORTH, SOUTH, [cloudEvent('b1', 1)]),
      await post(`${stack.ingress}/v1/in/${NORTH.name}/${SOUTH.name}-hook`, '{}'),
    ];
    expect(refused.map(({ status }) => status)).toEqual([401, 401, 404]);
    const shake = { 'webhook-request-origin': 'north.example' };
    const shaken = await post(`${stack.ingress}/v1/in/${SOUTH.name}/${SOUTH.name}-cloud`, '', shake, 'OPTIONS');
    for (const { body } of [...refused, shaken]) expect(holds(body, MARKS)).toBe(false);

    const routes = stack.started.ingress!.routes.filter((one) => !/^HEAD |\/health\/|\/openapi.json/.test(one));
    expect([...walked].sort()).toEqual([...routes].sort());

    await world.settled(NORTH);
    for (const one of BOTH) {
      const query = { tenant: one.name, limit: 200 };
      const { events } = await stack.client.get<{ events: { id: string }[] }>('/events', query);
      const known = world.events.get(one)!;
      expect(events.map(({ id }) => id).filter((id) => !known.includes(id))).toEqual([]);
    }
    const { approvals } = await stack.client.get<{ approvals: unknown[] }>('/approvals', { tenant: SOUTH.name });
    expect(approvals).toEqual([expect.objectContaining({ runId: question.runId, answeredAt: null })]);
  });

  /** With its data, as far as it can be opened. */
  const opened = async ({ name, dead, queue }: OneQueue, job: Job) => {
    const where = dead ? `${name}-dlq` : name;
    const data = await stack.platform.queues.codec.decode<Record<string, unknown>>(where, job.id!, job.data as object);
    return { name, dead, queue, job, data, stored: JSON.stringify(job) };
  };
  const allJobs = async () => {
    const queues = await Promise.all(
      stack.platform.queues.all().map(async (one) => {
        const jobs = await one.queue.getJobs(undefined, 0, -1);
        return Promise.all(jobs.filter(Boolean).map((job) => opened(one, job)));
      }),
    );
    return queues.flat();
  };

  it('have jobs that are of one of them, and hold nothing of the other', async () => {
    const seen = new Set<string>();
    for (const { name, dead, data, stored } of await allJobs()) {
      // Payloads are sealed, secrets are in no job.
      expect([name, holds(stored, MARKS)]).toEqual([name, false]);
      const facts = data['facts'] as Fact[] | undefined;
      // A batch of facts is the ledger's alone; of its facts each is one tenant's.
      const parts = facts ?? [data];
      for (const part of parts) {
        const text = JSON.stringify(part);
        const tenant = (part as { tenant?: string }).tenant ?? (part as { meta: { tenant: string } }).meta.tenant;
        const owner = BOTH.find((one) => one.name === tenant);
        if (!facts) expect(tenant).toBe(owner?.name);
        if (!owner) continue;
        expect([text, holds(text, marksOf(otherOf(owner)))]).toEqual([text, false]);
        if (!facts) expect([stored, holds(stored, [otherOf(owner).name])]).toEqual([stored, false]);
        seen.add(`${owner.name} ${name}${dead ? '-dlq' : ''}`);
      }
    }
    const queues = [...QUEUE_NAMES, 'integration-tasks-dlq', 'notifications-dlq'];
    expect([...seen].sort()).toEqual(BOTH.flatMap(({ name }) => queues.map((queue) => `${name} ${queue}`)).sort());
  });

  it('see their own jobs only', async () => {
    const looked = ({ name, payload }: Tenant) =>
      ({ kind: 'audit', tenant: name, eventId: '', actor: 'x', action: 'x', target: payload }) as const;
    for (const one of BOTH) await stack.platform.facts.record([looked(one), looked(otherOf(one))]);
    const jobs = await allJobs();
    const isMixed = (facts: Fact[] = []) => new Set(facts.map(({ tenant }) => tenant)).size > 1;
    expect(jobs.filter(({ data }) => isMixed(data['facts'] as Fact[])).length).toBeGreaterThan(1);
    const text = async (answer: Promise<unknown>) =>
      answer.then(
        (value) => JSON.stringify(value),
        (error: { code: string }) => error.code,
      );
    for (const one of BOTH) {
      const client = world.client(one);
      const other = otherOf(one);
      for (const queue of QUEUE_NAMES) {
        for (const path of ['/jobs', '/dead-letters', '/lanes']) {
          const list = await text(client.get(path, { queue, limit: 200 }));
          expect([path, queue, holds(list, marksOf(other))]).toEqual([path, queue, false]);
        }
      }
      await Promise.all(
        jobs.map(async ({ name, dead, job, data }) => {
          const found = await text(
            client.get(`/${dead ? 'dead-letters' : 'jobs'}/${name}/${encodeURIComponent(job.id!)}`),
          );
          expect([name, found, holds(found, marksOf(other))]).toEqual([name, found, false]);
          if (!holds(JSON.stringify(data), [one.name])) expect(found).toBe('not-found');
        }),
      );
      for (const path of ['/queues', '/queues/integration-tasks'])
        expect(await text(client.get(path))).toBe('forbidden');
    }
  });

  it('are in no label of a metric but where the busiest are named, and nothing they send is', async () => {
    const at = `http://localhost:${stack.platform.monitor!.port}/metrics`;
    const series = (await (await request(at)).body.text()).split('\n').filter((line) => line && !line.startsWith('#'));
    const sent = [...MARKS, ...BOTH.flatMap((one) => world.events.get(one)!), ...world.questions.values()];
    const leaks = series.filter((line) =>
      holds(
        line,
        sent.map((one) => (typeof one === 'string' ? one : one.runId)),
      ),
    );
    expect(leaks).toEqual([]);
    const named = series.filter((line) =>
      holds(
        line,
        BOTH.map(({ name }) => name),
      ),
    );
    expect(named.length).toBeGreaterThan(0);
    for (const line of named)
      expect(line).toMatch(/^spillway_tenant_(events|jobs)_total\{spillway_tenant="[a-z0-9-]+"\} \d+$/);
    for (const base of [stack.ingress, stack.admin, `${stack.admin}/api/v1`]) {
      const answer = await post(`${base}/metrics`, '', { authorization: `Bearer ${NORTH.token}` }, 'GET');
      expect([base, answer.status]).toEqual([base, 404]);
    }
  });

  it('read the usage of their own only', async () => {
    const client = world.client(NORTH);
    for (const path of ['/usage', '/quotas', '/limits']) {
      const text = await client.text(path);
      expect([path, holds(text, marksOf(SOUTH))]).toEqual([path, false]);
    }
    const csv = await client.text('/usage', { format: 'csv' });
    expect([csv.includes(NORTH.name), csv.includes(SOUTH.name)]).toEqual([true, false]);
    for (const tenant of [SOUTH.name, NOBODY.name])
      await expect(client.get('/usage', { tenant })).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringContaining('belongs to another tenant') as string,
      });
  });

  it('are in no log line together, and no payload or secret is in any', () => {
    const lines = written.map((line) => ({ line, ...(JSON.parse(line) as { tenant?: string; msg: string }) }));
    expect(lines.filter(({ line }) => holds(line, MARKS)).map(({ line }) => line)).toEqual([]);
    expect(lines.filter(({ line }) => BOTH.every(({ name }) => line.includes(name)))).toEqual([]);
    for (const one of BOTH) {
      const own = lines.filter(({ tenant }) => tenant === one.name);
      expect(own.filter(({ line }) => holds(line, marksOf(otherOf(one))))).toEqual([]);
      const said = new Set(own.map(({ msg }) => msg));
      for (const msg of ['job is dead', 'request quarantined', 'route could not be followed', 'noted', 'call failed'])
        expect([...said]).toContain(msg);
    }
    const dead = lines.filter(({ msg }) => msg === 'job is dead') as unknown as Record<string, unknown>[];
    for (const line of dead)
      for (const id of ['event', 'job', 'queue', 'tenant']) expect(typeof line[id]).toBe('string');
  });

  it('may call their own things as the other calls its own, and are not taken for each other', async () => {
    const made = await world.send(NORTH, { type: 'nobody', id: 'same', data: 1 }, { 'idempotency-key': 'k' });
    const again = await world.send(SOUTH, { type: 'nobody', id: 'same', data: 1 }, { 'idempotency-key': 'k' });
    expect([made.json()['duplicate'], again.json()['duplicate']]).toEqual([false, false]);
    const claims = { tenant: SOUTH.name, source: `/tenants/${SOUTH.name}/sources/api`, correlationid: 'x' };
    const batch = await world.batch(NORTH, NORTH, [cloudEvent('claimed', 1, claims)]);
    for (const id of [made, batch].flatMap(accepted)) {
      const { event } = await world.inState(id, 'unrouted', 'done');
      expect(event).toMatchObject({
        tenant: NORTH.name,
        source: expect.stringMatching(`^/tenants/${NORTH.name}/`) as string,
      });
      await expect(world.client(SOUTH).get(`/events/${id}`)).rejects.toMatchObject({ code: 'not-found' });
    }
    world.events.get(NORTH)!.push(...[made, batch].flatMap(accepted));
    world.events.get(SOUTH)!.push(...accepted(again));
  });

  it('have facts of their own also in a dead letter, which goes unread with the key of each', async () => {
    const facts = BOTH.map(({ name, payload }) => ({
      id: newId(),
      at: 1,
      kind: 'audit',
      tenant: name,
      target: payload,
    }));
    const id = newId();
    const error = { class: 'permanent', code: 'x', message: 'x' };
    const about = { tenant: '', eventId: '', error, attempts: 1, failedAt: Date.now() };
    const job = { id, name: 'facts', data: { facts }, opts: {} };
    await stack.platform.deadLetters.put('analytics-events', { queue: 'analytics-events', job, ...about });
    const left = async () => (await stack.platform.deadLetters.find('analytics-events', id))!.job.data;
    expect(await left()).toEqual({ facts });
    for (const one of BOTH)
      await expect(world.client(one).get(`/dead-letters/analytics-events/${id}`)).rejects.toMatchObject({
        code: 'not-found',
      });
    await stack.platform.keys.shred(NORTH.name);
    expect(await left()).toEqual({ facts: [facts[1]] });
  });
});
