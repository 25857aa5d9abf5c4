import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig } from '@spillway/config';
import type { FlowJob } from '@spillway/contracts';
import { Driver, type Stepped } from '@spillway/flows';
import { openPlatform, type Platform } from '@spillway/runtime';
import { BACKENDS, eventually } from '@spillway/testing';
import Redis from 'ioredis';
import { startRoles, type Started, stop } from '../src/commands/start';
import { FlowWorld } from './flow-world';
import { TENANT } from './stack';

const FLOWS = {
  steps: `
    do:
      - one: { call: http, with: { method: post, endpoint: OTHER/one } }
      - nap: { wait: { milliseconds: 300 } }
      - two: { call: http, with: { method: post, endpoint: OTHER/two } }
      - both:
          fork:
            branches:
              - left: { call: http, with: { method: post, endpoint: OTHER/left } }
              - right: { call: http, with: { method: post, endpoint: OTHER/right } }
      - sub: { run: { workflow: { namespace: acme, name: sub, version: latest } } }
      - last: { call: http, with: { method: post, endpoint: OTHER/last } }`,
  sub: `do: [{ within: { call: http, with: { method: post, endpoint: OTHER/within } } }]`,
  caught: `
    do:
      - careful:
          try: [{ ask: { call: http, with: { method: post, endpoint: OTHER/ask } } }]
          catch: { do: [{ give: { set: { caught: '\${ $error }' } } }] }`,
  listener: `
    do:
      - slow: { call: http, with: { method: post, endpoint: OTHER/slow } }
      - nap: { wait: { milliseconds: 1500 } }
      - hear: { listen: { to: { one: { with: { type: go } } } } }
      - last: { call: http, with: { method: post, endpoint: OTHER/last } }`,
  timer: `do: [{ nap: { wait: { seconds: 4 } } }]`,
};
const STEPS = ['/last', '/left', '/one', '/right', '/two', '/within'];

