import type { EventSummary, RunRecord, RunSummary } from '@spillway/persistence';
import { BACKENDS, eventually } from '@spillway/testing';
import { request } from 'undici';
import { Stack } from './stack';

describe.each(BACKENDS)('a flow begins, on %s', (backend) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start(backend);
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

  it('with the version that is published, which cannot change', async () => {
    const changed = flow('asked', { document: { version: '1.0.0' }, do: [{ give: { set: { other: true } } }] });
    await expect(stack.configure(changed)).rejects.toThrow('version 1.0.0 of the flow "asked" is published');
    await stack.configure(flow('asked', { document: { version: '1.1.0' }, do: [{ give: { set: { other: true } } }] }));
  });
});

function flow(name: string, spec: object) {
  return { kind: 'Flow', name, spec };
}
