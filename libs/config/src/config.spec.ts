import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from './config';
import { traceVariables } from './telemetry';

describe('the configuration', () => {
  it('needs nothing to start', () => {
    const config = loadConfig({});
    expect(config.ingress.port).toBe(3000);
    expect(config.admin.port).toBe(3100);
    expect(config.roles).toContain('worker-analytics');
    expect(config.queues.redisUrl).toBeUndefined();
  });

  it('names each variable that is wrong', () => {
    expect(() => loadConfig({ INGRESS_PORT: 'x', DRAIN_TIMEOUT: 'soon', SPILLWAY_KEY: 'short' })).toThrow(
      /INGRESS_PORT .*SPILLWAY_KEY .*DRAIN_TIMEOUT /,
    );
  });

  it('takes an empty variable for an unset one', () => {
    expect(loadConfig({ REDIS_URL: '', INGRESS_PORT: '' }).ingress.port).toBe(3000);
  });

  it('turns durations into milliseconds and keys into bytes', () => {
    const config = loadConfig({ DEAD_LETTER_RETENTION: '7d', SPILLWAY_KEY: 'ab'.repeat(32) });
    expect(config.retention.deadLettersMs).toBe(7 * 86_400_000);
    expect(config.key).toHaveLength(32);
  });

  it('has no demo in production or on a database of your own', () => {
    expect(loadConfig({}).demo).toBe(true);
    expect(loadConfig({ NODE_ENV: 'production' }).demo).toBe(false);
    expect(loadConfig({ DATABASE_URL: 'postgres://x' }).demo).toBe(false);
  });

  it('knows the partitions a process serves', () => {
    expect(loadConfig({}).queues.served).toEqual([0]);
    expect(loadConfig({ SPILLWAY_PARTITIONS: '3' }).queues.served).toEqual([0, 1, 2]);
    expect(loadConfig({ SPILLWAY_PARTITIONS: '8', WORKER_PARTITIONS: '6,0-2,2' }).queues.served).toEqual([0, 1, 2, 6]);
    for (const wrong of ['8', '3-1', 'x', '0-'])
      expect(() => loadConfig({ SPILLWAY_PARTITIONS: '8', WORKER_PARTITIONS: wrong })).toThrow(/WORKER_PARTITIONS/);
  });

  it('says what SPILLWAY_QUEUES must look like', () => {
    expect(() => loadConfig({ SPILLWAY_QUEUES: '{nope' })).toThrow(/SPILLWAY_QUEUES/);
    expect(loadConfig({ SPILLWAY_QUEUES: '{"notifications":{"attempts":3}}' }).queues.overrides).toEqual({
      notifications: { attempts: 3 },
    });
  });
});

describe('secrets in files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-config-'));
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('are read where a *_FILE variable names one, without the last line break', () => {
    const config = loadConfig({
      DATABASE_URL_FILE: file('database', 'postgres://records\n'),
      REDIS_URL_FILE: file('redis', 'redis://queues'),
      SPILLWAY_KEY_FILE: file('key', `${'ab'.repeat(32)}\n`),
      ADMIN_API_KEY_FILE: file('api-key', 'spw_0123456789_0123456789'),
    });
    expect(config.database.url).toBe('postgres://records');
    expect(config.queues.redisUrl).toBe('redis://queues');
    expect(config.key).toHaveLength(32);
    expect(config.admin.apiKey).toBe('spw_0123456789_0123456789');
  });

  it('lose against the variable itself', () => {
    const config = loadConfig({ DATABASE_URL: 'postgres://given', DATABASE_URL_FILE: join(directory, 'gone') });
    expect(config.database.url).toBe('postgres://given');
  });

  it('are missed by name when the file is not there or empty', () => {
    expect(() => loadConfig({ REDIS_URL_FILE: join(directory, 'gone') })).toThrow(/REDIS_URL_FILE names .*gone/);
    expect(() => loadConfig({ SPILLWAY_KEY_FILE: file('empty', '\n') })).toThrow(/SPILLWAY_KEY_FILE .* is empty/);
  });
});

