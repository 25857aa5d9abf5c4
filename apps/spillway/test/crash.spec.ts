import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChaos, SpillwayProcess } from '@spillway/chaos';
import { API_VERSION, resourceSchema } from '@spillway/contracts';
import { type Database, type EventRecord, openDatabase } from '@spillway/persistence';
import { API_KEY, BACKENDS, eventually, TestServers, ThirdParty } from '@spillway/testing';
import { Client } from '../src/client';
import { post } from './stack';

const WORKERS = 'worker-ingress,worker-orchestration,worker-integration,worker-notifications,worker-analytics';

describe.each(BACKENDS)('a worker that dies, on %s', (backend) => {
  let servers: TestServers;
  let edge: SpillwayProcess;
  let client: Client;
  let database: Database;
  const processes: SpillwayProcess[] = [];

  beforeAll(async () => {
    servers = await TestServers.start(backend);
    edge = await start('ingress-api,admin');
    client = new Client(edge.adminUrl, API_KEY);
    database = openDatabase(servers.postgres.url, 2);
  }, 60_000);

  afterAll(async () => {
    await Promise.all(processes.map((one) => one.kill()));
    await database?.close();
    await servers?.close();
  }, 60_000);

  // A test that failed must not leave its workers to the next.
  afterEach(async () => {
    await Promise.all(processes.filter((one) => one !== edge).map((one) => one.kill()));
  });

  async function start(roles: string, extra: Record<string, string> = {}): Promise<SpillwayProcess> {
    const one = await SpillwayProcess.start(roles, servers.environment(extra));
    processes.push(one);
    return one;
  }

  async function route(url: string, more: object = {}, tenant = 't'): Promise<void> {
    const documents = [
      { apiVersion: API_VERSION, kind: 'Tenant', metadata: { name: tenant }, spec: {} },
      {
        apiVersion: API_VERSION,
        kind: 'Route',
        metadata: { tenant, name: 'r' },
        spec: { to: { http: { url }, ...more } },
      },
    ].map((one) => resourceSchema.parse(one));
    await client.post('/apply', { documents });
  }

  async function send(data: number = Math.random(), tenant = 't'): Promise<string> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` };
    const answer = await post(`${edge.ingressUrl}/v1/events`, JSON.stringify({ tenant, type: 'x', data }), headers);
    return answer.json<{ id: string }>().id;
  }

  const ended = (id: string, withinMs = 20_000) =>
    eventually(
      async () => {
        const record = await client.get<EventRecord>(`/events/${id}`);
        return ['done', 'dead-letter'].includes(record.state) ? record : undefined;
      },
      { withinMs, what: `the end of ${id}` },
    );

  it('in the middle of a job leaves it to the next, and the ledger shows the repeat', async () => {
    const slow = await ThirdParty.start({ delayMs: 1_500 });
    await route(slow.url);
    const victim = await start(WORKERS);
    const id = await send();
    await eventually(() => slow.calls.length === 1);
    await victim.kill();
    const next = await start(WORKERS);
    const record = await ended(id);
    expect(record.state).toBe('done');
    expect(slow.calls.length).toBe(2);
    expect(new Set(slow.calls.map((call) => call.headers['idempotency-key'])).size).toBe(1);
    expect(record.timeline.filter((entry) => entry.repeat)).toHaveLength(1);
    await next.stop();
    await slow.close();
  }, 60_000);

  it('after the effect was recorded does not do it again', async () => {
    const other = await ThirdParty.start();
    await route(other.url);
    const one = await start('worker-ingress,worker-integration');
    const id = await send();
    await eventually(async () => {
      const { rows } = await database.pool.query(`select from effects where key like $1`, [`${id}%`]);
      return rows.length === 1;
    });
    await one.kill();
    const next = await start(WORKERS);
    expect((await ended(id)).state).toBe('done');
    expect(other.calls).toHaveLength(1);
    await next.stop();
    await other.close();
  }, 60_000);

  it('while it counts: nothing is counted twice, nothing is missed', async () => {
    const other = await ThirdParty.start();
    await route(other.url, {}, 'counted');
    const counts = async () => {
      const { rows } = await database.pool.query<{ metric: string; n: string; bytes: string }>(
        `select metric, sum(count) as n, sum(bytes) as bytes from usage where tenant = 'counted' group by 1`,
      );
      return Object.fromEntries(
        rows.flatMap(({ metric, n, bytes }) => [
          [metric, Number(n)],
          [`${metric} bytes`, Number(bytes)],
        ]),
      );
    };
    const before = await counts();
    const file = join(mkdtempSync(join(tmpdir(), 'spillway-counts-')), 'fault');
    // Between the commit of the ledger and the end of its job: the job comes again.
    writeFileSync(file, JSON.stringify({ id: '1', at: 2, signal: 'SIGKILL', only: 'after ledger' }));
    const quick = { STALLED_INTERVAL: '500ms', LOCK_DURATION: '1s' };
    const victim = await start(WORKERS, { ...quick, SPILLWAY_FAULT: 'crash-point', SPILLWAY_FAULT_FILE: file });
    const ids: string[] = [];
    for (let i = 0; i < 20; i += 1) ids.push(await send(100 + i, 'counted'));
    expect(await send(119, 'counted')).toBe(ids[19]);
    await eventually(() => victim.hasEnded(), { withinMs: 20_000, what: 'the end of the worker' });
    const next = await start(WORKERS, quick);
    for (const id of ids) await ended(id);
    const one = await client.get<EventRecord>(`/events/${ids[0]}`);
    await eventually(async () => ((await counts())['duplicates'] ?? 0) - (before['duplicates'] ?? 0) === 1);
    const after = await counts();
    const more = (metric: string) => (after[metric] ?? 0) - (before[metric] ?? 0);
    // A job whose worker died after it was done has a second attempt, which finds the effect recorded: both count.
    const { rows } = await database.pool.query<{ ok: number }>(
      `select (select count(*) from jobs where event_id = any($1) and first_id is not null)::int
        + (select count(*) from attempts where event_id = any($1) and outcome = 'ok')::int as ok`,
      [ids],
    );
    expect({ events: more('events'), ok: more('attempts.ok'), bytes: more('events bytes') }).toEqual({
      events: 20,
      ok: rows[0]!.ok,
      bytes: 20 * one.bytes,
    });
    expect(other.effects.size).toBe(20);
    await next.stop();
    await other.close();
  }, 90_000);

  it('of the same job again and again: the job is isolated and ends in the dead letters as poison', async () => {
    const other = await ThirdParty.start();
    await route(other.url);
    const id = await send();
    // What kills here is a fault that the tests put in; in the field it is memory, or a native module.
    const extra = { SPILLWAY_FAULT: 'die-on-integration-task', STALLED_INTERVAL: '500ms', LOCK_DURATION: '1s' };
    const steady = await start('worker-ingress,worker-analytics');
    // Twice among others, for all that anybody knows, and once as the one suspect.
    for (let deaths = 0; deaths < 3; deaths += 1) {
      const victim = await start('worker-integration', extra);
      await eventually(() => victim.hasEnded(), { withinMs: 20_000, what: `death ${deaths + 1}` });
    }
    const survivor = await start('worker-integration', extra);
    const record = await ended(id, 40_000);
    expect(record.jobs[0]).toMatchObject({ state: 'dead-letter', error: { class: 'poison', code: 'poison' } });
    expect(survivor.hasEnded()).toBe(false);
    await Promise.all([survivor.stop(), steady.stop()]);
    await other.close();
  }, 90_000);

  it('by SIGTERM finishes what it does and ends with 0', async () => {
    const slow = await ThirdParty.start({ delayMs: 800 });
    await route(slow.url);
    const worker = await start(WORKERS);
    const id = await send();
    await eventually(() => slow.calls.length === 1);
    expect(await worker.stop()).toBe(0);
    const next = await start(WORKERS);
    expect((await ended(id)).state).toBe('done');
    expect(slow.calls).toHaveLength(1);
    await next.stop();
    await slow.close();
  }, 60_000);
});

describe.each(BACKENDS)('chaos in short, on %s', (backend) => {
  it('loses nothing, does each effect once, and shows what was repeated', async () => {
    const report = await runChaos({
      backend,
      events: 300,
      killEveryMs: 1_500,
      workers: 3,
      killUntil: 'sent',
      restartQueues: true,
    });
    expect(report).toMatchObject({
      accepted: 300,
      recorded: 300,
      done: 300,
      notDone: 0,
      effects: 300,
      repeatedEffects: 0,
      repeatedUnseen: 0,
      fallen: 0,
    });
    expect(report.kills).toBeGreaterThan(0);
  }, 240_000);
});
