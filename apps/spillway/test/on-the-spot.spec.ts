import { SpillwayProcess } from '@spillway/chaos';
import { API_VERSION, resourceSchema, ROLES } from '@spillway/contracts';
import type { EventRecord } from '@spillway/persistence';
import { API_KEY, BACKENDS, eventually, ThirdParty } from '@spillway/testing';
import { Client } from '../src/client';
import { post, Stack, TENANT } from './stack';

const QUEUE = 'integration-tasks';
const KEY = 'spw_own_key_0123456789abcdef';
const OTHERS_KEY = 'spw_others_key_0123456789abc';
const STEPS = ['/one', '/two', '/three'];

/** Three calls in a row, a task of a route, and two notifications beside it. */
function resources(url: string) {
  const call = (path: string) => ({
    [path.slice(1)]: { call: 'http', with: { method: 'post', endpoint: `${url}${path}`, body: { step: path } } },
  });
  return [
    { kind: 'Flow', name: 'steps', spec: { do: STEPS.map(call) } },
    { kind: 'Route', name: 'steps', spec: { match: { types: ['go.steps'] }, to: { flow: 'steps' } } },
    { kind: 'Route', name: 'task', spec: { match: { types: ['go.task'] }, to: { http: { url: `${url}/task` } } } },
    {
      kind: 'Route',
      name: 'told',
      spec: { match: { types: ['go.*'] }, to: { notify: { channel: 'log', message: 'went' } } },
    },
  ];
}

/** Another tenant, with a key of its own. */
async function strangers(stack: Stack, value: string): Promise<void> {
  const documents = [
    { kind: 'Tenant', metadata: { name: 'strangers' }, spec: {} },
    { kind: 'ApiKey', metadata: { name: 'key', tenant: 'strangers' }, spec: { scopes: ['*'], secret: { value } } },
  ].map((one) => resourceSchema.parse({ apiVersion: API_VERSION, ...one }));
  await stack.client.post('/apply', { documents });
}

