import type { EventRecord } from '@spillway/persistence';
import { BACKENDS, eventually } from '@spillway/testing';
import { setTimeout as wait } from 'node:timers/promises';
import { FlowWorld } from './flow-world';
import { TENANT } from './stack';

const FLOWS = {
  ears: `
    do:
      - hear:
          listen: { to: { any: [{ with: { type: tick } }], until: 'false' } }
          foreach: { do: [{ note: { call: http, with: { method: post, endpoint: OTHER/tick, body: '\${ $item }' } } }] }`,
  hear: `
    do:
      - first: { call: http, with: { method: post, endpoint: OTHER/first } }
      - paid:
          listen:
            to: { one: { with: { type: paid }, correlate: { order: { from: .data.order, expect: '\${ $workflow.input.data.order }' } } } }
      - tell: { call: http, with: { method: post, endpoint: OTHER/heard, body: '\${ . }' } }`,
  'hear-twice': `
    do:
      - one: { listen: { to: { one: { with: { type: ping } } } } }
      - two: { listen: { to: { one: { with: { type: ping } } } } }
`,
  pause: `
    do:
      - before: { call: http, with: { method: post, endpoint: OTHER/before } }
      - nap: { wait: { milliseconds: 700 } }
      - after: { call: http, with: { method: post, endpoint: OTHER/after } }`,
  race: `
    do:
      - both:
          fork:
            compete: true
            branches:
              - quick: { call: http, with: { method: post, endpoint: OTHER/quick } }
              - slow: { call: http, with: { method: post, endpoint: OTHER/slow } }
              - never: { listen: { to: { one: { with: { type: never } } } } }
              - far: { run: { workflow: { namespace: acme, name: pause-long, version: latest } } }
    output: { as: '.' }`,
  'race-at-once': `
    do:
      - both:
          fork:
            compete: true
            branches:
              - slow: { call: http, with: { method: post, endpoint: OTHER/unwanted } }
              - never: { listen: { to: { one: { with: { type: never } } } } }
              - far: { run: { workflow: { namespace: acme, name: pause-long, version: latest } } }
              - quick: { set: { won: quick } }`,
  'pause-long': `
    do:
      - call: { call: http, with: { method: post, endpoint: OTHER/within } }
      - nap: { wait: { hours: 1 } }`,
  late: `
    do:
      - slow:
          timeout: { after: { milliseconds: 400 } }
          call: http
          with: { method: post, endpoint: OTHER/slow }`,
  parent: `
    do:
      - child: { run: { workflow: { namespace: acme, name: child, version: latest, input: { n: '\${ .data.n }' } } } }
      - tell: { call: http, with: { method: post, endpoint: OTHER/parent, body: '\${ . }' } }`,
  child: `
    do:
      - work: { call: http, with: { method: post, endpoint: OTHER/child, body: '\${ . }' } }
      - give: { set: { from: child, input: '\${ $workflow.input }' } }`,
  undo: `
    do:
      - book: { call: http, with: { method: post, endpoint: OTHER/book }, metadata: { compensate: { call: http, with: { method: post, endpoint: OTHER/unbook } } } }
      - pay: { call: http, with: { method: post, endpoint: OTHER/pay }, metadata: { compensate: { call: http, with: { method: post, endpoint: OTHER/unpay } } } }
      - nap: { wait: { hours: 1 } }`,
  again: `
    do:
      - once: { call: http, with: { method: post, endpoint: OTHER/once } }
      - shaky: { call: http, with: { method: post, endpoint: OTHER/shaky } }
      - last: { call: http, with: { method: post, endpoint: OTHER/last } }`,
  ship: `
    do:
      - tell: { emit: { event: { with: { type: start.child, source: 'https://shop.example', data: { order: '\${ .data.order }' } } } } }
      - pay: { emit: { event: { with: { type: paid, source: 'https://shop.example', data: { order: '\${ $workflow.input.data.order }', by: flow } } } } }`,
  many: `
    do:
      - all: { for: { each: n, in: '[range(.data.count)]' }, do: [{ step: { set: '\${ $n }' } }] }
      - tell: { call: http, with: { method: post, endpoint: OTHER/many, body: '\${ . }' } }`,
  versions: `
    document: { version: 1.0.0 }
    do:
      - nap: { listen: { to: { one: { with: { type: go } } } } }
      - tell: { call: http, with: { method: post, endpoint: OTHER/old } }`,
  wide: `
    do:
      - all: { fork: { branches: [BRANCHES] } }
    output: { as: length }`,
};

