import { setTimeout as wait } from 'node:timers/promises';
import { inTransaction } from './index';
import { ownDatabase } from './testing/own-database';

describe('a transaction', () => {
  let own: Awaited<ReturnType<typeof ownDatabase>>;

  beforeAll(async () => {
    own = await ownDatabase();
    await own.database.pool.query('create table things (id int)');
  }, 60_000);

  afterAll(() => own?.close());

  const count = async () => (await own.database.pool.query('select from things')).rowCount;

  it('is whole, or nothing', async () => {
    const { pool } = own.database;
    expect(
      await inTransaction(pool, async (client) => (await client.query('insert into things values (1)')).rowCount),
    ).toBe(1);
    const failing = inTransaction(pool, async (client) => {
      await client.query('insert into things values (2)');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await count()).toBe(1);
  });

  it('is ended where nothing is heard of it, and what it holds is free', async () => {
    const { pool } = own.database;
    const isFree = async () => {
      const { rows } = await pool.query<{ free: boolean }>('select pg_try_advisory_lock(4711) as free');
      return rows[0]!.free;
    };
    const halted = inTransaction(
      pool,
      async (client) => {
        await client.query('insert into things values (3)');
        await client.query('select pg_advisory_xact_lock(4711)');
        expect(await isFree()).toBe(false);
        while (!(await isFree())) await wait(20);
      },
      300,
    );
    await expect(halted).rejects.toThrow();
    expect(await count()).toBe(1);
  });
});
