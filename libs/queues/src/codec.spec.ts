import * as fc from 'fast-check';
import { DataKeys, type Database, LocalMasterKeys, migrate, openDatabase, Vault } from '@spillway/persistence';
import { TestPostgres } from '@spillway/testing';
import { JobCodec, JobSigner, scheduleId } from './codec';

const [KEY, OTHER] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const codecWith = (...masters: Buffer[]) =>
  new JobCodec({ strictJson: true, vault: Vault.clear(), signer: new JobSigner(masters) });
const FORGED = { code: 'job-forged', class: 'permanent' };
const meta = { tenant: 'acme', priority: 'normal' };
/** As `jsonb` gives it back: keys in another order. */
const throughJsonb = (data: object) =>
  Object.fromEntries(Object.entries(JSON.parse(JSON.stringify(data)) as object).reverse());

describe('a signed job', () => {
  const codec = codecWith(KEY);

  it('comes back as it was, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.string(), async (value, id) => {
        const data = { event: { data: value }, meta };
        const { data: stored, json } = await codec.encode('notifications', id, data);
        expect(JSON.parse(json)).toEqual(stored);
        expect(json).not.toMatch(/[^\\]\\u0000/);
        expect(await codec.decode('notifications', id, throughJsonb(stored))).toEqual(JSON.parse(JSON.stringify(data)));
      }),
      { numRuns: 100 },
    );
  });

  it('is one only in its queue, under its id, unchanged', async () => {
    const { data } = await codec.encode('notifications', 'j1', { meta });
    const stored = data as { $signed: string; $signature: string };
    const signature = stored.$signature;
    for (const forged of [
      codec.decode('integration-tasks', 'j1', stored),
      codec.decode('notifications', 'j2', stored),
      codec.decode('notifications', 'j1', { ...stored, $signed: stored.$signed.replace('acme', 'evil') }),
      codec.decode('notifications', 'j1', { ...stored, $signature: `${signature.slice(0, -2)}AA` }),
      codec.decode('notifications', 'j1', { ...stored, $signature: signature.slice(0, -8) }),
      codec.decode('notifications', 'j1', { $signed: stored.$signed }),
      codec.decode('notifications', 'j1', { meta }),
      codecWith(OTHER).decode('notifications', 'j1', stored),
    ]) {
      await expect(forged).rejects.toMatchObject(FORGED);
    }
  });

  it('is believed under the former key while keys are changed', async () => {
    const { data } = await codec.encode('notifications', 'j1', { meta });
    expect(await codecWith(OTHER, KEY).decode('notifications', 'j1', data)).toEqual({ meta });
    expect(await codecWith(OTHER, KEY).isCurrent(data, 'acme')).toBe(false);
    expect(await codec.isCurrent(data, 'acme')).toBe(true);
  });

  it('may be made of a schedule’s template, at any of its times, and of no other', async () => {
    const { data } = await codec.encode('ingress-events', scheduleId('acme/nightly/0 0 * * *'), { meta });
    const id = 'repeat:acme/nightly/0 0 * * *:1790000000000';
    expect(await codec.decode('ingress-events', id, data)).toEqual({ meta });
    await expect(codec.decode('ingress-events', 'repeat:acme/other/1:1790000000000', data)).rejects.toMatchObject(
      FORGED,
    );
  });
});

describe('a job that is neither signed nor sealed', () => {
  it('is as readable as before, also where jsonb refuses what is in it', async () => {
    const codec = JobCodec.plain(true);
    for (const text of ['plain', '\u0000', '\ud800']) {
      const { data, json } = await codec.encode('notifications', 'j1', { text });
      expect(json).not.toMatch(/\\u0000|\\ud800/);
      expect(await codec.decode('notifications', 'j1', data)).toEqual({ text });
    }
  });
});

describe('facts', () => {
  const facts = Array.from({ length: 200 }, (_, n) => ({
    id: `fact-${n}`,
    kind: 'audit',
    tenant: n % 2 ? 'acme' : 'globex',
    details: { text: '\u0000 \ud800 ä', n },
  }));
  const traces = ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'];
  let server: TestPostgres;
  let database: Database;

  beforeAll(async () => {
    server = await TestPostgres.start();
    database = openDatabase(server.url);
    await migrate(database);
  }, 60_000);

  afterAll(async () => {
    await database?.close();
    await server?.close();
  });

  const sealing = () =>
    new JobCodec({
      strictJson: true,
      vault: new Vault(new DataKeys(database.pool, new LocalMasterKeys(KEY)), true),
    });
  const inOrder = (data: object) => {
    const all = (data as { facts: { id: string }[] }).facts.toSorted((a, b) => a.id.localeCompare(b.id));
    return { ...data, facts: all };
  };
  const kinds: [string, () => JobCodec][] = [
    ['as they are', () => JobCodec.plain(true)],
    ['signed', () => codecWith(KEY)],
    ['sealed', sealing],
  ];

  it.each(kinds)('%s take little room when they are many, and come back', async (_, codec) => {
    const { data, json } = await codec().encode('analytics-events', 'j1', { facts, traces });
    expect(json.length).toBeLessThan(JSON.stringify({ facts, traces }).length / 3);
    expect(json).not.toMatch(/\\u0000|\\ud800/);
    const back = await codec().decode('analytics-events', 'j1', throughJsonb(data));
    expect(inOrder(back)).toEqual(inOrder({ facts, traces }));
    if (codec().seals) expect(codec().shown(data)).toEqual({ $facts: ['globex', 'acme'], traces });
    else expect(codec().shown(data)).toEqual({ facts, traces });
  });
});
