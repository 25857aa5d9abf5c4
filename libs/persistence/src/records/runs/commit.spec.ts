import { newId } from '@spillway/contracts';
import type { Database } from '../../database';
import { ownDatabase } from '../../testing/own-database';
import { Vault } from '../../vault/vault';
import type { RunChange, RunRow } from './run-rows';
import { RunStore } from './run-store';

describe('a commit of steps', () => {
  let own: Awaited<ReturnType<typeof ownDatabase>>;
  let database: Database;
  let store: RunStore;

  beforeAll(async () => {
    own = await ownDatabase();
    ({ database } = own);
    store = new RunStore(database.pool, Vault.clear());
  }, 60_000);

  afterAll(() => own?.close());

  const task = (node: number, status = 'completed'): RunChange['tasks'][number] => {
    const at = new Date();
    return { node, path: `/do/${node}`, name: `n${node}`, kind: 'call', status, startedAt: at, endedAt: at };
  };

  const rowsOf = async (table: 'run_commands' | 'run_tasks' | 'run_inbox', runId: string) =>
    (await database.pool.query<Record<string, unknown>>(`select * from ${table} where run_id = $1`, [runId])).rows;

  const seqOf = async (id: string) => (await store.load([id]))[0]?.run.seq;

  it('writes new runs and others together, with what belongs to each', async () => {
    const [old, fresh] = [newRun(), newRun()];
    await store.commit([change(old, { commands: [{ node: 1, command: { call: 'a' } }] })]);
    await store.deliver({ runId: old.id, key: 'n1', input: { kind: 'answer' } });
    const next = change(at(old, 1), { taken: ['n1'], closed: [1], tasks: [task(1)], commands: [command(2)] });
    expect(await store.commit([next, change(fresh, { commands: [command(1)] })])).toEqual(new Set([old.id, fresh.id]));
    expect([await seqOf(old.id), await seqOf(fresh.id)]).toEqual([2, 1]);
    expect(await rowsOf('run_commands', old.id)).toMatchObject([{ node: 2, command: { call: 2 } }]);
    expect(await rowsOf('run_commands', fresh.id)).toMatchObject([{ node: 1 }]);
    expect(await rowsOf('run_tasks', old.id)).toMatchObject([{ node: 1, status: 'completed' }]);
    expect(await rowsOf('run_inbox', old.id)).toEqual([]);
  });

  it('leaves out a run that has moved on, or is there already, with all that belongs to it', async () => {
    const [moved, there, other] = [newRun(), newRun(), newRun()];
    await store.commit([change(moved, { commands: [command(1)] }), change(there), change(other)]);
    await store.commit([change(at(moved, 1))]);
    await store.deliver({ runId: moved.id, key: 'n1', input: { kind: 'answer' } });
    const lot = { taken: ['n1'], closed: [1], tasks: [task(1)], commands: [command(2)] };
    const heard = { ...lot, deliveries: [{ runId: moved.id, key: 'order', input: {} }] };
    const written = await store.commit([change(at(moved, 1), heard), change(there, lot), change(at(other, 1), lot)]);
    expect(written).toEqual(new Set([other.id]));
    expect(await rowsOf('run_commands', moved.id)).toMatchObject([{ node: 1 }]);
    expect(await rowsOf('run_inbox', moved.id)).toMatchObject([{ key: 'n1' }]);
    expect([...(await rowsOf('run_tasks', moved.id)), ...(await rowsOf('run_commands', there.id))]).toEqual([]);
    expect(await rowsOf('run_commands', other.id)).toMatchObject([{ node: 2 }]);
  });

  it('writes once of two that go on from the same state at the same time', async () => {
    const run = newRun();
    await store.commit([change(run)]);
    const many = Array.from({ length: 6 }, (_, n) => store.commit([change(at(run, 1), { commands: [command(n)] })]));
    const written = await Promise.all(many);
    expect(written.filter((one) => one.has(run.id))).toHaveLength(1);
    expect(await rowsOf('run_commands', run.id)).toHaveLength(1);
  });

  it('writes a command again under the node whose command it closes', async () => {
    const run = newRun();
    await store.commit([change(run, { commands: [command(1)] })]);
    const again = { node: 1, command: { call: 'again' } };
    await store.commit([change(at(run, 1), { closed: [1], commands: [again, command(2)] })]);
    const rows = await rowsOf('run_commands', run.id);
    expect(rows.map(({ node, command: what }) => [node, what])).toEqual(
      expect.arrayContaining([
        [1, { call: 'again' }],
        [2, { call: 2 }],
      ]),
    );
  });

  it('is read again without its state by who has that, and with what came in for it, in order', async () => {
    const [run, moved] = [newRun(), newRun()];
    await store.commit([change(run), change(moved)]);
    for (const n of [2, 1]) await store.deliver({ runId: run.id, key: `n${n}`, input: { kind: 'answer', node: n } });
    const known = new Map([run, moved].map((one) => [one.id, { ...at(one, 1), state: { mine: true } }]));
    await store.commit([change(at(moved, 1))]);
    const loaded = await store.load([run.id, moved.id, 'nobody'], known);
    const [same, other] = [run, moved].map(({ id }) => loaded.find((one) => one.run.id === id)!);
    expect(loaded).toHaveLength(2);
    expect(same!.run).toBe(known.get(run.id));
    expect(same!.inbox.map(({ key }) => key)).toEqual(['n2', 'n1']);
    expect(other).toMatchObject({ run: { seq: 2, state: { root: {} } }, inbox: [] });
  });

  it('writes nothing when a part of it cannot be written', async () => {
    const run = newRun();
    const bad = { ...task(1), startedAt: new Date(NaN) };
    await expect(store.commit([change(run, { tasks: [bad], commands: [command(1)] })])).rejects.toThrow();
    const child = { ...newRun(), eventId: 'no uuid' };
    await expect(store.commit([change(run, { commands: [command(1)], children: [child] })])).rejects.toThrow();
    expect(await store.load([run.id])).toEqual([]);
    expect(await rowsOf('run_commands', run.id)).toEqual([]);
  });
});

function newRun(): RunRow {
  const eventId = newId(Date.now());
  return {
    id: `${eventId}.route.0`,
    tenant: 'acme',
    flow: 'flow',
    hash: 'hash',
    version: '1',
    route: 'route',
    eventId,
    parentRun: null,
    parentNode: null,
    seq: 0,
    status: 'running',
    state: { root: {} },
    jobs: 0,
    wakeAt: null,
    priority: 'normal',
    correlationId: eventId,
    startedAt: new Date(),
    endedAt: null,
  };
}

const at = (run: RunRow, seq: number): RunRow => ({ ...run, seq });
const command = (node: number) => ({ node, command: { call: node } });

function change(run: RunRow, more: Partial<RunChange> = {}): RunChange {
  const nothing = { taken: [], commands: [], closed: [], tasks: [], contexts: [], heard: [], listens: [] };
  return { run, ...nothing, unlistens: [], deliveries: [], children: [], ...more };
}
