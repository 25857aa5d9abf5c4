import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { sql } from 'kysely';
import { Client } from 'pg';
import { batched, type Database, migrate, openDatabase } from '../index';
import { ownDatabase } from '../testing/own-database';
import { EXITS } from './exits';
import { asPlatform, eachInTenants, inTenants } from './scope';
import { prepareTenantRole, TENANT_ROLE, tenantRoleProblem } from './tenant-role';

let own: Awaited<ReturnType<typeof ownDatabase>>;
let database: Database;
let owner: string;

beforeAll(async () => {
  own = await ownDatabase();
  await prepareTenantRole(own.database.pool);
  database = openDatabase(own.database.url, 3, TENANT_ROLE);
  owner = (await whoAmI()).role;
  for (const tenant of ['acme', 'other', 'third']) {
    await database.pool.query(`insert into resources (kind, tenant, name, spec) values ('Tenant', $1, $1, '{}')`, [
      tenant,
    ]);
  }
}, 60_000);

afterAll(async () => {
  await database?.close();
  await own?.close();
});

async function whoAmI(): Promise<{ role: string; tenants: string }> {
  const { rows } = await database.pool.query<{ role: string; tenants: string }>(
    `select current_user as role, coalesce(current_setting('spillway.tenants', true), '') as tenants`,
  );
  return rows[0]!;
}

async function tenantsSeen(): Promise<string[]> {
  return (await database.db.selectFrom('resources').select('tenant').orderBy('tenant').execute()).map(
    (row) => row.tenant,
  );
}

describe('the scope of tenants', () => {
  it('shows their rows and no others, whichever way is asked, and all outside it', async () => {
    expect(await inTenants(['acme'], tenantsSeen)).toEqual(['acme']);
    expect(await inTenants(['acme', 'third'], tenantsSeen)).toEqual(['acme', 'third']);
    expect(await inTenants([], tenantsSeen)).toEqual([]);
    expect(await inTenants(null, tenantsSeen)).toEqual(['acme', 'other', 'third']);
    const inTransaction = () =>
      database.db.transaction().execute(async (db) => {
        await sql`select 1`.execute(db);
        return (await db.selectFrom('resources').select('tenant').execute()).length;
      });
    expect(await inTenants(['acme'], inTransaction)).toBe(1);
    expect(await inTransaction()).toBe(3);
    const counted = await inTenants(['other'], () => database.pool.query('select tenant from resources'));
    expect(counted.rows).toEqual([{ tenant: 'other' }]);
  });

  it('is left by an exit, for what is done in it', async () => {
    await inTenants(['acme'], async () => {
      expect(await asPlatform('plans', tenantsSeen)).toHaveLength(3);
      const people = database.outside('people');
      expect(await people.selectFrom('resources').select('tenant').execute()).toHaveLength(3);
      expect(await tenantsSeen()).toEqual(['acme']);
    });
  });

  it('has no exit that people are not told of', () => {
    const told = readFileSync(join(__dirname, '../../../../docs/operate/security.md'), 'utf8');
    const exits = [...told.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, exit]) => exit);
    expect(exits).toEqual(Object.keys(EXITS));
  });

  it('holds for what is read bit by bit afterwards', async () => {
    async function* pages() {
      yield await tenantsSeen();
      await wait(1);
      yield await tenantsSeen();
    }
    const found: string[][] = [];
    for await (const page of eachInTenants(['other'], inTenants(['other'], pages))) found.push(page);
    expect(found).toEqual([['other'], ['other']]);
  });

  it('keeps its work out of the batches of others', async () => {
    const seen = batched(async (items: string[]) => Promise.all(items.map(tenantsSeen)), { most: 10 });
    const [mine, theirs, all] = await Promise.all([
      inTenants(['acme'], () => seen('a')),
      inTenants(['other'], () => seen('b')),
      seen('c'),
    ]);
    expect([mine, theirs, all]).toEqual([['acme'], ['other'], ['acme', 'other', 'third']]);
  });
});

