import type { EventRecord } from '@spillway/persistence';
import { BACKENDS, eventually } from '@spillway/testing';
import { setTimeout as wait } from 'node:timers/promises';
import { FlowWorld } from './flow-world';
import { TENANT } from './stack';

const QUEUE = 'orchestration-flows';

const FLOWS = {
  short: `
    do:
      - tell: { call: http, with: { method: post, endpoint: OTHER/told, body: '\${ .data }' } }`,
  wide: `
    do:
      - all:
          fork:
            branches:
              - a: { call: http, with: { method: post, endpoint: OTHER/a } }
              - b: { call: http, with: { method: post, endpoint: OTHER/b } }
              - c: { call: http, with: { method: post, endpoint: OTHER/c } }`,
};

/** Where a run begins and goes on: in the worker that routes its event or has an answer, or by a job where the queue has a say. */
describe.each(BACKENDS)('the beginning of a run, on %s', (backend) => {
  let world: FlowWorld;

  beforeAll(async () => {
    world = await FlowWorld.start(backend);
    await world.define(FLOWS);
  }, 60_000);

  afterAll(() => world?.close(), 60_000);

  beforeEach(() => world.other.reset());

  const jobOf = (runId: string) => world.stack.platform.queues.find(QUEUE, runId, TENANT);

  const lineOf = (runId: string) =>
    eventually(
      async () => {
        const { jobs } = await world.stack.client.get<EventRecord>(`/events/${runId.split('.')[0]}`);
        return jobs.find(({ id, state }) => id === runId && state === 'done');
      },
      { what: `the line of ${runId}` },
    );

  it('needs no job, and is in the ledger as if one had done it', async () => {
    const id = await world.begin('short', 1);
    expect((await world.ended(id)).status).toBe('completed');
    expect(await jobOf(id)).toBeUndefined();
    expect(await lineOf(id)).toMatchObject({ queue: QUEUE, route: 'short', task: 'short', runId: id });
    await world.nothingLeft(id);
  });

  it('and each answer after it need no wake-up, also of several calls at once', async () => {
    const id = await world.begin('wide');
    expect((await world.ended(id)).status).toBe('completed');
    const jobs = await world.stack.platform.queues.queueOf(QUEUE, TENANT).getJobs();
    expect(jobs.map((job) => job.id!).filter((job) => job.startsWith(id))).toEqual([]);
    expect(world.other.calls.map(({ path }) => path).sort()).toEqual(['/a', '/b', '/c']);
    await world.nothingLeft(id);
  });

  it('waits while the queue is paused', async () => {
    await world.stack.client.post(`/queues/${QUEUE}/pause`, {});
    const id = await world.begin('short', 2);
    await eventually(() => jobOf(id), { what: 'the job' });
    await wait(200);
    expect(await world.stack.platform.runs.load([id])).toEqual([]);
    await world.stack.client.post(`/queues/${QUEUE}/resume`, {});
    expect((await world.ended(id)).status).toBe('completed');
    expect(await lineOf(id)).toMatchObject({ queue: QUEUE });
  });

  it('is a job where jobs wait before it, also of others', async () => {
    const { queues } = world.stack.platform;
    const queue = queues.queueOf(QUEUE, TENANT);
    await queue.pause();
    const others = await Promise.all(
      Array.from({ length: queues.catalogue[QUEUE].concurrency + 1 }, () => world.begin('short', 3)),
    );
    await Promise.all(others.map((id) => eventually(() => jobOf(id), { what: 'the job' })));
    // Just now they are soon done, for all that is known.
    await wait(1_000);
    // Still paused for the workers; not for who asks.
    const { backend } = queues;
    const look = backend.atHand.bind(backend);
    const atHand = jest
      .spyOn(backend, 'atHand')
      .mockImplementation(async (...about) => ({ ...(await look(...about)), isPaused: false }));
    const id = await world.begin('short', 4);
    await eventually(() => jobOf(id), { what: 'the job behind the others' });
    atHand.mockRestore();
    await queue.resume();
    for (const one of [...others, id]) expect((await world.ended(one)).status).toBe('completed');
  });

  it.each([
    ['a cap', { concurrency: { [QUEUE]: 1 } }],
    ['a quota of runs', { quotas: { openRuns: { limit: 1_000 } } }],
  ])('is a job for a tenant with %s', async (_, spec) => {
    const metadata = { name: TENANT };
    await world.stack.client.post('/apply', {
      documents: [{ apiVersion: 'spillway/v1', kind: 'Tenant', metadata, spec }],
    });
    const begun = await eventually(
      async () => {
        const id = await world.begin('short', 5);
        await world.ended(id);
        return (await jobOf(id)) && id;
      },
      { what: 'a job' },
    );
    expect(await lineOf(begun)).toMatchObject({ queue: QUEUE });
  });
});