describe('where calls of tenants may go', () => {
  const allowed = (environment: Record<string, string>) =>
    loadConfig({ SPILLWAY_DIR: '/tmp/x', ...environment }).egress;

  it('is this machine too only where nobody is served from outside', () => {
    expect(allowed({})).toEqual({ mode: 'strict', allow: ['127.0.0.0/8', '::1'] });
    for (const outside of [
      { NODE_ENV: 'production' },
      { DATABASE_URL: 'postgres://db/x' },
      { HOST: '0.0.0.0' },
      { PUBLIC_URL: 'https://hooks.example' },
    ]) {
      expect(allowed(outside as never)).toEqual({ mode: 'strict', allow: [] });
    }
    expect(allowed({ PUBLIC_URL: 'http://localhost:3000' }).allow).toHaveLength(2);
  });

  it('is what an operator says', () => {
    const given = { NODE_ENV: 'production', EGRESS_ALLOW: '10.0.0.0/8, n8n:5678,' };
    expect(allowed(given)).toEqual({ mode: 'strict', allow: ['10.0.0.0/8', 'n8n:5678'] });
    expect(allowed({ EGRESS: 'off' }).mode).toBe('off');
    expect(() => allowed({ EGRESS: 'no' })).toThrow(/EGRESS/);
  });
});

describe('login through an OpenID provider', () => {
  const given = {
    OIDC_ISSUER: 'https://login.example.com',
    OIDC_CLIENT_ID: 'spillway',
    ADMIN_PUBLIC_URL: 'https://spillway.example.com/',
  };

  it('is off without an issuer, and needs little else', () => {
    expect(loadConfig({}).admin.oidc).toBeUndefined();
    const rules = '[{"claim":"groups","has":"ops-*","role":"operator","tenant":"*"}]';
    const { admin } = loadConfig({ ...given, OIDC_DOMAINS: ' Example.com,example.org ', OIDC_ROLES: rules });
    expect(admin.publicUrl).toBe('https://spillway.example.com');
    expect(admin.oidc).toMatchObject({ domains: ['example.com', 'example.org'], roles: JSON.parse(rules) as object[] });
  });

  it.each([
    [{ OIDC_ISSUER: 'http://login.example.com' }, /OIDC_ISSUER must begin with https/],
    [{ OIDC_CLIENT_ID: '' }, /OIDC_CLIENT_ID is missing/],
    [{ ADMIN_PUBLIC_URL: '' }, /needs ADMIN_PUBLIC_URL/],
    [{ OIDC_ROLES: '[{"claim":"groups"}]' }, /OIDC_ROLES is not the JSON/],
    [{ OIDC_ROLES: 'admin' }, /OIDC_ROLES is not the JSON/],
  ])('says what is wrong: %j', (wrong, message) => {
    expect(() => loadConfig({ ...given, ...wrong })).toThrow(message);
  });

  it('may go without TLS on this machine only', () => {
    expect(loadConfig({ ...given, OIDC_ISSUER: 'http://127.0.0.1:9000' }).admin.oidc?.issuer).toContain('127.0.0.1');
  });
});

it('gives another process the same traces, and no metrics', () => {
  const { telemetry } = loadConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20a%2Cb%3D,x=y',
    OTEL_RESOURCE_ATTRIBUTES: 'team=a%20b',
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    TRACE_SLOW_AFTER: '1500ms',
  });
  expect(loadConfig(traceVariables(telemetry)).telemetry).toEqual({ ...telemetry, metricsUrl: undefined });
  const off = loadConfig({}).telemetry;
  const inherited = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  expect(loadConfig({ ...inherited, ...traceVariables(off) }).telemetry).toMatchObject({ tracesUrl: undefined });
});

it('accepts events into both places where Redis has replicas, unless it is told otherwise', () => {
  const into = (variables: Record<string, string>) => loadConfig(variables).ingress.acceptInto;
  const single = { REDIS_URL: 'redis://localhost' };
  expect([into({}), into(single), into({ REDIS_WAIT_REPLICAS: '1' })]).toEqual(['queues', 'queues', 'queues']);
  expect(into({ ...single, REDIS_WAIT_REPLICAS: '1' })).toBe('both');
  for (const kind of ['redis+sentinel', 'rediss+cluster']) {
    expect(into({ REDIS_URL: `${kind}://a:1,b:2/main` })).toBe('both');
    expect(into({ REDIS_URL: `${kind}://a:1,b:2/main`, ACCEPT_INTO: 'queues' })).toBe('queues');
  }
});
