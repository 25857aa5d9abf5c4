import type { Pool } from 'pg';
import { type Database, openDatabase } from '../index';
import { ownDatabase } from '../testing/own-database';
import { inTenants } from './scope';
import { prepareTenantRole, TENANT_ROLE } from './tenant-role';

/** Tables that hold no tenant's rows, or none that a tenant may reach in any way. */
const NO_TENANTS: Record<string, string> = {
  users: 'People are of the installation; the role has no right to them.',
  sessions: 'Of people; the role has no right to them.',
  audit_anchors: 'Where the log of the installation begins; the role has no right to them.',
  ledger_jobs: 'Ids of jobs of facts, of many tenants each; the role has no right to them.',
  kysely_migration: 'Of the schema.',
  kysely_migration_lock: 'Of the schema.',
};

interface Table {
  name: string;
  columns: { name: string; type: string; needed: boolean }[];
  secured: boolean;
}

let own: Awaited<ReturnType<typeof ownDatabase>>;
let database: Database;
let tables: Table[];

beforeAll(async () => {
  own = await ownDatabase();
  await prepareTenantRole(own.database.pool);
  database = openDatabase(own.database.url, 3, TENANT_ROLE);
  tables = await allTables(own.database.pool);
}, 60_000);

afterAll(async () => {
  await database?.close();
  await own?.close();
});

/** Also partitions: asked for by name they are held against their own policies only. */
async function allTables(pool: Pool): Promise<Table[]> {
  const { rows } = await pool.query<Table>(
    `select c.relname as name,
       (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, null),
          'needed', a.attnotnull and not a.atthasdef and a.attidentity = '') order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid) as secured
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'f') and n.nspname not in ('pg_catalog', 'information_schema') order by c.relname`,
  );
  return rows;
}

const hasTenant = ({ columns }: Table) => columns.some(({ name }) => name === 'tenant');

it('every table with a tenant has a policy, and each other one, or a reason to have none', () => {
  const unsecured = tables.filter(({ secured }) => !secured);
  expect(unsecured.filter(hasTenant)).toEqual([]);
  expect(unsecured.map(({ name }) => name).sort()).toEqual(Object.keys(NO_TENANTS).sort());
});

it('there are no views, which would be read with the rights of their owner', async () => {
  const { rows } = await database.pool.query(
    `select relname from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace`,
  );
  expect(rows).toEqual([]);
});

it('a query’s own condition is looked up in an index, and the policy is not, which would take its order away', async () => {
  const client = await own.database.pool.connect();
  // Of an empty table, the whole would be read.
  for (const way of ['seqscan', 'bitmapscan']) await client.query(`set enable_${way} = off`);
  await client.query(`set role ${TENANT_ROLE}`);
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(
    `explain select * from runs where tenant = 'a' order by started_at desc, id desc limit 50`,
  );
  client.release(true);
  const plan = rows.map((row) => row['QUERY PLAN'].trim());
  expect(plan.filter((line) => line.startsWith('Index Cond'))).toEqual([`Index Cond: (tenant = 'a'::text)`]);
  expect(plan.filter((line) => line.startsWith('Sort'))).toEqual([]);
});