describe('a connection', () => {
  it('is given to nobody with the role, or the tenants, of who had it before', async () => {
    // More than there are connections, so that they wait for each other's.
    const asked = Array.from({ length: 200 }, (_, at) => {
      const tenants = at % 3 === 0 ? null : [['acme'], ['other', 'third']][at % 2]!;
      return inTenants(tenants, async () => ({ tenants, found: await whoAmI(), saw: await tenantsSeen() }));
    });
    for (const { tenants, found, saw } of await Promise.all(asked)) {
      expect(found.role).toBe(tenants === null ? owner : TENANT_ROLE);
      expect(saw).toEqual(tenants ?? ['acme', 'other', 'third']);
      if (tenants) expect(found.tenants).toBe(tenants.join(','));
    }
  });

  it('does not keep them after an error, nor after a transaction that nobody ended', async () => {
    for (let times = 0; times < 5; times++) {
      await inTenants(['acme'], async () => {
        await expect(database.pool.query('select 1 / 0')).rejects.toThrow('division');
        await expect(
          database.db.transaction().execute((db) => sql`insert into resources values (1)`.execute(db)),
        ).rejects.toThrow();
        const client = await database.pool.connect();
        await client.query('begin');
        client.release();
      });
      await inTenants(['other'], async () => {
        const client = await database.pool.connect();
        await client.query('begin');
        await client.query('rollback');
        const { rows } = await client.query('select tenant from resources');
        client.release();
        expect(rows).toEqual([{ tenant: 'other' }]);
      });
      expect((await whoAmI()).role).toBe(owner);
    }
  });

  it('that is killed, idle or at work, is followed by one that is right', async () => {
    const kill = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;
    for (const tenants of [['acme'], null]) {
      await inTenants(tenants, whoAmI);
      const busy = inTenants(['other'], () => database.pool.query('select pg_sleep(30)'));
      const died = expect(busy).rejects.toThrow();
      const admin = new Client({ connectionString: own.database.url });
      await admin.connect();
      while ((await admin.query(`select from pg_stat_activity where query = 'select pg_sleep(30)'`)).rowCount === 0);
      await admin.query(kill);
      await admin.end();
      await died;
      await wait(20);
      expect(await inTenants(['acme'], tenantsSeen)).toEqual(['acme']);
      expect((await whoAmI()).role).toBe(owner);
    }
  });
});

describe('the role of tenants', () => {
  /** Another database of the same server; its tables are a plain user's, who may make no roles. */
  let plain: Database;
  let plainAsAdmin: Database;

  beforeAll(async () => {
    await database.pool.query(`create role plain login password 'pw'`);
    await database.pool.query('create database plain owner plain');
    const url = new URL(own.database.url);
    url.pathname = '/plain';
    plainAsAdmin = openDatabase(url.href, 2);
    [url.username, url.password] = ['plain', 'pw'];
    plain = openDatabase(url.href, 2, TENANT_ROLE);
    await migrate(plain);
  }, 60_000);

  afterAll(() => Promise.all([plain?.close(), plainAsAdmin?.close()]));

  /** As it is on a new server. */
  beforeEach(async () => {
    for (const { pool } of [database, plainAsAdmin]) await pool.query(`drop owned by ${TENANT_ROLE}`);
    await database.pool.query(`drop role ${TENANT_ROLE}`);
  });

  afterEach(() => prepareTenantRole(database.pool));

  const roleOf = async ({ pool }: Database) =>
    (await inTenants(['acme'], () => pool.query<{ role: string }>('select current_user as role'))).rows[0]!.role;

  it('is made once by all who begin at once, in several databases of one server', async () => {
    await Promise.all([database, plainAsAdmin, database, plainAsAdmin].map(({ pool }) => prepareTenantRole(pool)));
    for (const { pool } of [database, plainAsAdmin]) expect(await tenantRoleProblem(pool)).toBeUndefined();
  });

  it('is made by a user who may make roles, and taken on by it', async () => {
    await database.pool.query('alter role plain createrole');
    await prepareTenantRole(plain.pool);
    expect(await tenantRoleProblem(plain.pool)).toBeUndefined();
    expect(await roleOf(plain)).toBe(TENANT_ROLE);
    await database.pool.query('alter role plain nocreaterole');
  });

  it('is asked for where the user may not make it, and found when an administrator did', async () => {
    const wanted = {
      code: 'tenant-role-missing',
      remedy: expect.stringContaining('create role spillway_tenant') as string,
    };
    await expect(prepareTenantRole(plain.pool)).rejects.toMatchObject(wanted);
    expect(await tenantRoleProblem(plain.pool)).toMatch('cannot be taken on');
    // As the remedy says.
    await database.pool.query(`create role ${TENANT_ROLE} nologin`);
    await expect(prepareTenantRole(plain.pool)).rejects.toMatchObject(wanted);
    await database.pool.query(`grant ${TENANT_ROLE} to plain`);
    expect(await tenantRoleProblem(plain.pool)).toMatch('lacks SELECT on resources');
    await prepareTenantRole(plain.pool);
    expect(await tenantRoleProblem(plain.pool)).toBeUndefined();
    expect(await roleOf(plain)).toBe(TENANT_ROLE);
  });

  it('has no right to what is no business of tenants, or is said to have it', async () => {
    await prepareTenantRole(database.pool);
    const users = () => inTenants(['acme'], () => database.pool.query('select * from users'));
    await expect(users()).rejects.toThrow('permission denied');
    await database.pool.query(`grant select on users to ${TENANT_ROLE}`);
    expect(await tenantRoleProblem(database.pool)).toMatch(`revoke SELECT on users from ${TENANT_ROLE}`);
  });

  it('is not what a user is taken for who does not own the tables: that one is refused', async () => {
    await database.pool.query(
      `create role reader login password 'pw'; grant all on all tables in schema public to reader`,
    );
    const url = new URL(own.database.url);
    [url.username, url.password] = ['reader', 'pw'];
    const reader = openDatabase(url.href, 2);
    await expect(migrate(reader)).rejects.toMatchObject({ code: 'database-user-restricted' });
    await reader.close();
  });
});
