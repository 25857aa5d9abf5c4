import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BACKENDS, eventually, ThirdParty } from '@spillway/testing';
import { post, Stack } from './stack';

interface Ready {
  status: string;
  roles: Record<string, { ready: boolean; reason?: string }>;
}

describe.each(BACKENDS)('health and metrics, with the queues on %s', (backend) => {
  let stack: Stack;
  let other: ThirdParty;

  beforeAll(async () => {
    other = await ThirdParty.start();
    stack = await Stack.start(backend, { RECONCILE_EVERY: '300ms' });
    await stack.configure({
      kind: 'Route',
      name: 'all',
      spec: { to: [{ notify: { channel: 'log', message: 'x' } }, { http: { url: other.url } }] },
    });
  }, 60_000);

  afterAll(async () => {
    await stack?.servers.redis?.resume().catch(() => undefined);
    await stack?.servers.postgres.resume().catch(() => undefined);
    await stack?.close();
    await other?.close();
  }, 60_000);

  const ask = (path: string, base = `http://127.0.0.1:${stack.platform.monitor!.port}`) =>
    post(base + path, '', {}, 'GET');
  const ready = async () => {
    const answer = await ask('/health/ready');
    return { code: answer.status, ...answer.json<Ready>() };
  };
  const becomes = (role: string, is: boolean) =>
    eventually(async () => (await ready()).roles[role]?.ready === is, {
      what: `${role} ${is ? '' : 'not '}ready`,
      withinMs: 20_000,
    });

  it('is ready when every role can do its work', async () => {
    expect(await ready()).toMatchObject({ code: 200, status: 'ok', roles: { 'ingress-api': { ready: true } } });
    expect((await ask('/health/live')).status).toBe(200);
    for (const base of [stack.ingress, stack.admin])
      for (const path of ['/health/live', '/health/ready']) expect((await ask(path, base)).status).toBe(200);
  });

  it('tells what happened, and how deep and old the queues are', async () => {
    const { url, body, headers } = stack.signed('stripe', 'payment_intent.succeeded', 'metrics');
    await post(url, body, headers);
    await post(url, body, headers);
    await post(url, body, { ...headers, 'stripe-signature': 't=1,v1=00' });
    const lines = [
      /^spillway_events_accepted_total\{.*spillway_provider="stripe",spillway_via="queue".*\} \d/m,
      /^spillway_events_duplicate_total\{.*spillway_provider="stripe".*\} [1-9]/m,
      /^spillway_requests_refused_total\{.*spillway_error_code="signature-[a-z]+",http_response_status_code="401".*\} [1-9]/m,
      /^spillway_queue_depth\{.*messaging_destination_name="notifications".*spillway_job_state="waiting".*\} 0/m,
      /^spillway_queue_oldest_age_seconds\{.*messaging_destination_name="ingress-events".*\} \d/m,
      /^spillway_job_wait_duration_seconds_count\{.*messaging_destination_name="notifications".*\} [1-9]/m,
      /^messaging_process_duration_seconds_bucket\{.*messaging_destination_name="ingress-events".*le="300".*\} [1-9]/m,
      /^spillway_job_attempts_total\{.*messaging_destination_name="notifications",spillway_outcome="done".*\} [1-9]/m,
      /^spillway_tenant_events_total\{.*spillway_tenant="acme".*\} [1-9]/m,
      /^spillway_outbox_depth\S* 0/m,
      /^spillway_leader\S* 1/m,
      /^http_server_request_duration_seconds_count\{.*http_route="\/v1\/in\/:tenant\/:source",http_response_status_code="202".*\} [2-9]/m,
      /^process_memory_usage_bytes\S* \d/m,
      ...(backend === 'redis'
        ? [/^spillway_redis_safe\S*appendonly\S* 1/m, /^spillway_redis_memory_used_bytes\S* \d/m]
        : []),
    ];
    await eventually(async () => {
      const { body: text } = await ask('/metrics');
      const missing = lines.filter((line) => !line.test(text));
      if (missing.length > 0) throw new Error(`missing: ${missing.join(' ')} in\n${text.slice(0, 20_000)}`);
      return true;
    });
  });

  if (backend === 'redis') {
    it('has every metric that alerts and dashboards ask for', async () => {
      const missing = async () => {
        const { body: text } = await ask('/metrics');
        const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!));
        return wantedMetrics().filter((name) => !known.has(name) && !known.has(name.replace(/_bucket$/, '')));
      };
      await eventually(async () => (await missing()).length === 0).catch(() => undefined);
      expect(await missing()).toEqual([]);
    });

    it('workers are not ready while Redis is away, ingress is; then all are again', async () => {
      await stack.servers.redis!.stop();
      await becomes('worker-ingress', false);
      expect((await ready()).roles).toMatchObject({ 'ingress-api': { ready: true }, admin: { ready: false } });
      expect((await ask('/health/ready')).status).toBe(503);
      expect((await ask('/health/live')).status).toBe(200);
      await stack.servers.redis!.resume();
      await becomes('worker-ingress', true);
      await becomes('worker-notifications', true);
      expect((await ready()).code).toBe(200);
    });
  }

  it('what needs PostgreSQL is not ready while it is away', async () => {
    await stack.servers.postgres.stop();
    await becomes('worker-orchestration', false);
    const { roles } = await ready();
    expect(roles['ingress-api']!.ready).toBe(backend === 'redis');
    expect(roles['worker-ingress']!.ready).toBe(backend === 'redis');
    expect((await ask('/health/live')).status).toBe(200);
    await stack.servers.postgres.resume();
    await becomes('worker-orchestration', true);
    await eventually(async () => (await ready()).code === 200, { withinMs: 20_000, what: 'ready again' });
    await eventually(async () => /^spillway_leader\S* 1/m.test((await ask('/metrics')).body), {
      what: 'a leader again',
    });
  });

  it('a draining process is not ready', async () => {
    stack.platform.health.drain();
    expect(await ready()).toMatchObject({ code: 503, status: 'draining' });
    expect((await ask('/health/ready', stack.ingress)).status).toBe(503);
  });
});

const FILES = join(__dirname, '../../../k8s/spillway/files');

/** Names of metrics in alerts and dashboards. */
function wantedMetrics(): string[] {
  const boards = join(FILES, 'dashboards');
  const texts = [join(FILES, 'alerts.yaml'), ...readdirSync(boards).map((name) => join(boards, name))];
  const words = texts.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return [...text.matchAll(/\b((?:spillway|messaging|http|nodejs|process)_[a-z_]+)(?=[{[)\s/"])/g)].map(
      ([, word]) => word!,
    );
  });
  return [...new Set(words)].filter((word) => !LABELS.has(word));
}

const LABELS = new Set([
  'http_response_status_code',
  'messaging_destination_name',
  'messaging_destination_partition_id',
  'spillway_error_code',
  'spillway_job_state',
  'spillway_outcome',
  'spillway_redis_node',
  'spillway_redis_setting',
  'spillway_role',
  'spillway_run_status',
  'spillway_tenant',
]);
