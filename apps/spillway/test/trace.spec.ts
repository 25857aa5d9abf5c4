import type { EventRecord } from '@spillway/persistence';
import {
  API_KEY,
  BACKENDS,
  eventually,
  GrpcServer,
  OtlpReceiver,
  type ReceivedSpan,
  ThirdParty,
} from '@spillway/testing';
import Redis from 'ioredis';
import { post, Stack, TENANT } from './stack';

const PROVIDERS_TRACE = 'aaaabbbbccccddddaaaabbbbccccdddd';
const PROVIDERS_PARENT = `00-${PROVIDERS_TRACE}-00f067aa0ba902b7-01`;
const SAMPLED = { OTEL_TRACES_SAMPLER: 'always_on' };
const UNSAMPLED = { OTEL_TRACES_SAMPLER: 'always_off' };

/** The way of a webhook: an event that begins a run, whose flow calls a third party and then tells a tenant's endpoint. */
function resources(other: ThirdParty) {
  const call = { call: 'http', with: { method: 'post', endpoint: `${other.url}/task`, body: { id: '${ .id }' } } };
  const tell = {
    call: 'spillway.notify',
    with: { channel: 'callback', url: `${other.url}/told`, secret: 'token', body: { ok: true } },
  };
  return [
    { kind: 'Flow', name: 'main', spec: { do: [{ charge: call }, { tell }] } },
    { kind: 'Route', name: 'main', spec: { match: { types: ['stripe.*'] }, to: { flow: 'main' } } },
    {
      kind: 'Route',
      name: 'task',
      spec: { match: { types: ['github.*'] }, to: { http: { url: `${other.url}/plain` }, attempts: 2 } },
    },
    {
      kind: 'Flow',
      name: 'patient',
      spec: {
        do: [
          {
            ask: {
              call: 'spillway.approval',
              with: { title: 'Now?', notify: { channel: 'callback', url: `${other.url}/ask`, secret: 'token' } },
            },
          },
          { call },
        ],
      },
    },
    { kind: 'Route', name: 'patient', spec: { match: { types: ['shopify.*'] }, to: { flow: 'patient' } } },
  ];
}

async function startStack(
  backend: 'postgres' | 'redis',
  other: ThirdParty,
  collector: OtlpReceiver,
  extra: Record<string, string>,
) {
  const stack = await Stack.start(backend, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20abc',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_METRIC_EXPORT_INTERVAL: '500',
    ...extra,
  });
  await stack.configure(...resources(other));
  return stack;
}

function done(stack: Stack, id: string, state = 'done') {
  return eventually(async () => (await stack.client.get<EventRecord>(`/events/${id}`)).state === state, {
    what: `the end of ${id}`,
  });
}

/** Names of a trace's spans, each once. */
function names(spans: ReceivedSpan[]): string[] {
  return [...new Set(spans.map(({ name }) => name))].sort();
}

/** Spans whose parent is not in the trace. */
function orphans(spans: ReceivedSpan[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId)).map(({ name }) => name);
}

