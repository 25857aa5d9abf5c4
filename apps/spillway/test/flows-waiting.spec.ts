import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { insertRuns } from '@spillway/bench';
import { newId, type SpillwayEvent } from '@spillway/contracts';
import {
  DataKeys,
  Listening,
  LocalMasterKeys,
  type Lookup,
  type RunChange,
  type RunRow,
  RunStore,
  Vault,
} from '@spillway/persistence';
import { BACKENDS, eventually, TestServers, ThirdParty } from '@spillway/testing';
import fc from 'fast-check';
import { FlowWorld } from './flow-world';
import { Stack, TENANT } from './stack';

const ORDER = "correlate: { order: { from: .data.order, expect: '${ $workflow.input.data.order }' } }";
const FLOWS = {
  // Nine in ten of the runs that wait in large numbers.
  timer: `do: [{ rest: { wait: { days: 30 } } }]`,
  listener: `do: [{ hear: { listen: { to: { one: { with: { type: paid }, ${ORDER} } } } } }]`,
  anyone: `do: [{ hear: { listen: { to: { one: { with: { type: paid } } } } } }]`,
  first: `
    do:
      - hear:
          listen:
            to:
              all:
                - { with: { type: packed }, correlate: { box: { from: .data.box } } }
                - { with: { type: sent }, correlate: { box: { from: .data.box } } }`,
};

