import type { EventSummary, RunRecord, RunSummary } from '@spillway/persistence';
import { BACKENDS, eventually, ThirdParty } from '@spillway/testing';
import { request } from 'undici';
import { Stack } from './stack';

describe.each(BACKENDS)('a flow begins, on %s', (backend) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start(backend, { RECONCILE_EVERY: '200ms' });
    await stack.configure(
      flow('clocked', { schedule: { every: { milliseconds: 300 } }, do: [{ give: { set: { ticked: true } } }] }),
      flow('woken', {
        schedule: {
          on: {
            any: [{ with: { type: 'github.push' } }, { with: { type: 'github.ping', data: '${ .zen != null }' } }],
          },
        },
        do: [{ give: { set: { types: '${ map(.type) }' } } }],
      }),
      flow('chained', {
        schedule: { after: { milliseconds: 700 } },
        do: [{ pause: { wait: { milliseconds: 300 } } }, { give: { set: '${ .data }' } }],
      }),
      flow('together', {
        schedule: {
          on: {
            all: ['order', 'payment'].map((type) => ({
              with: { type: `shop.${type}` },
              correlate: { order: { from: '.data.order' } },
            })),
          },
        },
        do: [{ give: { set: '${ map(.data) }' } }],
      }),
      flow('asked', { document: { version: '1.0.0' }, do: [{ give: { set: '${ .data }' } }] }),
      flow('watched', { do: [{ fail: { raise: { error: { type: 'https://x.example/no', status: 418 } } } }] }),
      flow('watcher', { do: [{ give: { set: { seen: '${ .data.error.status }' } } }] }),
      {
        kind: 'Route',
        name: 'faults',
        spec: { match: { types: ['io.serverlessworkflow.workflow.faulted.v1'] }, to: { flow: 'watcher' } },
      },
      {
        kind: 'Route',
        name: 'all-of-it',
        spec: { match: { types: ['io.serverlessworkflow.*'] }, to: { flow: 'watcher' } },
      },
      {
        kind: 'ApiKey',
        name: 'n8n',
        spec: { scopes: ['events:write'], secret: { value: 'spw_starts_key_0123456789abcdef' } },
      },
    );
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
  }, 60_000);

  const runsOf = async (flow: string) => (await stack.client.get<{ runs: RunSummary[] }>('/runs', { flow })).runs;
  const first = (flow: string) =>
    eventually(async () => (await runsOf(flow)).find(({ endedAt }) => endedAt), { what: `a run of ${flow}` }).then(
      ({ id }) => stack.client.get<RunRecord>(`/runs/${id}`),
    );

  it('by the clock', async () => {
    expect(await first('clocked')).toMatchObject({ status: 'completed', output: { ticked: true } });
    await eventually(async () => (await runsOf('clocked')).length >= 3, { what: 'three ticks' });
  });

  it('by an event, which is the only one in its input', async () => {
    await stack.send('github', 'push');
    expect(await first('woken')).toMatchObject({ status: 'completed', output: { types: ['github.push'] } });
  });

  it('so long after the one before ended, one at a time', async () => {
    await eventually(async () => (await runsOf('chained')).filter(({ endedAt }) => endedAt).length >= 3, {
      what: 'three runs',
    });
    const runs = (await runsOf('chained')).reverse();
    const [one, two] = await Promise.all(runs.slice(0, 2).map(({ id }) => stack.client.get<RunRecord>(`/runs/${id}`)));
    expect([one!.output, two!.output]).toEqual([{ after: 'first' }, { after: one!.id }]);
    for (const [index, run] of runs.slice(1).entries()) {
      const before = runs[index]!;
      expect(Date.parse(String(run.startedAt)) - Date.parse(String(before.endedAt))).toBeGreaterThanOrEqual(700);
    }
  });

  describe('by events that come together', () => {
    const tell = async (
      type: string,
      data: { order: number | string; n: number },
      id = `${type}.${JSON.stringify(data)}`,
    ) => {
      const { statusCode, body } = await request(`${stack.ingress}/v1/events`, {
        method: 'POST',
        headers: { authorization: 'Bearer spw_starts_key_0123456789abcdef', 'content-type': 'application/json' },
        body: JSON.stringify({ type, data, id }),
      });
      expect(statusCode).toBe(202);
      return ((await body.json()) as { id: string }).id;
    };
    const outputs = async () => {
      const runs = await runsOf('together');
      const records = await Promise.all(runs.map(({ id }) => stack.client.get<RunRecord>(`/runs/${id}`)));
      return records.filter(({ endedAt }) => endedAt).map(({ output }) => output as { order: unknown; n: number }[]);
    };
    const settled = (id: string, state: string) =>
      eventually(async () => (await stack.client.get<EventSummary>(`/events/${id}`)).state === state, { what: state });

    it('with the same key, each once, in the order of the filters', async () => {
      await settled(await tell('shop.payment', { order: 1, n: 1 }), 'unrouted');
      await settled(await tell('shop.payment', { order: 2, n: 2 }), 'unrouted');
      await settled(await tell('shop.payment', { order: 2, n: 3 }), 'unrouted');
      await settled(await tell('shop.order', { order: '2', n: 4 }), 'done');
      expect(await outputs()).toEqual([
        [
          { order: '2', n: 4 },
          { order: 2, n: 2 },
        ],
      ]);
      await settled(await tell('shop.order', { order: 1, n: 5 }), 'done');
      await settled(await tell('shop.order', { order: 2, n: 6 }), 'done');
      expect((await outputs()).map((list) => list.map(({ n }) => n)).sort()).toEqual([
        [4, 2],
        [5, 1],
        [6, 3],
      ]);
    });

    it('also if the worker dies between its steps: an event that is routed again is counted once', async () => {
      const { platform } = stack;
      const again = async (id: string) => {
        const { event, bodySha256, bytes } = (await platform.events.find(id))!;
        const meta = {
          tenant: event.tenant,
          priority: 'normal',
          createdBy: 'test',
          createdAt: Date.now(),
          correlationId: id,
        };
        const job = { event, meta, body: { sha256: bodySha256, bytes }, via: 'reconciler' };
        await platform.queues.add('ingress-events', job as never, { id: `${id}.again` });
        await eventually(
          async () => (await platform.queues.find('ingress-events', `${id}.again`))?.finishedOn !== undefined,
        );
      };
      const first = await tell('shop.payment', { order: 7, n: 7 });
      await settled(first, 'unrouted');
      await again(first);
      const last = await tell('shop.order', { order: 7, n: 8 });
      await settled(last, 'done');
      const count = (await runsOf('together')).length;
      await again(last);
      await again(first);
      expect(await runsOf('together')).toHaveLength(count);
      const next = await tell('shop.order', { order: 7, n: 9 });
      await settled(next, 'unrouted');
    });

    it('also if two of them come at once', async () => {
      const before = (await runsOf('together')).length;
      await Promise.all(
        Array.from({ length: 20 }, (_, n) => tell(n % 2 === 0 ? 'shop.order' : 'shop.payment', { order: 100, n })),
      );
      await eventually(async () => (await runsOf('together')).filter(({ endedAt }) => endedAt).length === before + 10);
      const numbers = (await outputs()).flatMap((list) => list.filter(({ order }) => order === 100).map(({ n }) => n));
      expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    });
  });

  it('because somebody with an API key asks: n8n, say', async () => {
    const { statusCode } = await request(`${stack.ingress}/v1/events`, {
      method: 'POST',
      headers: { authorization: 'Bearer spw_starts_key_0123456789abcdef', 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'flow.asked.requested', data: { hello: 'there' } }),
    });
    expect(statusCode).toBe(202);
    expect(await first('asked')).toMatchObject({ version: '1.0.0', output: { hello: 'there' } });
  });

  it('on a lifecycle event of another, and makes none itself', async () => {
    await request(`${stack.ingress}/v1/events`, {
      method: 'POST',
      headers: { authorization: 'Bearer spw_starts_key_0123456789abcdef', 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'flow.watched.requested', data: {} }),
    });
    expect(await first('watched')).toMatchObject({ status: 'faulted', error: { status: 418, instance: '/do/0/fail' } });
    const told = (type: string) => async () => {
      const { events } = await stack.client.get<{ events: EventSummary[] }>('/events', { source: 'flows', type });
      return events.find(({ subject }) => subject?.includes('.flow-watched-start.'));
    };
    for (const what of ['workflow.started', 'task.started', 'task.faulted', 'workflow.faulted']) {
      await eventually(told(`io.serverlessworkflow.${what}.v1`), { what });
    }
    await eventually(async () => (await runsOf('watcher')).filter(({ endedAt }) => endedAt).length >= 5, {
      what: 'the watchers',
    });
    const { events } = await stack.client.get<{ events: EventSummary[] }>('/events', { source: 'flows', limit: '500' });
    const own = events.filter(({ subject }) => /\.(faults|all-of-it)\./.test(subject ?? ''));
    expect(own).toEqual([]);
  });

  it('with what it refers to on the web, though it was posted as it is and the web has changed since', async () => {
    const other = await ThirdParty.start();
    try {
      const pets = { get: { operationId: 'pets', responses: { 200: { $ref: 'parts.json#/ok' } } } };
      const api = {
        openapi: '3.0.0',
        info: { title: 'x', version: '1' },
        servers: [{ url: other.url }],
        paths: { '/pets': pets },
      };
      const texts: Record<string, string> = {
        '/api.json': JSON.stringify(api),
        '/parts.json': JSON.stringify({ ok: { description: 'fine' } }),
        '/twice.yaml': '{ set: { n: "${ .n * 2 }" } }',
      };
      other.answer = ({ path }) => ({
        status: texts[path] || path === '/pets' ? 200 : 404,
        body: texts[path] ?? '{"n":4}',
      });
      const document = { endpoint: `${other.url}/api.json` };
      const tasks = [
        { list: { call: 'openapi', with: { document, operationId: 'pets' } } },
        { twice: { call: `${other.url}/twice.yaml`, with: { n: '${ .n }' } } },
      ];
      await stack.configure(flow('carrying', { do: tasks }));
      for (const path of Object.keys(texts)) delete texts[path];
      other.calls.length = 0;
      await request(`${stack.ingress}/v1/events`, {
        method: 'POST',
        headers: { authorization: 'Bearer spw_starts_key_0123456789abcdef', 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'flow.carrying.requested', data: {} }),
      });
      expect(await first('carrying')).toMatchObject({ status: 'completed', output: { n: 8 } });
      expect(other.calls.map(({ path }) => path)).toEqual(['/pets']);
      // What cannot be read, or may not be, is said when it is posted.
      for (const [endpoint, why] of [
        [`${other.url}/gone.json`, '404'],
        ['http://169.254.169.254/latest', 'are refused'],
        ['file:///api.json', 'is a file, and the flow does not bring it with it'],
      ] as const) {
        const wrong = { do: [{ list: { call: 'openapi', with: { document: { endpoint }, operationId: 'pets' } } }] };
        await expect(stack.configure(flow('wrong', wrong))).rejects.toThrow(why);
      }
    } finally {
      await other.close();
    }
  });

  it('with the version that is published, which cannot change', async () => {
    const changed = flow('asked', { document: { version: '1.0.0' }, do: [{ give: { set: { other: true } } }] });
    await expect(stack.configure(changed)).rejects.toThrow('version 1.0.0 of the flow "asked" is published');
    await stack.configure(flow('asked', { document: { version: '1.1.0' }, do: [{ give: { set: { other: true } } }] }));
  });
});

function flow(name: string, spec: object) {
  return { kind: 'Flow', name, spec };
}
