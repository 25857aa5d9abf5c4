import type { Callback, EventRecord, RunRecord } from '@spillway/persistence';
import { API_KEY, BACKENDS, eventually, FakeN8n, SocketServer, ThirdParty } from '@spillway/testing';
import { Stack, TENANT, post } from './stack';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json' };

describe.each(BACKENDS)('a run that waits for somebody, on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;
  let n8n: FakeN8n;

  beforeAll(async () => {
    other = await ThirdParty.start();
    n8n = await new FakeN8n().listen();
    stack = await Stack.start(backend);
    await stack.configure(
      {
        kind: 'Adapter',
        name: 'automation',
        spec: { adapter: 'n8n', options: { baseUrl: n8n.url, signingSecret: 'n8n' } },
      },
      route('approval', 'github.push', 'approve'),
      {
        kind: 'Flow',
        name: 'approve',
        spec: {
          do: [
            {
              ask: {
                call: 'spillway.approval',
                with: {
                  title: '${ "Deploy \\(.type) <now>?" }',
                  details: { id: '${ .id }' },
                  notify: { channel: 'callback', url: `${other.url}/ask`, secret: 'token' },
                },
              },
            },
            { tell: { call: 'http', with: { method: 'post', endpoint: `${other.url}/decided`, body: '${ . }' } } },
          ],
        },
      },
      route('n8n', 'github.ping', 'delegate'),
      {
        kind: 'Flow',
        name: 'delegate',
        spec: {
          do: [
            {
              delegate: {
                call: 'workflow.start',
                with: { workflow: 'onboarding', input: { about: '${ .subject }' } },
                metadata: { callback: true },
                timeout: { after: { minutes: 5 } },
              },
            },
          ],
          output: { as: '{ answer: . }' },
        },
      },
      route('secured', 'stripe.*', 'secured'),
      {
        kind: 'Flow',
        name: 'secured',
        spec: {
          use: { secrets: ['token'], authentications: { own: { bearer: { token: '${ $secrets.token }' } } } },
          do: [
            {
              get: {
                call: 'http',
                with: { method: 'get', endpoint: { uri: `${other.url}/secured`, authentication: { use: 'own' } } },
              },
            },
          ],
        },
      },
      route('late', 'github.issues.*', 'late'),
      {
        kind: 'Flow',
        name: 'late',
        spec: {
          do: [
            {
              attempt: {
                try: [
                  {
                    ask: {
                      call: 'http',
                      with: { method: 'post', endpoint: `${other.url}/slow`, body: {} },
                      metadata: { callback: true },
                      timeout: { after: { seconds: 1 } },
                    },
                  },
                ],
                catch: { errors: { with: { status: 408 } }, do: [{ give: { set: { gave: 'up' } } }] },
              },
            },
          ],
        },
      },
    );
    await stack.setSecret('n8n', n8n.signingSecret);
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await other?.close();
    await n8n?.close();
  }, 60_000);

  beforeEach(() => {
    other.calls.length = 0;
  });

  const runOf = (eventId: string) =>
    eventually(async () => (await stack.client.get<EventRecord>(`/events/${eventId}`)).runs[0]?.id, {
      what: 'the run',
    });
  const ended = (id: string) =>
    eventually(
      async () => {
        const run = await stack.client.get<RunRecord>(`/runs/${id}`);
        return run.endedAt ? run : undefined;
      },
      { what: `the end of run ${id}` },
    );
  /** The link as it reaches the ingress of the test. */
  const here = (link: string) => stack.ingress + link.slice(new URL(link).origin.length);
  const asked = () =>
    eventually(() => other.calls.find(({ path }) => path === '/ask'), { what: 'the question' }).then(
      ({ body }) => JSON.parse(body) as { title: string; link: string },
    );

  it('shows a person the question, takes one decision, and records who took it', async () => {
    const run = await runOf(await stack.send('github', 'push'));
    const { title, link } = await asked();
    expect(title).toBe('Deploy github.push <now>?');
    const page = await fetch(here(link));
    const html = await page.text();
    expect(html).toContain('Deploy github.push &#60;now&#62;?');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const { approvals } = await stack.client.get<{ approvals: Callback[] }>('/approvals');
    expect(approvals.map(({ runId }) => runId)).toContain(run);
    const decided = await post(here(link), 'approved=true&by=Ada&comment=go', FORM);
    expect(decided).toMatchObject({ status: 200, body: expect.stringContaining('Approved by Ada') as string });
    const record = await ended(run);
    expect(record).toMatchObject({ status: 'completed' });
    expect(JSON.parse(other.calls.find(({ path }) => path === '/decided')!.body)).toMatchObject({
      approved: true,
      by: 'Ada',
      comment: 'go',
    });
    // Told by way of the queues: ingress waits for no table.
    const entry = await eventually(async () => {
      const query = { actor: 'link:Ada', action: 'run.decide' };
      return (await stack.client.get<{ entries: { target: string }[] }>('/audit', query)).entries[0];
    });
    expect(entry).toMatchObject({ tenant: 'acme', outcome: 'done', details: { approved: true }, address: '127.0.0.1' });
    expect(entry.target).toContain(run);
    const again = await post(here(link), 'approved=false&by=Eve', FORM);
    expect(again.status).toBe(409);
    expect(again.json()).toMatchObject({ code: 'answered-already', detail: expect.stringContaining('Ada') as string });
  });

  it('takes the decision over the API too, and refuses a link that is not its own', async () => {
    const run = await runOf(await stack.send('github', 'push'));
    const { link } = await asked();
    const { approvals } = await stack.client.get<{ approvals: Callback[] }>('/approvals');
    const { node } = approvals.find(({ runId }) => runId === run)!;
    expect(
      (
        await post(
          here(link).replace(/.$/, (sign) => (sign === '0' ? '1' : '0')),
          'approved=true&by=x',
          FORM,
        )
      ).status,
    ).toBe(403);
    await stack.client.post(`/runs/${run}/approvals/${node}`, { approved: false, comment: 'not today' });
    expect(await ended(run)).toMatchObject({ status: 'completed' });
    const { entries } = await stack.client.get<{ entries: { action: string }[] }>('/audit');
    expect(entries.map(({ action }) => action)).toContain('run.decide');
  });

  it('delegates to n8n once, and goes on with what the workflow answers', async () => {
    const run = await runOf(await stack.send('github', 'ping'));
    const execution = await eventually(() => [...n8n.executions.values()].at(-1), { what: 'the execution' });
    const { callbackUrl } = execution.body as { callbackUrl: string };
    expect((await post(here(callbackUrl), JSON.stringify({ output: { customer: 42 } }), JSON_TYPE)).status).toBe(200);
    expect(await ended(run)).toMatchObject({ status: 'completed', output: { answer: { customer: 42 } } });
    expect((await post(here(callbackUrl), '{}', JSON_TYPE)).status).toBe(409);
    expect(n8n.executions.size).toBe(1);
  });

  it('fails when the workflow tells of a failure', async () => {
    n8n.executions.clear();
    const run = await runOf(await stack.send('github', 'ping'));
    const execution = await eventually(() => [...n8n.executions.values()].at(-1), { what: 'the execution' });
    const { callbackUrl } = execution.body as { callbackUrl: string };
    await post(here(callbackUrl), JSON.stringify({ error: { status: 422, detail: 'no such customer' } }), JSON_TYPE);
    expect(await ended(run)).toMatchObject({ status: 'faulted', error: { status: 422, detail: 'no such customer' } });
  });

  it('is let in by a policy of the flow whose secret only the worker knows', async () => {
    const run = await runOf(await stack.send('stripe'));
    expect(await ended(run)).toMatchObject({ status: 'completed' });
    expect(other.calls[0]!.headers).toMatchObject({ authorization: 'Bearer t0k3n' });
    expect(JSON.stringify(await stack.client.get(`/runs/${run}`))).not.toContain('t0k3n');
  });

  it('takes the messages that a subscription lets through, and goes over them', async () => {
    const asked: unknown[] = [];
    const sockets = await SocketServer.start((socket, { headers }) => {
      asked.push(headers['authorization']);
      for (const n of [1, 2, 'none', 3, 4]) socket.send(JSON.stringify({ n }));
    });
    const api = {
      asyncapi: '3.0.0',
      servers: { live: { host: `127.0.0.1:${sockets.port}`, protocol: 'ws' } },
      channels: { room: { address: 'room' } },
      operations: { chat: { action: 'receive', channel: { $ref: '#/channels/room' } } },
    };
    other.answer = ({ path }) => (path === '/asyncapi.json' ? { status: 200, body: JSON.stringify(api) } : undefined);
    const note = {
      call: 'http',
      with: { method: 'post', endpoint: `${other.url}/noted`, body: '${ $message.payload }' },
    };
    const subscription = {
      filter: '${ (.payload.n | type) == "number" and .payload.n >= $context.least }',
      consume: { until: '${ length == 2 }', for: { seconds: 40 } },
      foreach: { item: 'message', do: [{ note }], output: { as: '$message.payload.n' } },
    };
    const args = {
      document: { endpoint: `${other.url}/asyncapi.json` },
      operation: 'chat',
      authentication: { bearer: { token: '${ $secrets.token }' } },
      subscription,
    };
    const tasks = [
      { least: { set: { n: 0 }, export: { as: '{ least: 2 }' } } },
      { hear: { call: 'asyncapi', with: args } },
    ];
    await stack.configure({ kind: 'Flow', name: 'subscribed', spec: { use: { secrets: ['token'] }, do: tasks } });
    const headers = { ...JSON_TYPE, authorization: `Bearer ${API_KEY}` };
    const body = JSON.stringify({ tenant: TENANT, type: 'flow.subscribed.requested', data: {} });
    const { id } = (await post(`${stack.ingress}/v1/events`, body, headers)).json<{ id: string }>();
    const run = await eventually(async () => {
      const found = await stack.client.get<RunRecord>(`/runs/${id}.flow-subscribed-start.0`);
      return found.endedAt ? found : undefined;
    });
    expect(run).toMatchObject({ status: 'completed', output: [2, 3] });
    expect(other.calls.filter(({ path }) => path === '/noted').map((call) => call.body)).toEqual([
      '{"n":2}',
      '{"n":3}',
    ]);
    expect(asked).toEqual(['Bearer t0k3n']);
    await sockets.close();
  });

  it('gives up at its deadline, and the flow goes on', async () => {
    const run = await runOf(await stack.send('github', 'issues.opened'));
    expect(await ended(run)).toMatchObject({ status: 'completed', output: { gave: 'up' } });
    expect(other.calls[0]!.headers['spillway-callback']).toContain('/v1/callbacks/');
  });
});

function route(name: string, type: string, flow: string) {
  return { kind: 'Route', name, spec: { match: { types: [type] }, to: { flow } } };
}
