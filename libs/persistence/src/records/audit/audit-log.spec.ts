import { createHmac } from 'node:crypto';
import { newId } from '@spillway/contracts';
import { AuditLog, type Database } from '../../index';
import { ownDatabase } from '../../testing/own-database';

const signer = {
  sign: (text: string) => createHmac('sha256', 'the key').update(text).digest('hex'),
  verify: (text: string, mac: string) => signer.sign(text) === mac,
};

describe('the audit log', () => {
  let own: Awaited<ReturnType<typeof ownDatabase>>;
  let database: Database;
  let log: AuditLog;

  beforeAll(async () => {
    own = await ownDatabase();
    ({ database } = own);
  }, 30_000);

  afterAll(() => own?.close());

  /** As somebody would who may do everything in the database. */
  const tamper = async (...statements: string[]) => {
    const client = await database.pool.connect();
    try {
      await client.query('set session_replication_role = replica');
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.query('set session_replication_role = default');
      client.release();
    }
  };
  const entry = (n: number) => ({
    actor: `user:${n}`,
    action: 'test',
    target: `t/${n}`,
    tenant: 'acme',
    details: { n },
  });

  beforeEach(async () => {
    await tamper('truncate audit, audit_anchors');
    log = new AuditLog(database.pool, signer);
    await log.record(...Array.from({ length: 6 }, (_, n) => entry(n + 1)));
  });

  const problems = async (anchor?: { seq: number; hash: string }) =>
    (await log.verify(anchor)).problems.map(({ seq, what }) => `${seq} ${what}`);

  it('is one chain, whoever writes at the same time', async () => {
    const others = Array.from({ length: 4 }, () => new AuditLog(database.pool, signer));
    await Promise.all(Array.from({ length: 200 }, (_, n) => others[n % 4]!.record(entry(n))));
    expect(await log.verify()).toMatchObject({ ok: true, count: 206, head: { seq: 206 }, problems: [] });
  });

  it('keeps what is told twice once', async () => {
    const once = { id: newId(), ...entry(7) };
    await Promise.all([log.record(once), new AuditLog(database.pool, signer).record(once, once)]);
    await log.record(once);
    expect(await log.verify()).toMatchObject({ ok: true, count: 7 });
  });

  it('keeps what people send as it can be kept', async () => {
    await log.record({ ...entry(7), actor: 'user:\u0000\ud800', userAgent: `${'\u{1f600}'.repeat(300)}` });
    expect(await log.verify()).toMatchObject({ ok: true, count: 7 });
  });

  it.each([
    `update audit set actor = 'user:nobody' where seq = 2`,
    'delete from audit where seq = 2',
    'delete from audit',
    'truncate audit',
    'truncate audit_anchors',
  ])('refuses: %s', async (statement) => {
    await expect(database.pool.query(statement)).rejects.toThrow('is append-only');
    expect(await log.verify()).toMatchObject({ ok: true, count: 6 });
  });

  it.each([
    ['a changed entry', [`update audit set target = 'other' where seq = 3`], ['3 changed']],
    ['details in other letters', [`update audit set details = '{"n": 3}' where seq = 3`], ['3 changed']],
    ['a removed entry', ['delete from audit where seq = 3'], ['3 missing']],
    ['a removed beginning', ['delete from audit where seq <= 3'], ['1 missing']],
    [
      'entries that changed places',
      [
        'update audit set seq = 99 where seq = 3',
        'update audit set seq = 3 where seq = 4',
        'update audit set seq = 4 where seq = 99',
      ],
      ['3 order', '3 changed', '4 order', '4 changed', '5 order'],
    ],
    ['a forged signature', [`update audit set mac = 'x' where seq = 6`], ['6 unsigned']],
  ])('finds %s', async (_, statements, wanted) => {
    await tamper(...statements);
    expect(await problems()).toEqual(wanted);
  });

  it('finds that the end was cut off, with a head that was kept elsewhere', async () => {
    const { head } = await log.verify();
    await tamper('delete from audit where seq > 4');
    expect([await problems(), await problems(head)]).toEqual([[], ['6 truncated']]);
    // Filling it up again does not help: what follows is another chain.
    await log.record(entry(50), entry(60));
    expect(await problems(head)).toEqual(['6 anchor']);
    await tamper('truncate audit');
    expect(await problems(head)).toEqual(['6 truncated']);
  });

  it('drops what outlived its time, and still knows where it begins', async () => {
    const { head } = await log.verify();
    const now = Date.now();
    await log.record({ ...entry(7), at: now + 60_000 });
    expect(await log.forgetBefore(new Date(now + 30_000))).toBe(6);
    const report = await log.verify();
    // Dropping leaves an entry itself.
    expect(report).toMatchObject({ ok: true, count: 2, begins: head, problems: [] });
    expect((await log.list({}))[0]).toMatchObject({ action: 'audit.forget', target: '..6' });
    expect(await log.forgetBefore(new Date(now + 30_000))).toBe(0);
    await expect(database.pool.query('delete from audit')).rejects.toThrow('is append-only');
    await expect(database.pool.query('delete from audit_anchors')).rejects.toThrow('is append-only');
  });

  it('finds an anchor that somebody else made to remove entries', async () => {
    const [{ hash } = { hash: '' }] = await log.list({ before: 4 });
    await database.pool.query(`insert into audit_anchors values (3, $1, now(), 'forged')`, [hash]);
    await database.pool.query('delete from audit where seq <= 3');
    expect(await problems()).toEqual(['3 unsigned']);
  });

  it('goes on from the anchor when nothing else is left', async () => {
    await log.forgetBefore(new Date(Date.now() + 60_000));
    await tamper('truncate audit');
    await log.record(entry(1));
    expect(await log.verify()).toMatchObject({ ok: true, count: 1, head: { seq: 7 } });
  });

  it('finds entries by who, what, where and when', async () => {
    await log.record({ ...entry(8), tenant: 'other', action: 'key.create', outcome: 'refused' });
    const found = async (filter: Parameters<AuditLog['list']>[0]) => (await log.list(filter)).map(({ seq }) => seq);
    expect(await found({ tenant: 'acme', limit: 2 })).toEqual([6, 5]);
    expect(await found({ action: 'key.*' })).toEqual([7]);
    expect(await found({ outcome: 'refused', actor: 'user:8', target: 't/8' })).toEqual([7]);
    expect(await found({ until: new Date(0) })).toEqual([]);
    expect(await found({ before: 3 })).toEqual([2, 1]);
  });
});
