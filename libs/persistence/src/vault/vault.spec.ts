import * as fc from 'fast-check';
import { DataKeys, type Database, LocalMasterKeys, openDatabase, type Place, Vault } from '../index';
import { ownDatabase } from '../testing/own-database';

const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const UUID = '01a00000-0000-7000-8000-000000000000';
const PLACE: Place = ['event', 'e1'];
let own: Awaited<ReturnType<typeof ownDatabase>>;
let database: Database;

beforeAll(async () => {
  own = await ownDatabase();
  ({ database } = own);
}, 60_000);

afterAll(() => own?.close());

const keysOf = (master: LocalMasterKeys, most?: number) => new DataKeys(database.pool, master, most);
const vaultOf = (keys = keysOf(new LocalMasterKeys(OLD))) => new Vault(keys, true);

async function sealed(vault: Vault, tenant: string, value: unknown): Promise<unknown> {
  await vault.ready([tenant]);
  return JSON.parse(vault.json(tenant, PLACE, value));
}

it('opens what it sealed, in another process too, and what is clear as it is', async () => {
  const vault = vaultOf();
  const kept = await sealed(vault, 'acme', { card: '4242' });
  expect(JSON.stringify(kept)).not.toMatch(/4242|card/);
  expect(await vaultOf().open(PLACE, kept)).toEqual({ card: '4242' });
  expect(await vault.open(PLACE, { card: '4242' })).toEqual({ card: '4242' });
  await expect(vault.open(['event', 'e2'], kept)).rejects.toMatchObject({ code: 'data-unreadable' });
  // Sealing was switched off: what is sealed is still read.
  expect(await new Vault(keysOf(new LocalMasterKeys(OLD)), false).open(PLACE, kept)).toEqual({ card: '4242' });
});

it('takes nobody’s data for its own wrapping', async () => {
  const [on, off] = [vaultOf(), new Vault(keysOf(new LocalMasterKeys(OLD)), false)];
  await on.ready(['acme']);
  const odd = fc.dictionary(fc.constantFrom('$sealed', '$plain', 'a'), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(fc.oneof(odd, fc.jsonValue()), async (value) => {
      for (const vault of [on, off]) {
        const back = await vault.open(PLACE, JSON.parse(vault.json('acme', PLACE, value)));
        expect(back).toEqual(JSON.parse(JSON.stringify(value)));
      }
    }),
    { numRuns: 50 },
  );
});

it('gives processes that begin at once one key for a tenant', async () => {
  const vaults = Array.from({ length: 5 }, () => vaultOf());
  await Promise.all(vaults.map(async (vault) => vault.ready(['crowd', 'other'])));
  expect(new Set(vaults.map((vault) => vault.keyId('crowd'))).size).toBe(1);
});

it('seals with a new key once it is rotated, and opens with the old one until nothing can need it', async () => {
  const keys = keysOf(new LocalMasterKeys(OLD));
  const vault = vaultOf(keys);
  const [before, first] = [await sealed(vault, 'turn', 1), vault.keyId('turn')];
  await keys.rotate('turn');
  const after = await sealed(vault, 'turn', 2);
  expect(vault.keyId('turn')).not.toBe(first);
  expect([await vault.open(PLACE, before), await vaultOf().open(PLACE, after)]).toEqual([1, 2]);
  const old = { now: new Date(Date.now() + 60_000), before: new Date(Date.now() - 60_000) };
  expect([await keys.unneeded(old.before), await keys.unneeded(old.now)]).toEqual([[], [first]]);
  expect(await keys.drop([first, vault.keyId('turn')])).toBe(1);
  expect(await vaultOf().open(PLACE, after)).toBe(2);
  await expect(vaultOf().open(PLACE, before)).rejects.toMatchObject({ code: 'data-unreadable' });
});