/** So many calls at once. */
const WIDTH = 1_000;

describe.each(BACKENDS)('runs, on %s', (backend) => {
  let world: FlowWorld;

  beforeAll(async () => {
    world = await FlowWorld.start(backend);
    const branch = (n: number) => `{ b${n}: { call: http, with: { method: post, endpoint: OTHER/wide } } }`;
    const branches = Array.from({ length: WIDTH }, (_, n) => branch(n)).join(',');
    await world.define({ ...FLOWS, wide: FLOWS.wide.replace('BRANCHES', branches) });
  }, 60_000);

  afterAll(() => world?.close(), 60_000);

  beforeEach(() => {
    world.other.reset();
    world.aborted = 0;
  });

  describe('that listen', () => {
    it('hear what came before they listened', async () => {
      const release = world.other.hold('/first');
      const id = await world.begin('hear', { order: 1 });
      await world.called('/first');
      await world.tell('paid', { order: 2 });
      await world.tell('paid', { order: 1, early: true });
      release();
      const run = await world.ended(id);
      expect(run).toMatchObject({ status: 'completed' });
      expect(JSON.parse(world.calls('/heard')[0]!.body)).toEqual([{ order: 1, early: true }]);
      await world.nothingLeft(id);
    });

    it('hear what came when their first job had not been taken yet', async () => {
      const flows = world.stack.platform.queues.queueOf('orchestration-flows', TENANT);
      await flows.pause();
      const id = await world.begin('hear', { order: 10 });
      const early = await world.tell('paid', { order: 10, early: true });
      await eventually(async () => {
        const { rows } = await world.stack.platform.database.pool.query('select from run_events where id = $1', [
          early,
        ]);
        return rows.length === 1;
      });
      await flows.resume();
      expect((await world.ended(id)).status).toBe('completed');
    });

    it('hear what comes then, only theirs, and once though it comes twice', async () => {
      const [one, two] = [await world.begin('hear', { order: 3 }), await world.begin('hear', { order: 4 })];
      await Promise.all([world.waiting(one, 'paid'), world.waiting(two, 'paid')]);
      const first = await world.tell('paid', { order: 3 }, 'same');
      expect(await world.tell('paid', { order: 3 }, 'same')).toBe(first);
      expect((await world.ended(one)).status).toBe('completed');
      expect((await world.run(two)).status).toBe('waiting');
      await world.tell('paid', { order: 4 });
      expect((await world.ended(two)).status).toBe('completed');
      expect(world.calls('/heard').map(({ body }) => JSON.parse(body) as unknown)).toEqual([
        [{ order: 3 }],
        [{ order: 4 }],
      ]);
      await world.nothingLeft(one);
    });

    it('hear what comes while they park', async () => {
      // Events of all kinds of moments around the first call's answer and the parking after it.
      const orders = Array.from({ length: 25 }, (_, n) => 100 + n);
      const runs = await Promise.all(
        orders.map(async (order) => {
          const id = await world.begin('hear', { order });
          await wait(Math.random() * 60);
          await world.tell('paid', { order });
          return id;
        }),
      );
      for (const id of runs) expect((await world.ended(id)).status).toBe('completed');
      expect(world.calls('/heard')).toHaveLength(orders.length);
    });

    it('for ever forget what they heard, and hear no event again', async () => {
      const { platform } = world.stack;
      const id = await world.begin('ears');
      await world.waiting(id, 'hear');
      const first = await world.tell('tick', 0);
      for (let n = 1; n <= 70; n += 1) await world.tell('tick', n);
      await world.called('/tick', 71);
      const { event } = await eventually(() => platform.events.find(first));
      expect(await platform.listening.hear(event, () => undefined)).toEqual([]);
      const size = (await eventually(async () => {
        const [{ run } = {}] = await platform.runs.load([id]);
        return run?.status === 'waiting' && run;
      })) as { state: object };
      expect(JSON.stringify(size.state).length).toBeLessThan(30_000);
      expect(
        world
          .calls('/tick')
          .map(({ body }) => Number(body))
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: 71 }, (_, n) => n));
      await world.order(id, 'cancel');
      await world.ended(id);
    });

    it('twice for the same kind need two events', async () => {
      const id = await world.begin('hear-twice');
      await world.waiting(id, 'one');
      await world.tell('ping', 1);
      await world.waiting(id, 'two');
      await wait(300);
      expect((await world.run(id)).status).toBe('waiting');
      await world.tell('ping', 2);
      expect(await world.ended(id)).toMatchObject({ status: 'completed', output: [2] });
      await world.nothingLeft(id);
    });
  });

  it('that wait go on in time', async () => {
    const id = await world.begin('pause');
    const { startedAt, endedAt } = await world.ended(id);
    expect(world.other.calls.map(({ path }) => path)).toEqual(['/before', '/after']);
    expect(new Date(endedAt!).getTime() - new Date(startedAt).getTime()).toBeGreaterThanOrEqual(700);
    await world.nothingLeft(id);
  });

  describe('whose branches compete', () => {
    it('take the first, and cut the others off where they are', async () => {
      const [slow, quick] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      world.other.delay = ({ path }) => (path === '/slow' ? slow.promise : path === '/quick' ? quick.promise : 0);
      const id = await world.begin('race');
      await world.called('/slow');
      await world.called('/within');
      quick.resolve();
      const run = await world.ended(id);
      expect(run).toMatchObject({ status: 'completed', output: { ok: true } });
      await eventually(() => world.aborted === 1, { what: 'the abort' });
      for (const child of run.children) expect((await world.ended(child.id)).status).toBe('cancelled');
      expect(run.children).toHaveLength(1);
      await world.nothingLeft(id);
    });

    it('never ask for what is dropped at once', async () => {
      const id = await world.begin('race-at-once');
      const run = await world.ended(id);
      expect(run).toMatchObject({ output: { won: 'quick' }, children: [] });
      // Longer than the sweep waits.
      await wait(2_500);
      expect(world.other.calls).toEqual([]);
      await world.nothingLeft(id, 0);
    });
  });

  it('whose task takes too long fail, and the call is cut off', async () => {
    world.other.hold('/slow');
    const id = await world.begin('late');
    expect(await world.ended(id)).toMatchObject({ status: 'faulted', error: { status: 408 } });
    await eventually(() => world.aborted === 1, { what: 'the abort' });
    await world.nothingLeft(id);
  });

  describe('with sub-runs', () => {
    it('are answered by them, also when the sub-run ends at once', async () => {
      const id = await world.begin('parent', { n: 7 });
      const run = await world.ended(id);
      expect(run).toMatchObject({ status: 'completed', children: [{ flow: 'child', status: 'completed' }] });
      expect(JSON.parse(world.calls('/parent')[0]!.body)).toEqual({ from: 'child', input: { n: 7 } });
      await world.nothingLeft(id);
    });

    it('keep the version of a sub-run that no route ever began', async () => {
      await world.define({
        'lonely-parent': `do: [{ sub: { run: { workflow: { namespace: acme, name: lonely, version: latest } } } }]`,
        lonely: `do: [{ nap: { listen: { to: { one: { with: { type: wake } } } } } }]`,
      });
      const id = await world.begin('lonely-parent');
      const [child] = (await world.run(id, ({ children }) => children[0]?.status === 'waiting')).children;
      const { rows } = await world.stack.platform.database.pool.query(
        'select from flow_versions v join runs r on r.hash = v.hash and r.tenant = v.tenant where r.id = $1',
        [child!.id],
      );
      expect(rows).toHaveLength(1);
      await world.tell('wake');
      expect((await world.ended(id)).status).toBe('completed');
    });

    it('cancel them when they are cancelled, with the calls that these wait for', async () => {
      world.other.hold('/child');
      const id = await world.begin('parent', {});
      await world.called('/child');
      await world.order(id, 'cancel');
      const run = await world.ended(id);
      expect(run.status).toBe('cancelled');
      expect((await world.ended(run.children[0]!.id)).status).toBe('cancelled');
      await eventually(() => world.aborted === 1, { what: 'the abort' });
      expect(world.calls('/parent')).toEqual([]);
      await world.nothingLeft(id);
    });
  });

  it('that are suspended keep what comes, and take it when they are resumed', async () => {
    const release = world.other.hold('/first');
    const id = await world.begin('hear', { order: 5 });
    await world.called('/first');
    await world.order(id, 'suspend');
    await world.status(id, 'suspended');
    release();
    // Pressed twice, it is suspended once.
    await world.order(id, 'suspend');
    await world.tell('paid', { order: 5 });
    await eventually(async () => (await world.leftovers(id))['inbox'] === 1, { what: 'the answer in the inbox' });
    await wait(1_500);
    expect(await world.run(id)).toMatchObject({ status: 'suspended' });
    await world.order(id, 'resume');
    expect((await world.ended(id)).status).toBe('completed');
    expect(world.calls('/heard')).toHaveLength(1);
    await world.nothingLeft(id);
  });

  it('that are cancelled undo what they did, newest first', async () => {
    const id = await world.begin('undo');
    await world.waiting(id, 'nap');
    await world.order(id, 'cancel');
    expect((await world.ended(id)).status).toBe('cancelled');
    expect(world.other.calls.map(({ path }) => path)).toEqual(['/book', '/pay', '/unpay', '/unbook']);
    await world.nothingLeft(id);
  });

  it('that failed go on from the task that failed, and the event is done then', async () => {
    world.other.answer = ({ path }) => (path === '/shaky' ? { status: 422, body: '{}' } : undefined);
    const id = await world.begin('again');
    expect(await world.ended(id)).toMatchObject({ status: 'faulted' });
    const [eventId] = id.split('.');
    const stateOf = async () => (await world.stack.client.get<EventRecord>(`/events/${eventId}`)).state;
    await eventually(async () => (await stateOf()) === 'failed');
    world.other.answer = () => undefined;
    await world.order(id, 'retry');
    expect((await world.status(id, 'completed')).error).toBeFalsy();
    expect(world.other.calls.map(({ path }) => path)).toEqual(['/once', '/shaky', '/shaky', '/last']);
    await eventually(async () => (await stateOf()) === 'done', { what: 'the event done' });
    await world.nothingLeft(id);
  });

  it('that emit begin other runs by their routes, and are heard by those that listen', async () => {
    const listener = await world.begin('hear', { order: 6 });
    await world.waiting(listener, 'paid');
    const id = await world.begin('ship', { order: 6 });
    expect((await world.ended(id)).status).toBe('completed');
    expect((await world.ended(listener)).status).toBe('completed');
    expect(JSON.parse(world.calls('/heard')[0]!.body)).toEqual([{ order: 6, by: 'flow' }]);
    const [begun] = await world.called('/child');
    expect(JSON.parse(begun!.body)).toMatchObject({ type: 'start.child', data: { order: 6 } });
    await world.nothingLeft(id);
  });

  it('of a thousand steps come to their end', async () => {
    const id = await world.begin('many', { count: 1_000 });
    expect((await world.ended(id)).status).toBe('completed');
    expect(JSON.parse(world.calls('/many')[0]!.body)).toBe(999);
    await world.nothingLeft(id);
  });

  it('of a thousand calls at once take every answer, and make no call twice', async () => {
    const id = await world.begin('wide');
    expect(await world.ended(id, 90_000)).toMatchObject({ status: 'completed', output: WIDTH, jobs: WIDTH });
    expect(world.other.calls).toHaveLength(WIDTH);
    expect(new Set(world.other.calls.map((call) => call.headers['idempotency-key'])).size).toBe(WIDTH);
    await world.nothingLeft(id);
  }, 120_000);

  it('stay on the version they began with', async () => {
    const old = await world.begin('versions');
    await world.waiting(old, 'nap');
    await world.define({ versions: FLOWS.versions.replace('1.0.0', '2.0.0').replace('OTHER/old', 'OTHER/new') });
    const young = await eventually(async () => {
      const id = await world.begin('versions');
      const run = await world.waiting(id, 'nap');
      if (run.version === '2.0.0') return id;
      await world.order(id, 'cancel');
      return undefined;
    });
    await world.tell('go');
    expect(await world.ended(old)).toMatchObject({ status: 'completed', version: '1.0.0' });
    expect(await world.ended(young)).toMatchObject({ status: 'completed', version: '2.0.0' });
    expect(world.other.calls.map(({ path }) => path).sort()).toEqual(['/new', '/old']);
  });
});
