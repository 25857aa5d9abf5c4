import { loadConfig } from '@spillway/config';
import { inTenants } from '@spillway/persistence';
import { migratePlatform, openPlatform, type Platform } from '@spillway/runtime';
import { TestServers } from '@spillway/testing';
import { createLog } from '@spillway/observability';
import { Client } from 'pg';

const log = createLog(loadConfig({ LOG_LEVEL: 'silent' }).log);
let servers: TestServers;

beforeAll(async () => {
  servers = await TestServers.start('postgres');
}, 60_000);

afterAll(() => servers?.close(), 60_000);

/** The platform of some roles, for as long as the work takes. */
async function opened<T>(extra: Record<string, string>, work: (platform: Platform) => Promise<T>): Promise<T> {
  const platform = await openPlatform(loadConfig(servers.environment(extra)), log);
  try {
    return await work(platform);
  } finally {
    await platform.close();
  }
}

describe('row-level security', () => {
  it('is asked for by the admin and `migrate` where it cannot be, at once; events are taken without it', async () => {
    const admin = new Client({ connectionString: servers.postgres.url });
    await admin.connect();
    await admin.query(`create role plain login password 'pw'`);
    await admin.query('create database plain owner plain');
    await admin.end();
    const url = new URL(servers.postgres.url);
    [url.username, url.password, url.pathname] = ['plain', 'pw', '/plain'];
    const plain = { DATABASE_URL: url.href, START_TIMEOUT: '10m' };
    const refused = { code: 'tenant-role-missing' };
    const of = (extra: Record<string, string>) => opened({ ...plain, ...extra }, async () => 'opened');
    await expect(of({ SPILLWAY_ROLES: 'admin' })).rejects.toMatchObject(refused);
    await expect(migratePlatform(loadConfig(servers.environment(plain)), log)).rejects.toMatchObject(refused);
    expect(await of({ SPILLWAY_ROLES: 'ingress-api' })).toBe('opened');
    expect(await of({ SPILLWAY_ROLES: 'admin', ROW_SECURITY: 'off' })).toBe('opened');
  }, 60_000);

  it(
    'gives requests of tenants no way to the tables of the queues',
    () =>
      opened({ SPILLWAY_ROLES: 'admin' }, async ({ database: { pool } }) => {
        const { rows } = await pool.query<{ schema: string; open: boolean }>(
          `select distinct n.nspname as schema, has_schema_privilege('spillway_tenant', n.oid, 'USAGE') as open
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') order by 1`,
        );
        expect(rows).toEqual([
          { schema: 'bullmq', open: false },
          { schema: 'public', open: true },
          { schema: 'spillway_lanes', open: false },
        ]);
        const jobs = () => pool.query('select from bullmq.job');
        await expect(inTenants(['acme'], jobs)).rejects.toThrow('permission denied for schema bullmq');
        await expect(jobs()).resolves.toBeDefined();
      }),
    60_000,
  );
});