it('is needed as long as its tenant has a record from before it was retired, or from soon after', async () => {
  const keys = keysOf(new LocalMasterKeys(OLD));
  const vault = vaultOf(keys);
  await vault.ready(['keeps']);
  const first = vault.keyId('keeps');
  await keys.rotate('keeps');
  const now = new Date(Date.now() + 60_000);
  expect(await keys.unneeded(now)).toContain(first);
  const any = {
    tenant: 'keeps',
    source: 's',
    type: 't',
    provider: 'p',
    state: 'done',
    event: {},
    bytes: 1,
    via: 'queue',
  };
  const request = { id: UUID, code: 'c', reason: 'r', method: 'POST', url: '/', headers: {}, body: '', event_ids: [] };
  const run = {
    id: 'r',
    flow: 'f',
    hash: 'h',
    version: '1',
    route: 'r',
    seq: 0,
    status: 'running',
    jobs: 0,
    priority: 'x',
  };
  const rows: [table: string, at: string, row: object][] = [
    [
      'events',
      'accepted_at',
      { id: UUID, dedupe_key: 'd', body_sha256: 'x', correlation_id: 'c', payload_gone: false },
    ],
    ['runs', 'started_at', { ...run, event_id: UUID, state: {}, correlation_id: 'c' }],
    ['quarantine', 'received_at', { ...request, state: 'held' }],
    ['outbox', 'created_at', { id: 1, event_id: UUID, dedupe_id: 'd', job: {} }],
  ];
  for (const [table, at, row] of rows) {
    const insert = (hours: number) =>
      database.pool.query(
        `insert into ${table} overriding system value select * from json_populate_record(null::${table}, $1)`,
        [{ ...any, ...row, [at]: new Date(Date.now() + hours * 3_600_000) }],
      );
    await insert(-1);
    expect([table, await keys.unneeded(now)]).toEqual([table, expect.not.arrayContaining([first])]);
    await database.pool.query(`delete from ${table}`);
    await insert(23);
    expect([table, await keys.unneeded(now)]).toEqual([table, expect.not.arrayContaining([first])]);
    await database.pool.query(`delete from ${table}`);
    await insert(25);
    expect([table, await keys.unneeded(now)]).toEqual([table, expect.arrayContaining([first])]);
  }
});

it('is read under a new master key once keys are wrapped anew, and under the old one until then', async () => {
  const kept = await sealed(vaultOf(), 'move', 'data');
  const both = keysOf(new LocalMasterKeys(NEW, [OLD]));
  expect(await new Vault(both, true).open(PLACE, kept)).toBe('data');
  const alone = () => new Vault(keysOf(new LocalMasterKeys(NEW)), true).open(PLACE, kept);
  await expect(alone()).rejects.toMatchObject({ code: 'master-key-unknown' });
  expect(await both.rewrap()).toBeGreaterThan(0);
  expect(await both.rewrap()).toBe(0);
  expect(await alone()).toBe('data');
  await keysOf(new LocalMasterKeys(OLD, [NEW])).rewrap();
});

it('is read by nobody once its key is destroyed, and what comes later has a new one', async () => {
  const keys = keysOf(new LocalMasterKeys(OLD));
  const vault = vaultOf(keys);
  const kept = await sealed(vault, 'gone', 'data');
  const others = await sealed(vault, 'stays', 'data');
  expect(await keys.shred('gone')).toBe(1);
  for (const one of [vault, vaultOf()]) {
    await expect(one.open(PLACE, kept)).rejects.toMatchObject({ code: 'data-shredded' });
    expect(await one.showAll([kept, others], (row) => [[PLACE, row]])).toEqual([
      [{ unreadable: 'data-shredded' }],
      ['data'],
    ]);
  }
  const later = await sealed(vault, 'gone', 'new');
  expect(await vaultOf().open(PLACE, later)).toBe('new');
});

it('keeps only so many keys in memory, and goes on with those it has while PostgreSQL is away', async () => {
  const keys = keysOf(new LocalMasterKeys(OLD), 3);
  const vault = vaultOf(keys);
  for (const tenant of ['a', 'b', 'c', 'd', 'e']) await vault.ready([tenant]);
  expect([keys.current('a'), keys.current('b')]).toEqual([undefined, undefined]);
  expect(keys.current('e')).toBeDefined();
  const away = openDatabase('postgres://127.0.0.1:1/none');
  await expect(new DataKeys(away.pool, new LocalMasterKeys(OLD)).ready(['a'])).rejects.toMatchObject({
    code: 'keys-unavailable',
    class: 'transient',
  });
  await away.close();
});