describe('whoever has every right but that of the owner', () => {
  const secured = () => tables.filter((table) => table.secured);

  beforeAll(async () => {
    // More than it has: what is tried here are the policies.
    await own.database.pool.query(`grant all on all tables in schema public to ${TENANT_ROLE}`);
    await own.database.pool.query(`insert into users (name) values ('of-a'), ('of-b'), ('new-of-a'), ('new-of-b')`);
    const inOrder = [...secured()].sort((a, b) => Number(hasTenant(b)) - Number(hasTenant(a)));
    for (const table of inOrder) for (const tenant of ['a', 'b']) await insert(table, tenant);
  });

  it('reads the rows of the tenants of the scope, and none without one', async () => {
    const wrong: unknown[] = [];
    for (const { name } of secured()) {
      const count = () => countOf(name);
      const counts = [await count()];
      for (const tenants of [['a'], ['b'], ['a', 'b'], ['c'], []]) counts.push(await inTenants(tenants, count));
      if (counts.join() !== '2,1,1,2,0,0') wrong.push([name, counts]);
    }
    expect(wrong).toEqual([]);
    const client = await own.database.pool.connect();
    await client.query(`set role ${TENANT_ROLE}`);
    for (const { name } of secured()) expect((await client.query(`select from ${name}`)).rowCount).toBe(0);
    client.release(true);
  });

  it('adds no row to another tenant, and gives it none of its own', async () => {
    const done: string[] = [];
    for (const table of secured()) {
      const refused = { code: '42501' };
      await inTenants(['a'], () => expect(insert(table, 'b', 'new-')).rejects.toMatchObject(refused)).catch(() =>
        done.push(`insert into ${table.name}`),
      );
      const [column, value] = ownerOf(table, 'b');
      const move = `update ${table.name} set ${column} = '${value}'`;
      await inTenants(['a'], () =>
        expect(database.pool.query(move)).rejects.toThrow(/row-level security|append-only/),
      ).catch(() => done.push(move));
    }
    expect(done).toEqual([]);
  });

  it('changes and removes rows of its own only, also without a condition', async () => {
    const append = ['audit'];
    const wrong: unknown[] = [];
    // Runs last: the rows of the others are a tenant's by them.
    for (const table of secured().sort((a, b) => Number(a.name === 'runs') - Number(b.name === 'runs'))) {
      if (append.includes(table.name)) continue;
      const [column] = ownerOf(table, 'a');
      const changed = await inTenants(['a'], () =>
        database.pool.query(`update ${table.name} set ${column} = ${column}`),
      );
      const removed = await inTenants(['a'], () => database.pool.query(`delete from ${table.name}`));
      const found = [changed.rowCount, removed.rowCount, await countOf(table.name)];
      if (found.join() !== '1,1,1') wrong.push([table.name, found]);
    }
    expect(wrong).toEqual([]);
  });
});

async function countOf(table: string): Promise<number> {
  return (await database.pool.query(`select from ${table}`)).rowCount!;
}

/** The column that says whose a row is, and what it says for a tenant. */
function ownerOf(table: Table, tenant: string): [column: string, value: string] {
  if (hasTenant(table)) return ['tenant', tenant];
  return table.columns.some(({ name }) => name === 'run_id') ? ['run_id', `run-of-${tenant}`] : ['key', `${tenant}/x`];
}

let made = 0;

/** A row of a tenant with a value in each column that needs one. */
async function insert(table: Table, tenant: string, prefix = ''): Promise<void> {
  const [owner, value] = ownerOf(table, tenant);
  const values: Record<string, unknown> = { [owner]: value };
  made += 1;
  for (const { name, type, needed } of table.columns)
    if (needed && !(name in values)) values[name] = valueFor(name, type);
  if (table.name === 'runs') values['id'] = `${prefix}run-of-${tenant}`;
  if (table.name === 'user_roles') values['user_name'] = `${prefix}of-${tenant}`;
  const columns = Object.keys(values);
  const places = columns.map((_, at) => `$${at + 1}`);
  await database.pool.query(
    `insert into ${table.name} (${columns.join()}) values (${places.join()})`,
    Object.values(values),
  );
}

/** As the checks of the tables want them. */
const NAMED: Record<string, unknown> = { kind: 'approval', role: 'viewer' };

function valueFor(name: string, type: string): unknown {
  if (name in NAMED) return NAMED[name];
  if (type.endsWith('[]')) return [];
  if (type === 'uuid') return `00000000-0000-7000-8000-${String(made).padStart(12, '0')}`;
  if (type === 'bytea') return Buffer.from(String(made));
  if (type.startsWith('json')) return '{}';
  if (type.startsWith('timestamp') || type === 'date') return new Date(made * 86_400_000);
  return type === 'text' ? String(made) : made;
}
