import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Database, openDatabase } from '@spillway/persistence';
import { eventually, TestPostgres } from '@spillway/testing';
import { asLeader } from './leader';

const PROCESS = join(__dirname, '../testing/leader-process.ts');

describe('work that one process does', () => {
  let server: TestPostgres;
  let database: Database;
  const children = new Set<ChildProcess>();

  beforeAll(async () => {
    server = await TestPostgres.start();
    database = openDatabase(server.url, 3);
  }, 60_000);

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
  });

  afterAll(async () => {
    await database?.close();
    await server?.close();
  }, 60_000);

  async function leading(silentMs: number): Promise<ChildProcess> {
    const child = spawn(process.execPath, ['-r', '@swc-node/register', PROCESS, server.url, String(silentMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    await once(child.stdout, 'data');
    return child;
  }

  const tried = async () => {
    let did = false;
    await asLeader(database, async () => (did = true));
    return did;
  };

  it('is done by one at a time', async () => {
    await asLeader(database, async () => {
      expect(await tried()).toBe(false);
      let other = false;
      await asLeader(database, async () => (other = true), 'runs');
      expect(other).toBe(true);
    });
    expect(await tried()).toBe(true);
  });

  it('goes to another when it fails, and its connection is as it was', async () => {
    await expect(asLeader(database, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await tried()).toBe(true);
    const { rows } = await database.pool.query<{ idle: string }>(
      `select current_setting('idle_session_timeout') as idle`,
    );
    expect(rows).toEqual([{ idle: '0' }]);
  });

  it('stays with who is heard of, and goes to another when that one is halted', async () => {
    const child = await leading(3_000);
    const { pid } = (
      await database.pool.query<{ pid: number }>(`select pid from pg_locks where locktype = 'advisory' and granted`)
    ).rows[0]!;
    const since = async () =>
      (await database.pool.query<{ at: Date }>('select state_change as at from pg_stat_activity where pid = $1', [pid]))
        .rows[0]!.at;
    // It says that it is there, though it has nothing to ask.
    const first = (await since()).getTime();
    await eventually(async () => (await since()).getTime() > first + 3_000);
    expect(await tried()).toBe(false);
    child.kill('SIGSTOP');
    await eventually(tried, { what: 'another leader' });
  }, 90_000);

  it('goes to another when PostgreSQL was stopped meanwhile', async () => {
    const stopped = asLeader(database, async () => {
      await server.stop();
      await server.resume();
    });
    await stopped;
    expect(await eventually(tried)).toBe(true);
  }, 90_000);
});