describe.each(BACKENDS)('traces, with the queues on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;
  let collector: OtlpReceiver;

  beforeAll(async () => {
    [other, collector] = await Promise.all([ThirdParty.start(), OtlpReceiver.start()]);
    stack = await startStack(backend, other, collector, SAMPLED);
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await other?.close();
    await collector?.close();
  }, 60_000);

  const traceOf = async (eventId: string, has: string) => {
    await collector.until(
      (spans) => spans.some((span) => span.name === has && idsOf(spans, eventId).has(span.traceId)),
      `${has} in the trace of ${eventId}`,
    );
    const [traceId] = idsOf(collector.spans, eventId);
    return collector.trace(traceId!);
  };

  /** Nothing is done on the spot then. */
  const throughQueues = async (send: () => Promise<void>) => {
    const queues = ['integration-tasks', 'notifications'] as const;
    for (const queue of queues) await stack.client.post(`/queues/${queue}/pause`, {});
    await send();
    for (const queue of queues) {
      await eventually(async () => (await stack.platform.queues.queueOf(queue, TENANT).count()) > 0);
      await stack.client.post(`/queues/${queue}/resume`, {});
    }
  };

  it.each(['through its queues', 'on the spot'])(
    'one webhook is one connected trace with every hop, %s',
    async (how) => {
      other.calls.length = 0;
      let id = '';
      const send = async () => {
        const { url, body, headers } = stack.signed('stripe', 'payment_intent.succeeded', how);
        const answer = await post(url, body, { ...headers, traceparent: PROVIDERS_PARENT });
        id = answer.json<{ id: string }>().id;
      };
      await (how === 'on the spot' ? send() : throughQueues(send));
      await done(stack, id);
      const hops = [
        'POST',
        'POST /v1/in/:tenant/:source',
        'begin run',
        'call http',
        'call spillway.notify',
        'process ingress-events',
        'process integration-tasks',
        'process notifications',
        'send ingress-events',
        ...(how === 'on the spot' ? [] : ['send integration-tasks', 'send notifications']),
        'task charge',
        'task tell',
        'write ledger',
      ];
      await collector.until(
        (spans) =>
          hops.every((hop) => spans.some(({ name, traceId }) => name === hop && idsOf(spans, id).has(traceId))),
        `every hop of ${id}`,
      );
      await eventually(async () => orphans(await traceOf(id, 'write ledger')).length === 0, { what: 'whole trace' });
      const trace = await traceOf(id, 'write ledger');
      expect(names(trace)).toEqual(hops);
      expect(orphans(trace)).toEqual([]);
      expect(trace.filter(({ parentSpanId }) => parentSpanId === '')).toMatchObject([
        { name: 'POST /v1/in/:tenant/:source', kind: 2, links: [{ traceId: PROVIDERS_TRACE }] },
      ]);
      expect(collector.headers['authorization']).toBe('Basic abc');
      // Third parties hear of the call that called them.
      const calls = trace
        .filter(({ name }) => name === 'POST')
        .map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
      const heard = other.calls.map((call) => call.headers['traceparent']);
      expect(heard).toEqual(expect.arrayContaining(calls));
      expect(calls).toHaveLength(2);
      // The batch that the ledger wrote belongs to no one trace, and links to ours.
      const batch = collector.spans.filter(
        ({ name, links }) => name === 'process analytics-events' && links.length > 0,
      );
      expect(batch.some(({ links }) => links.some(({ traceId }) => traceId === trace[0]!.traceId))).toBe(true);
    },
  );

  it("a tenant's own service goes on with its own trace", async () => {
    const parent = '00-11112222333344441111222233334444-00f067aa0ba902b7-00';
    const event = { type: 'order.placed', tenant: 'acme', data: {} };
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` };
    const answer = await post(`${stack.ingress}/v1/events`, JSON.stringify(event), {
      ...headers,
      traceparent: parent,
      tracestate: 'vendor=1',
    });
    const { id } = answer.json<{ id: string }>();
    const trace = await traceOf(id, 'process ingress-events');
    expect(trace[0]!.traceId).toBe('11112222333344441111222233334444');
    await done(stack, id, 'unrouted');
    expect((await stack.client.get<EventRecord>(`/events/${id}`)).event).toMatchObject({ tracestate: 'vendor=1' });
  });

  it('what fails is told as failed, and a redrive and a replay are traces of their own with a link', async () => {
    other.answer = (call) => (call.path === '/plain' ? { status: 400 } : undefined);
    const id = await stack.send('github', 'push', 'fails');
    await done(stack, id, 'dead-letter');
    const trace = await traceOf(id, 'process integration-tasks');
    expect(trace.find(({ name }) => name === 'process integration-tasks')).toMatchObject({ failed: true });
    other.answer = () => undefined;
    await stack.client.post('/dead-letters/redrive', { queue: 'integration-tasks' });
    await done(stack, id);
    await stack.client.post(`/events/${id}/replay`, {});
    const linked = (queue: string) => (spans: ReceivedSpan[]) =>
      spans.some(
        ({ name, traceId, links }) =>
          name === `send ${queue}` &&
          traceId !== trace[0]!.traceId &&
          links.some((link) => link.traceId === trace[0]!.traceId),
      );
    await collector.until(linked('integration-tasks'), 'the redrive');
    await collector.until(linked('ingress-events'), 'the replay');
  });

  it('a run that waited links to the trace it began in', async () => {
    const id = await stack.send('shopify', 'orders/create', 'waits');
    const asked = await eventually(() => other.calls.find(({ path }) => path === '/ask'), { what: 'the question' });
    const began = await traceOf(id, 'process notifications');
    const { link } = JSON.parse(asked.body) as { link: string };
    await post(stack.ingress + link.slice(new URL(link).origin.length), '{"approved":true}', {
      'content-type': 'application/json',
    });
    await done(stack, id);
    await collector.until(
      (spans) =>
        spans.some(
          ({ name, links, traceId }) =>
            name === 'process orchestration-flows' &&
            traceId !== began[0]!.traceId &&
            links.some((link) => link.traceId === began[0]!.traceId),
        ),
      'the link',
    );
  });

  it('goes on in gRPC calls', async () => {
    const proto =
      'syntax = "proto3"; package shop; message Pet { string name = 1; } service Pets { rpc Add (Pet) returns (Pet); }';
    const heard: unknown[] = [];
    const server = await GrpcServer.start(proto, 'shop.Pets', {
      Add: (call) => {
        heard.push(call.metadata.get('traceparent')[0]);
        return call.request;
      },
    });
    try {
      other.answer = ({ path }) => (path === '/pets.proto' ? { status: 200, body: proto } : undefined);
      const call = {
        call: 'grpc',
        with: {
          proto: { endpoint: `${other.url}/pets.proto` },
          service: { name: 'shop.Pets', host: '127.0.0.1', port: server.port },
          method: 'Add',
          arguments: { name: 'Ada' },
        },
      };
      await stack.configure(
        ...resources(other),
        { kind: 'Flow', name: 'remote', spec: { do: [{ call }] } },
        { kind: 'Route', name: 'remote', spec: { match: { types: ['github.ping'] }, to: { flow: 'remote' } } },
      );
      const id = await stack.send('github', 'ping', 'grpc');
      await done(stack, id);
      const trace = await traceOf(id, 'shop.Pets/Add');
      const span = trace.find(({ name }) => name === 'shop.Pets/Add')!;
      expect(heard).toEqual([`00-${span.traceId}-${span.spanId}-01`]);
      await eventually(async () => orphans(await traceOf(id, 'write ledger')).length === 0, { what: 'whole trace' });
    } finally {
      server.close();
      other.answer = () => undefined;
    }
  });

  it('goes on in the process of its own that a job is run in whose workers died', async () => {
    const queue = stack.platform.queues.queueOf('integration-tasks', TENANT);
    await queue.pause();
    const id = await stack.send('github', 'push', 'suspect');
    const job = await eventually(async () =>
      (await queue.getJobs(['waiting', 'prioritized'])).find((one) => one.id!.startsWith(id)),
    );
    // The last time it was the one suspect that its worker ran.
    await job.updateProgress({ tried: { deaths: 1, attempt: 1 } });
    await dieTwice(stack, job.id!);
    await queue.resume();
    await done(stack, id);
    await eventually(
      async () => {
        const trace = await traceOf(id, 'isolated integration-tasks');
        return orphans(trace).length === 0;
      },
      { what: 'whole trace' },
    );
    const trace = await traceOf(id, 'isolated integration-tasks');
    const named = (name: string) => trace.find((span) => span.name === name)!;
    expect(named('isolated integration-tasks').parentSpanId).toBe(named('process integration-tasks').spanId);
    const call = named('POST');
    expect(call.parentSpanId).toBe(named('isolated integration-tasks').spanId);
    const heard = other.calls.find(({ path, body }) => path === '/plain' && body.includes(id))!;
    expect(heard.headers['traceparent']).toBe(`00-${call.traceId}-${call.spanId}-01`);
  }, 60_000);

  it('sends metrics over OTLP', async () => {
    await eventually(
      () => collector.metrics.has('spillway.events.accepted') && collector.metrics.has('messaging.process.duration'),
    );
  });
});

describe('traces that are not sampled', () => {
  let stack: Stack;
  let other: ThirdParty;
  let collector: OtlpReceiver;

  beforeAll(async () => {
    [other, collector] = await Promise.all([ThirdParty.start(), OtlpReceiver.start()]);
    stack = await startStack('redis', other, collector, UNSAMPLED);
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    await other?.close();
    await collector?.close();
  }, 60_000);

  it('are dropped, also when the provider says they are sampled; one that fails is kept from its beginning', async () => {
    const { url, body, headers } = stack.signed('stripe', 'payment_intent.succeeded', 'unseen');
    const quiet = (await post(url, body, { ...headers, traceparent: PROVIDERS_PARENT })).json<{ id: string }>().id;
    await done(stack, quiet);
    other.answer = (call) => (call.path === '/plain' ? { status: 400 } : undefined);
    const loud = await stack.send('github', 'push', 'fails');
    await done(stack, loud, 'dead-letter');
    const wanted = ['POST /v1/in/:tenant/:source', 'process ingress-events', 'process integration-tasks', 'POST'];
    await collector.until(
      (spans) =>
        wanted.every((name) => spans.some((span) => span.name === name && idsOf(spans, loud).has(span.traceId))),
      'the failed one',
    );
    expect(idsOf(collector.spans, quiet).size).toBe(0);
    expect(collector.spans.some(({ links }) => links.some(({ traceId }) => traceId === PROVIDERS_TRACE))).toBe(false);
  });
});

/** As BullMQ counts a job whose worker died. */
async function dieTwice(stack: Stack, jobId: string): Promise<void> {
  const queue = stack.platform.queues.queueOf('integration-tasks', TENANT);
  if (!stack.servers.redis) {
    await stack.platform.database.pool.query('update bullmq.job set stalled_count = 2 where id = $1', [jobId]);
    return;
  }
  const redis = new Redis(stack.servers.redis.url);
  await redis.hset(queue.toKey(jobId), 'stc', 2);
  await redis.quit();
}

/** Traces that name an event. */
function idsOf(spans: ReceivedSpan[], eventId: string): Set<string> {
  const own = spans.filter(({ attributes, kind }) => kind === 2 && attributes['spillway.event.id'] === eventId);
  return new Set(own.map(({ traceId }) => traceId));
}