describe.each(BACKENDS)('runs outlast, on %s', (backend) => {
  let world: FlowWorld;

  beforeAll(async () => {
    world = await FlowWorld.start(backend);
    await world.define(FLOWS);
  }, 60_000);

  afterAll(() => world?.close(), 60_000);

  beforeEach(() => {
    world.other.calls.length = 0;
    world.other.delay = () => 0;
  });

  const paths = () => [...new Set(world.other.calls.map(({ path }) => path))].sort();
  /** Calls may be made again, but under the same key. */
  const keys = () => new Set(world.other.calls.map(({ headers }) => headers['idempotency-key'])).size;

  it('a call whose job is taken out of its queue by hand', async () => {
    const { queues } = world.stack.platform;
    const calls = queues.queueOf('integration-tasks', TENANT);
    await calls.pause();
    const id = await world.begin('listener');
    const job = await eventually(async () => (await calls.getJobs(['waiting', 'prioritized']))[0]);
    await job.remove();
    await calls.resume();
    await world.called('/slow');
    await world.waiting(id, 'hear');
    await world.tell('go');
    expect((await world.ended(id)).status).toBe('completed');
    expect(keys()).toBe(2);
    await world.nothingLeft(id);
  }, 40_000);

  it('not a call that an operator cancels: it fails, and is not made again', async () => {
    const calls = world.stack.platform.queues.queueOf('integration-tasks', TENANT);
    await calls.pause();
    const id = await world.begin('listener');
    const job = await eventually(async () => (await calls.getJobs(['waiting', 'prioritized']))[0]);
    await world.stack.client.post(`/jobs/integration-tasks/${job.id!}/cancel`, {});
    await calls.resume();
    expect(await world.ended(id)).toMatchObject({ status: 'faulted', error: { title: 'job-cancelled' } });
    // Longer than the sweep waits.
    await wait(2_500);
    expect(world.other.calls).toEqual([]);
    await world.nothingLeft(id);
  }, 40_000);

  it('every wake-up and timer taken out of the queue', async () => {
    const flows = world.stack.platform.queues.queueOf('orchestration-flows', TENANT);
    const id = await world.begin('steps');
    let removed = 0;
    const thief = setInterval(() => {
      void flows.getJobs(['delayed', 'waiting', 'prioritized']).then(async (jobs) => {
        // The job that begins the run is the route's.
        for (const job of jobs.filter((one) => one.id !== id && removed < 8)) {
          await job.remove().then(
            () => (removed += 1),
            () => undefined,
          );
        }
      });
    }, 5);
    expect((await world.ended(id, 40_000)).status).toBe('completed');
    clearInterval(thief);
    expect(removed).toBeGreaterThan(0);
    expect(paths()).toEqual(STEPS);
    expect(world.other.calls).toHaveLength(STEPS.length);
    await world.nothingLeft(id);
  }, 60_000);

  it('a timer that goes off too early', async () => {
    const flows = world.stack.platform.queues.queueOf('orchestration-flows', TENANT);
    const id = await world.begin('timer');
    const job = await eventually(async () => (await flows.getDelayed()).find((one) => one.id!.startsWith(`${id}.t`)));
    await job.promote();
    const again = await eventually(async () =>
      (await flows.getDelayed()).find((one) => one.id!.startsWith(`${job.id!}.`)),
    );
    expect(again.opts.delay).toBeGreaterThan(0);
    const { startedAt, endedAt } = await world.ended(id);
    expect(new Date(endedAt!).getTime() - new Date(startedAt).getTime()).toBeGreaterThanOrEqual(4_000);
    await world.nothingLeft(id);
  }, 40_000);

  it('PostgreSQL being stopped and started again', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => world.begin('steps')));
    await world.called('/one', 5);
    await world.stack.servers.postgres.stop();
    await wait(1_500);
    await world.stack.servers.postgres.resume();
    for (const id of ids) expect((await world.ended(id, 40_000)).status).toBe('completed');
    expect(keys()).toBe(ids.length * STEPS.length);
    for (const id of ids) await world.nothingLeft(id);
  }, 90_000);

  it('PostgreSQL being away when a call answers, without taking that for a failure of the call', async () => {
    const release = world.other.hold();
    const id = await world.begin('caught');
    await world.called('/ask');
    await world.stack.servers.postgres.stop();
    release();
    await wait(2_000);
    await world.stack.servers.postgres.resume();
    expect(await world.ended(id, 40_000)).toMatchObject({ status: 'completed', output: { ok: true } });
    expect(keys()).toBe(1);
    await world.nothingLeft(id);
  }, 60_000);

  if (backend === 'redis') {
    it('Redis being stopped and started again', async () => {
      const ids = await Promise.all(Array.from({ length: 10 }, () => world.begin('steps')));
      await world.called('/one', 5);
      await world.stack.servers.redis!.stop();
      await wait(1_500);
      await world.stack.servers.redis!.resume();
      for (const id of ids) expect((await world.ended(id, 40_000)).status).toBe('completed');
      expect(keys()).toBe(ids.length * STEPS.length);
      for (const id of ids) await world.nothingLeft(id);
    }, 90_000);

    it('the loss of all that was in Redis', async () => {
      const calls = world.stack.platform.queues.queueOf('integration-tasks', TENANT);
      await calls.pause();
      const ids = await Promise.all(Array.from({ length: 10 }, () => world.begin('steps')));
      // Every run has begun, and the ledger knows of its event; those are no run's business.
      for (const id of ids) await world.run(id);
      await eventually(async () => {
        const { events } = await world.stack.client.get<{ events: { id: string }[] }>('/events', { limit: '500' });
        return ids.every((id) => events.some((event) => id.startsWith(event.id)));
      });
      await eventually(async () => (await calls.count()) >= ids.length);
      expect(world.other.calls).toEqual([]);
      const redis = new Redis(world.stack.servers.redis!.url);
      await redis.flushall();
      redis.disconnect();
      for (const id of ids) expect((await world.ended(id, 40_000)).status).toBe('completed');
      expect(keys()).toBe(ids.length * STEPS.length);
      for (const id of ids) {
        await world.nothingLeft(id);
        const [eventId] = id.split('.');
        await eventually(
          async () => (await world.stack.client.get<{ state: string }>(`/events/${eventId}`)).state === 'done',
          { what: 'the event done' },
        );
      }
    }, 90_000);
  }

  describe('two workers', () => {
    let second: { platform: Platform; started: Started };

    beforeAll(async () => {
      const platform = await openPlatform(loadConfig(world.stack.servers.environment({ RECONCILE_AFTER: '1s' })));
      const started = await startRoles(platform, ['worker-orchestration', 'worker-integration']);
      second = { platform, started };
    }, 60_000);

    afterAll(() => second && stop(second.platform, second.started), 60_000);

    it('on the same queues: every call is made once', async () => {
      const ids = await Promise.all(Array.from({ length: 40 }, () => world.begin('steps')));
      for (const id of ids) expect((await world.ended(id, 40_000)).status).toBe('completed');
      expect(world.other.calls).toHaveLength(ids.length * STEPS.length);
      expect(keys()).toBe(ids.length * STEPS.length);
      for (const id of ids) await world.nothingLeft(id);
    }, 90_000);

    it('on the same run: one commits, and what it asks for is made known once', async () => {
      const { runs, directory, queues } = world.stack.platform;
      // Only these race: what the sweep makes of this run meanwhile is left lying.
      const paused = (['orchestration-flows', 'integration-tasks'] as const).map((name) =>
        queues.queueOf(name, TENANT),
      );
      await Promise.all(paused.map((queue) => queue.pause()));
      const flow = directory.tenant(TENANT)!.flows.get('steps')!;
      await runs.keepVersion({ tenant: TENANT, flow: 'steps', ...flow });
      const resolve = () => directory.tenant(TENANT)!.flows.get('sub');
      const drivers = Array.from({ length: 4 }, () => new Driver({ runs, resolve }));
      const eventId = await world.tell('nothing');
      const { meta, ...about } = { route: 'r', eventId, meta: metaOf() };
      const run = { id: `${eventId}.raced.0`, flow: 'steps' };
      const event = { specversion: '1.0', id: eventId, type: 'nothing', data: {} } as never;
      const first: FlowJob = { run, ...about, meta, start: { hash: flow.hash, version: flow.version, event } };

      const all = async (job: FlowJob) =>
        (await Promise.all(drivers.map((driver) => driver.advance(job)))).filter(
          (one): one is Stepped => one !== undefined && !('idle' in one),
        );
      const begun = await all(first);
      expect(begun.map(({ commands }) => commands.map(({ kind }) => kind))).toEqual([['call']]);
      const wakeUp: FlowJob = { run, ...about, meta };
      const { node } = begun[0]!.commands[0]!;
      const answers = [1, 2, 3].map((n) => ({
        runId: run.id,
        key: `n${node}`,
        input: { kind: 'answer', node, output: n },
      }));
      await Promise.all(answers.map((answer) => runs.deliver(answer)));
      const taken = await all(wakeUp);
      expect(taken).toHaveLength(1);
      expect(taken[0]!.run).toMatchObject({ seq: 2, status: 'waiting' });
      await wait(350);
      const woken = await all(wakeUp);
      expect(woken.map(({ commands }) => commands.map(({ kind }) => kind))).toEqual([['call']]);
      expect(await all(wakeUp)).toEqual([]);
      await runs.deliver({ runId: run.id, key: 'o1', input: { kind: 'cancel' } });
      expect((await all(wakeUp)).map(({ run: { status } }) => status)).toEqual(['cancelled']);
      await Promise.all(paused.map((queue) => queue.resume()));
    });
  });
});

function metaOf(): FlowJob['meta'] {
  return { tenant: TENANT, priority: 'normal', createdBy: 'test', createdAt: Date.now(), correlationId: 'c' };
}