describe.each(BACKENDS)('runs that wait, on %s', (backend) => {
  let servers: TestServers;
  let world: FlowWorld;

  beforeAll(async () => {
    servers = await TestServers.start(backend, { shared_preload_libraries: 'pg_stat_statements' });
    world = new FlowWorld(await Stack.on(servers, { RECONCILE_EVERY: '300ms' }), await ThirdParty.start());
    await world.stack.platform.database.pool.query('create extension pg_stat_statements');
    await world.define(FLOWS);
  }, 60_000);

  afterAll(() => world?.close(), 60_000);

  const seqOf = async (id: string) => (await world.stack.platform.runs.load([id]))[0]!.run.seq;

  it('are woken by the events that they are known to want, and by no others', async () => {
    const orders = ['7', 8, 'none'];
    const runs = await Promise.all(orders.map((order) => world.begin('listener', { order })));
    for (const id of runs) await world.waiting(id, 'hear');
    const [seven, eight, none] = runs as [string, string, string];
    const before = await seqOf(none);
    await world.tell('paid', { order: 7 });
    await world.tell('paid', { order: '8' });
    expect((await world.ended(seven)).output).toEqual([{ order: 7 }]);
    expect((await world.ended(eight)).output).toEqual([{ order: '8' }]);
    const anyone = await world.begin('anyone');
    await world.waiting(anyone, 'hear');
    await world.tell('paid', { order: 9 });
    await world.ended(anyone);
    expect(await seqOf(none)).toBe(before);
  });

  it('are found by a key from when an event has set it', async () => {
    const id = await world.begin('first');
    await world.waiting(id, 'hear');
    await world.tell('packed', { box: 1 });
    const { pool } = world.stack.platform.database;
    const rows = async () =>
      (
        await pool.query<{ type: string; recipe: string }>('select type, recipe from run_listens where run_id = $1', [
          id,
        ])
      ).rows;
    while ((await rows()).length !== 1) await wait(20);
    const [{ type, recipe } = { type: '', recipe: '' }] = await rows();
    expect([type, recipe]).toEqual(['sent', expect.stringContaining('.data.box')]);
    const seq = await seqOf(id);
    await world.tell('sent', { box: 2 });
    await world.tell('sent', { box: '1' });
    expect((await world.ended(id)).output).toEqual([{ box: 1 }, { box: '1' }]);
    // The event that was meant, and no other.
    expect(await seqOf(id)).toBe(seq + 1);
    await world.nothingLeft(id);
  });

  it('cost no statements, however many there are, and one is woken among a thousand', async () => {
    const few = await statements(await begin(10));
    const many = await statements(await begin(990));
    // What one process does that has nothing to do; asking for each run would be thousands.
    expect(many).toBeLessThan(few * 1.5 + 50);
    const id = await world.begin('listener', { order: 'meant' });
    await world.waiting(id, 'hear');
    await world.tell('paid', { order: 'meant' });
    expect((await world.ended(id)).status).toBe('completed');
  });

  /** Statements of everybody in four rounds of the sweep, however long those take. */
  async function statements(_begun: void): Promise<number> {
    const { pool } = world.stack.platform.database;
    // The question which timers are due soon is asked once a round.
    const count = async () => {
      const { rows } = await pool.query<{ calls: string; rounds: string }>(
        `select sum(calls) as calls, sum(calls) filter (where query like '%from runs where wake_at >=%') as rounds
         from pg_stat_statements`,
      );
      return { calls: Number(rows[0]!.calls), rounds: Number(rows[0]!.rounds) };
    };
    const reached = (rounds: number) =>
      eventually(async () => {
        const now = await count();
        return now.rounds >= rounds ? now : undefined;
      });
    const before = await reached((await count()).rounds + 1);
    const after = await reached(before.rounds + 4);
    return ((after.calls - before.calls) * 4) / (after.rounds - before.rounds);
  }

  /** Nine in ten wait for the clock, one for an event. */
  const begin = (count: number) =>
    insertRuns(world.stack.platform, { tenant: TENANT, count, dataOf: (n) => ({ order: `m${n}` }) });

  describe.each([false, true])('in the database (sealed: %s)', (seals) => {
    it('are those, and only those, whose lookups an event matches', async () => {
      const { pool } = world.stack.platform.database;
      const keys = new DataKeys(pool, new LocalMasterKeys(Buffer.alloc(32, 7)));
      const vault = new Vault(keys, seals);
      // One that has seen what there is, and one that knows nothing.
      const seen = new Listening(pool, vault);
      const store = new RunStore(pool, vault);
      const tenant = `many-${backend}-${String(seals)}`;
      const kept = new Map<string, Lookup[]>();
      const lookup = fc.record(
        {
          type: fc.constantFrom('a', 'b'),
          recipe: fc.constantFrom('n', 'm', 'none'),
          key: fc.constantFrom('1', '2', '3'),
        },
        { requiredKeys: ['key'] },
      );
      const lookups = fc.array(fc.array(lookup, { maxLength: 3 }), { maxLength: 8 });
      const event = fc.record({
        type: fc.constantFrom('a', 'b', 'c'),
        n: fc.constantFrom('1', '2'),
        m: fc.constantFrom('1', '3'),
      });
      const property = fc.asyncProperty(lookups, event, fc.nat(9), async (more, one, dice) => {
        const changes = more.map((found) => changeOf(tenant, found));
        await store.commit(changes);
        for (const { run, listens } of changes) kept.set(run.id, listens[0]!.lookups);
        if (seals && dice === 0) await keys.rotate(tenant);
        const told = { ...one, tenant, id: randomUUID(), source: 's' } as unknown as SpillwayEvent;
        const keyOf = (recipe: string, heard: object) => (heard as Record<string, string>)[recipe];
        const isMeant = ({ type = one.type, recipe, key }: Lookup) =>
          type === one.type && (recipe === undefined || keyOf(recipe, one) === key);
        const meant = [...kept].filter(([, lookups]) => lookups.some(isMeant)).map(([id]) => id);
        for (const listening of [seen, new Listening(pool, vault)]) {
          await listening.keep(told);
          const found = await listening.hear(told, keyOf);
          expect(found.map(({ runId }) => runId).sort()).toEqual(meant.sort());
        }
        const { rows } = await pool.query<{ id: string }>('select run_id as id from run_inbox where key = $1', [
          `e${told.id}`,
        ]);
        expect(rows.map(({ id }) => id).sort()).toEqual(meant);
      });
      await fc.assert(property, { numRuns: 15 });
      expect(kept.size).toBeGreaterThan(10);
      await pool.query('delete from run_inbox where run_id = any($1)', [[...kept.keys()]]);
    });
  });
});

function changeOf(tenant: string, lookups: Lookup[]): RunChange {
  const eventId = newId();
  const head = {
    id: `${eventId}.r.0`,
    tenant,
    flow: 'f',
    hash: 'h',
    version: '1',
    route: 'r',
    eventId,
    seq: 0,
    jobs: 0,
  };
  const rest = {
    parentRun: null,
    parentNode: null,
    priority: 'normal',
    correlationId: 'c',
    wakeAt: null,
    endedAt: null,
  };
  const run: RunRow = { ...head, ...rest, status: 'waiting', state: {}, startedAt: new Date() };
  const nothing = { taken: [], commands: [], closed: [], tasks: [], contexts: [], heard: [], unlistens: [] };
  return { run, ...nothing, listens: [{ node: 2, lookups, since: new Date() }], deliveries: [], children: [] };
}