async function send(ingress: string, type: string, orderingKey?: string): Promise<string> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` };
  const event = { tenant: TENANT, type, orderingKey, data: { at: Math.random() } };
  const answer = await post(`${ingress}/v1/events`, JSON.stringify(event), headers);
  return answer.json<{ id: string }>().id;
}

function ended(client: Client, id: string, state = 'done', withinMs = 20_000): Promise<EventRecord> {
  return eventually(
    async () => {
      const record = await client.get<EventRecord>(`/events/${id}`);
      return record.state === state ? record : undefined;
    },
    { withinMs, what: `${state} of ${id}` },
  );
}

describe.each(BACKENDS)('what a job leads to, in a process that serves all queues, on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;

  beforeAll(async () => {
    other = await ThirdParty.start();
    stack = await Stack.start(backend, { RECONCILE_AFTER: '1s', SPILLWAY_PARTITIONS: '8' });
    await stack.configure(...resources(other.url));
  }, 60_000);

  afterEach(() => other.reset());

  afterAll(async () => {
    await stack?.close();
    await other?.close();
  }, 60_000);

  const paths = () => other.calls.map(({ path }) => path);
  const inQueues = async ({ jobs }: EventRecord) => {
    const { queues } = stack.platform;
    const found = await Promise.all(jobs.map(({ queue, id }) => queues.find(queue as typeof QUEUE, id, TENANT)));
    return jobs.filter((_, at) => found[at]).map(({ queue }) => queue);
  };
  const paused = async (queue: string, work: () => Promise<void>) => {
    await stack.client.post(`/queues/${queue}/pause`, {});
    try {
      await work();
    } finally {
      await stack.client.post(`/queues/${queue}/resume`, {});
    }
  };

  it('is done right away, in no queue, and the ledger knows all of it', async () => {
    const id = await send(stack.ingress, 'go.steps');
    const record = await eventually(async () => {
      const known = await ended(stack.client, id);
      const jobs = known.jobs.map(({ task, state }) => `${task} ${state}`).sort();
      expect(jobs).toEqual(['notify-log done', 'one done', 'steps done', 'three done', 'two done']);
      return known;
    });
    expect(paths()).toEqual(STEPS);
    expect(await inQueues(record)).toEqual([]);
    expect(record.timeline.filter(({ repeat }) => repeat)).toEqual([]);
    const task = await ended(stack.client, await send(stack.ingress, 'go.task'));
    expect(await inQueues(task)).toEqual([]);
  });

  it('waits in its queue while that is paused, also in the middle of a run', async () => {
    let id = '';
    await paused(QUEUE, async () => {
      id = await send(stack.ingress, 'go.task');
      await eventually(async () => (await stack.platform.queues.queueOf(QUEUE, TENANT).count()) === 1);
    });
    await ended(stack.client, id);
    const release = other.hold('/one');
    const run = await send(stack.ingress, 'go.steps');
    await eventually(() => paths().includes('/one'));
    await paused(QUEUE, async () => {
      release();
      await eventually(async () => (await stack.platform.queues.queueOf(QUEUE, TENANT).count()) === 1);
      expect(paths()).toEqual(['/task', '/one']);
    });
    await ended(stack.client, run);
    expect(paths()).toEqual(['/task', ...STEPS]);
  });

  it('is tried again by its queue when it fails, as the attempt after the first', async () => {
    const failing = new Set(['/two', '/task']);
    other.answer = ({ path }) => (failing.delete(path) ? { status: 503 } : undefined);
    for (const type of ['go.steps', 'go.task']) {
      const record = await ended(stack.client, await send(stack.ingress, type));
      expect(await inQueues(record)).toEqual([QUEUE]);
      const failed = record.timeline.filter(
        ({ error }) => (error as { code?: string } | undefined)?.code === 'http-503',
      );
      expect(failed.map(({ attempt }) => attempt)).toEqual([1]);
      const again = record.timeline.filter((entry) => entry.attempt === 2);
      expect(again).toHaveLength(1);
    }
    expect(paths()).toEqual(['/one', '/two', '/two', '/three', '/task', '/task']);
  });

  it('has as many attempts as its queue says, and comes back from the dead letters with as many', async () => {
    await stack.configure(...resources(other.url), {
      kind: 'Route',
      name: 'task',
      spec: { match: { types: ['go.task'] }, to: { http: { url: `${other.url}/task` }, attempts: 3 } },
    });
    other.answer = () => ({ status: 503 });
    const id = await send(stack.ingress, 'go.task');
    const dead = await ended(stack.client, id, 'dead-letter');
    expect(paths()).toHaveLength(3);
    expect(dead.timeline.filter(({ error }) => error).map(({ attempt }) => attempt)).toEqual(
      expect.arrayContaining([1, 2, 3]),
    );
    await stack.client.post('/dead-letters/redrive', { queue: QUEUE });
    await eventually(() => paths().length === 6);
    await stack.configure(...resources(other.url));
  });

  it('is shown as under way, and cancelled by its tenant: the call itself is aborted', async () => {
    const key = { scopes: ['*'], secret: { value: KEY } };
    await stack.configure(...resources(other.url), { kind: 'ApiKey', name: 'own', spec: key });
    const [own, others] = await Promise.all(
      [KEY, OTHERS_KEY].map(async (value, at) => {
        if (at === 1) await strangers(stack, value);
        return new Client(stack.admin, value);
      }),
    );
    for (const [type, path] of [
      ['go.task', '/task'],
      ['go.steps', '/one'],
    ] as const) {
      let aborted = 0;
      other.hold();
      other.onAbort = () => (aborted += 1);
      const id = await send(stack.ingress, type);
      await eventually(() => paths().includes(path));
      const [job] = await eventually(async () => {
        const { jobs } = await stack.client.get<EventRecord>(`/events/${id}`);
        const calls = jobs.filter(({ queue, state }) => queue === QUEUE && state === 'queued');
        return calls.length > 0 ? calls : undefined;
      });
      const where = `/jobs/${QUEUE}/${job!.id}`;
      await expect(others!.get(where)).rejects.toThrow(/there is no job/);
      await expect(others!.post(`${where}/cancel`, {})).rejects.toThrow(/there is no job/);
      expect(await own!.get(where)).toMatchObject({ id: job!.id, state: 'active', tenant: TENANT, eventId: id });
      expect(await own!.post(`${where}/cancel`, {})).toMatchObject({ state: 'cancelling' });
      await eventually(() => aborted === 1);
      await ended(stack.client, id, type === 'go.task' ? 'cancelled' : 'failed');
      await expect(stack.client.get(where)).rejects.toThrow(/job/);
    }
  });

  it('is aborted when its run is cancelled', async () => {
    let aborted = 0;
    other.hold();
    other.onAbort = () => (aborted += 1);
    const id = await send(stack.ingress, 'go.steps');
    await eventually(() => paths().includes('/one'));
    await stack.client.post(`/runs/${id}.steps.0/cancel`, {});
    await eventually(() => aborted === 1);
    expect(paths()).toEqual(['/one']);
  });

  it('is not taken for lost while it takes long', async () => {
    other.delay = () => 2_500;
    const [task, run] = [await send(stack.ingress, 'go.task'), await send(stack.ingress, 'go.steps')];
    await eventually(() => paths().includes('/two'), { withinMs: 10_000 });
    other.delay = () => 0;
    await Promise.all([task, run].map((id) => ended(stack.client, id)));
    expect(paths().sort()).toEqual(['/task', ...STEPS].sort());
  });

  it('is left to its queue where events have an order, which is kept', async () => {
    other.delay = () => 100;
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) ids.push(await send(stack.ingress, 'go.task', 'k'));
    for (const id of ids) await ended(stack.client, id);
    const keys = other.calls.map(({ headers }) => String(headers['idempotency-key']).slice(0, 36));
    expect(keys).toEqual(ids);
  });

  it('does not keep other events from being routed when a third party is slow', async () => {
    const release = other.hold('/task');
    // More than the worker that routes has places.
    const slow = await Promise.all(Array.from({ length: 60 }, () => send(stack.ingress, 'go.task')));
    await ended(stack.client, await send(stack.ingress, 'go.else'));
    release();
    for (const id of slow) await ended(stack.client, id);
    expect(other.effects.size).toBe(60);
    expect(other.repeated()).toEqual([]);
  }, 40_000);
});

describe.each(BACKENDS)('a process that ends over what a job led to, on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;
  const processes: SpillwayProcess[] = [];

  beforeAll(async () => {
    other = await ThirdParty.start();
    stack = await Stack.start(backend, {}, ['ingress-api', 'admin']);
    await stack.configure(...resources(other.url));
  }, 60_000);

  afterEach(async () => {
    await Promise.all(processes.splice(0).map((one) => one.kill()));
    other.reset();
  });

  afterAll(async () => {
    await stack?.close();
    await other?.close();
  }, 60_000);

  async function start(extra: Record<string, string> = {}): Promise<SpillwayProcess> {
    const roles = ROLES.filter((role) => role.startsWith('worker-')).join(',');
    const one = await SpillwayProcess.start(roles, stack.servers.environment(extra));
    processes.push(one);
    return one;
  }

  const paths = () => other.calls.map(({ path }) => path);

  it.each([
    ['go.steps', '/one', ['/one', ...STEPS]],
    ['go.steps', '/two', ['/one', '/two', '/two', '/three']],
    ['go.task', '/task', ['/task', '/task']],
  ])(
    'killed: %s goes on where it was, and a call that was under way (%s) is told as a repeat',
    async (type, at, all) => {
      const victim = await start();
      other.hold(at);
      const id = await send(stack.ingress, type);
      await eventually(() => paths().includes(at));
      await victim.kill();
      other.delay = () => 0;
      await start();
      await ended(stack.client, id, 'done', 40_000);
      expect(paths()).toEqual(all);
      expect(other.repeated()).toHaveLength(1);
      // What was done just before is in the ledger, too.
      await eventually(async () => {
        const { jobs, timeline } = await stack.client.get<EventRecord>(`/events/${id}`);
        const calls = jobs.filter(({ queue, state }) => queue === QUEUE && state === 'done');
        const repeats = timeline.filter(({ repeat, jobId }) => repeat && !jobId!.includes('told'));
        expect(repeats.map(({ jobId }) => jobId)).toEqual(other.repeated());
        expect(calls).toHaveLength(new Set(all).size);
        return true;
      });
    },
    90_000,
  );

  it('told to end, does what is under way, and the next does the rest: nothing twice', async () => {
    const release = other.hold('/one');
    const first = await start({ LOG_LEVEL: 'info' });
    const id = await send(stack.ingress, 'go.steps');
    await eventually(() => paths().includes('/one'));
    other.delay = () => 1_000;
    const stopped = first.stop();
    await eventually(() => first.output.includes('draining'));
    release();
    expect(await stopped).toBe(0);
    expect(paths()).not.toContain('/three');
    await start();
    const record = await ended(stack.client, id, 'done', 40_000);
    expect(paths()).toEqual(STEPS);
    expect(record.timeline.filter(({ repeat }) => repeat)).toEqual([]);
  }, 90_000);

  it('killed by it again and again, has it end in the dead letters as poison', async () => {
    const deadly = { SPILLWAY_FAULT: 'die-on-integration-task', STALLED_INTERVAL: '500ms', LOCK_DURATION: '1s' };
    const id = await send(stack.ingress, 'go.task');
    const outcome = async (worker: SpillwayProcess) => {
      if (worker.hasEnded()) return 'died';
      const { state } = await stack.client.get<EventRecord>(`/events/${id}`).catch(() => ({ state: 'unknown' }));
      return state === 'dead-letter' && state;
    };
    const outcomes: (string | false)[] = [];
    while (outcomes.at(-1) !== 'dead-letter' && outcomes.length < 6) {
      const worker = await start(deadly);
      outcomes.push(await eventually(() => outcome(worker), { withinMs: 30_000, what: 'an end' }));
    }
    // Once on the spot, twice among others, and once as the one suspect; or not on the spot.
    expect(outcomes.length).toBeLessThanOrEqual(5);
    const record = await ended(stack.client, id, 'dead-letter');
    expect(record.jobs.find(({ queue }) => queue === QUEUE)).toMatchObject({ error: { code: 'poison' } });
  }, 120_000);
});
