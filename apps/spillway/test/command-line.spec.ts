import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresLimits } from '@spillway/adapters';
import { openDatabase } from '@spillway/persistence';
import { partitionOf } from '@spillway/queues';
import { eventually, ThirdParty } from '@spillway/testing';
import { commandLine, processLine } from './flows/command-line';
import { Stack } from './stack';

const EXAMPLE = join(__dirname, '../../../docs/examples/orders');

describe('the command line', () => {
  let stack: Stack;
  let directory: string;

  beforeAll(async () => {
    stack = await Stack.start('postgres');
    directory = mkdtempSync(join(tmpdir(), 'spillway-cli-'));
  }, 60_000);

  afterAll(async () => {
    await stack?.close();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  const where = () => ({
    directory,
    environment: stack.environment,
  });
  const spillway = commandLine(where);
  const spillwayProcess = processLine(where);

  const secrets = { CRM_TOKEN: 'crm', STRIPE_WEBHOOK_SECRET: 'whsec_example' };

  it('shows the allowances and circuits of adapters, and resets them', async () => {
    expect((await spillway(['limits', 'list'])).out).toBe('no adapter was called lately\n');
    const shared = new PostgresLimits(stack.platform.database.pool);
    await shared.take('acme/crm#own', { perSecond: 1, burst: 1 });
    await shared.open('acme/crm', { forMs: 60_000, mostMs: 60_000, reason: 'it answered 503' }, false);
    const { out } = await spillway(['limits', 'list', '--tenant', 'acme']);
    expect(out).toMatch(
      /^circuit {4}open {6}acme\/crm {2}tried again in \d\d\.\d s {2}opened 1 time {2}it answered 503\n/,
    );
    expect(out).toMatch(/allowance {2}acme\/crm#own {2}1\/s, burst 1 {2}.*1 granted, 0 refused\n$/);
    expect((await spillway(['limits', 'reset', 'acme/crm'])).out).toBe('acme/crm: 2 rows reset\n');
  }, 30_000);

  it('shows the partitions, and where a tenant is', async () => {
    expect(await spillway(['partitions'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^0 {2}ingress-events 0 /) as string,
    });
    const count = stack.platform.queues.partitions.count;
    expect((await spillway(['partitions', '--tenant', 'acme'])).out).toBe(
      `${partitionOf('acme', count)} of ${count}\n`,
    );
  }, 30_000);

  it('applies the example of the docs: shows it, does it, and finds nothing more to do', async () => {
    const dry = await spillway(['apply', '-f', EXAMPLE, '--dry-run'], secrets);
    expect(dry).toMatchObject({ code: 0, err: '' });
    expect(dry.out).toContain('+ Tenant shop created');
    expect(dry.out).toContain('5 changed, 0 unchanged (dry run: nothing was done)');
    expect(stack.platform.directory.tenant('shop')).toBeUndefined();
    const done = await spillway(['apply', '-f', EXAMPLE], secrets);
    expect(done.out).toMatch(/key: spw_\S+ {3}\(shown this once\)/);
    expect(stack.platform.directory.tenant('shop')!.flows.has('book-payment')).toBe(true);
    const again = await spillway(['apply', '-f', EXAMPLE], secrets);
    expect(again.out).toContain('0 changed, 5 unchanged');
    const rotated = await spillway(['apply', '-f', EXAMPLE], { ...secrets, STRIPE_WEBHOOK_SECRET: 'whsec_other' });
    expect(rotated.out).toContain('~ Source shop/stripe updated');
    expect(rotated.out).not.toContain('whsec_other');
  }, 60_000);

  it('names file, line and field of everything that is wrong', async () => {
    const file = join(directory, 'wrong.yaml');
    writeFileSync(
      file,
      [
        'apiVersion: spillway/v1',
        'kind: Route',
        'metadata: { name: r, tenant: shop }',
        'spec:',
        '  match:',
        '    where: .data.amount >',
        '  to:',
        '    http:',
        '      url: ${ .url',
        '---',
        'apiVersion: spillway/v1',
        'kind: Source',
        'metadata: { name: Bad_Name, tenant: shop }',
        'spec: { provider: stripe, secrets: [{ env: NOT_SET }] }',
      ].join('\n'),
    );
    const { code, err } = await spillway(['apply', '-f', file]);
    expect(code).toBe(1);
    expect(err).toContain(`${file}:6: spec.match.where: jq, line 1, column 15: an expression is missing`);
    expect(err).toContain(`${file}:9: spec.to.http.url: jq, line 1, column 1: the expression is not closed`);
    expect(err).toContain(`${file}:13: metadata.name: must be 1 to 63 lower-case letters, digits and dashes`);
    expect(err).toContain(`${file}:14: spec.secrets.0: the environment variable NOT_SET is not set`);
  });

  it('sends samples, shows events, and redrives dead letters', async () => {
    const other = await ThirdParty.start();
    other.answer = () => ({ status: 400 });
    await stack.configure({
      kind: 'Route',
      name: 'r',
      spec: { match: { provider: 'github' }, to: { http: { url: other.url } } },
    });
    const sent = await spillway(['send', '--tenant', 'acme', '--provider', 'github', '--type', 'push', '--count', '2']);
    expect(sent.out).toContain('2 of 2 accepted');
    const id = /"id":"([^"]+)"/.exec(sent.out)![1]!;
    const shown = await eventually(async () => {
      const { out } = await spillway(['events', 'show', id]);
      return out.includes('dead-letter') ? out : undefined;
    });
    expect(shown).toContain('answered 400');
    expect((await spillway(['dlq', 'list'])).out).toContain('permanent http-400');
    expect((await spillway(['dlq', 'redrive', '--route', 'r', '--dry-run'])).out).toContain('2 would be redriven');
    other.answer = () => undefined;
    expect((await spillway(['dlq', 'redrive', '--route', 'r', '--rate', '50'])).out).toContain('2 redriven');
    await eventually(async () => (await spillway(['events', 'list', '--state', 'done'])).out.includes(id));
    expect((await spillway(['dlq', 'list'])).out).toBe('no dead letters\n');
    await other.close();
  }, 60_000);

  it('examines the installation, and says in one line what is wrong', async () => {
    const well = await spillwayProcess(['doctor']);
    expect(well).toMatchObject({ code: 0, err: '' });
    expect(well.out).toContain('ok    row-level security is on');
    expect((await spillway(['doctor'], { ROW_SECURITY: 'off' })).out).toContain('row-level security is off');
    const ill = await spillwayProcess(['doctor'], { SPILLWAY_API_KEY: 'wrong', REDIS_URL: 'redis://127.0.0.1:1' });
    expect(ill.code).toBe(1);
    expect(ill.out).toContain('WRONG Redis does not answer');
    expect(ill.out).toContain('WRONG operations API: the API key is not valid');
    const { code, err } = await spillwayProcess(['events', 'list'], { SPILLWAY_URL: 'http://127.0.0.1:1' });
    expect([code, err]).toEqual([
      1,
      'spillway: nothing answers at http://127.0.0.1:1. Start Spillway ("npm start"), or set SPILLWAY_URL.\n',
    ]);
    const port = await spillwayProcess(['start'], { INGRESS_PORT: 'x' });
    expect(port.err).toContain('INGRESS_PORT');
  }, 60_000);

  it('migrates once, and leaves a schema alone that a newer version made', async () => {
    await stack.platform.database.pool.query('create database fresh');
    const fresh = { DATABASE_URL: stack.servers.postgres.url.replace(/[^/]+$/, 'fresh') };
    expect((await spillway(['migrate'], fresh)).out).toMatch(/^migrated: 0001-records, /);
    const database = openDatabase(fresh.DATABASE_URL, 2);
    try {
      const made = `insert into kysely_migration (name, timestamp) values ('9999-of-a-later-version', 'now')`;
      await database.pool.query(made);
      expect(await spillway(['migrate'], fresh)).toEqual({ code: 0, out: 'the schema is up to date\n', err: '' });
      const { rows } = await database.pool.query(`select from pg_namespace where nspname = 'bullmq'`);
      expect(rows).toHaveLength(1);
    } finally {
      await database.close();
    }
    const without = await spillway(['migrate'], { DATABASE_URL: '' });
    expect(without.code).toBe(1);
    expect(without.err).toContain('DATABASE_URL is not set');
  }, 60_000);
});
