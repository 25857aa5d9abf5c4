import type { EventRecord } from '@spillway/persistence';
import { BACKENDS, eventually } from '@spillway/testing';
import { commandLine } from './flows/command-line';
import { FlowWorld } from './flow-world';
import { API_KEY } from './stack';

const FLOWS = {
  order: `
    do:
      - check: { call: http, with: { method: post, endpoint: OTHER/check }, export: { as: '{ checked: . }' } }
      - each:
          for: { in: '[1, 2]', each: n }
          do:
            - pack: { call: http, with: { method: post, endpoint: OTHER/pack, body: '\${ $n }' } }
      - pay: { call: http, with: { method: post, endpoint: OTHER/pay, body: '\${ $context }' } }
      - both: { fork: { branches: [{ mail: { call: http, with: { method: post, endpoint: OTHER/mail } } }] } }`,
};

describe.each(BACKENDS)('a run that has ended, on %s', (backend) => {
  let world: FlowWorld;
  const spillway = commandLine(() => ({
    directory: __dirname,
    environment: { SPILLWAY_URL: world.stack.admin, SPILLWAY_API_KEY: API_KEY },
  }));

  beforeAll(async () => {
    world = await FlowWorld.start(backend);
    await world.define(FLOWS);
  }, 60_000);

  afterAll(() => world?.close(), 60_000);

  beforeEach(() => {
    world.other.calls.length = 0;
    world.other.answer = () => undefined;
  });

  const restart = (id: string, body: object) => world.stack.client.post<{ id: string }>(`/runs/${id}/restart`, body);
  const keys = () => world.other.calls.map(({ path, headers }) => `${path} ${String(headers['idempotency-key'])}`);

  describe('is begun again', () => {
    it('from the task that is named: what was done before is not done again, the rest is, under new keys', async () => {
      world.other.answer = ({ path }) =>
        path === '/check' ? { status: 200, body: '{"ok":true}' } : path === '/pay' ? { status: 400 } : undefined;
      const id = await world.begin('order');
      expect((await world.ended(id)).status).toBe('faulted');
      const before = keys();
      world.other.answer = () => undefined;
      world.other.calls.length = 0;
      const made = await restart(id, { from: '/do/2/pay', reason: 'the bank was down' });
      const run = await world.ended(made.id);
      expect(run).toMatchObject({ status: 'completed', origin: { run: id, path: '/do/2/pay' } });
      expect(world.other.calls.map(({ path }) => path)).toEqual(['/pay', '/mail']);
      expect(keys().filter((key) => before.includes(key))).toEqual([]);
      expect(JSON.parse(world.calls('/pay')[0]!.body)).toEqual({ checked: { ok: true } });
      const old = await world.run(id);
      expect(old).toMatchObject({ status: 'faulted', restarts: [{ id: made.id, status: 'completed' }] });
      await eventually(async () => {
        const { state } = await world.stack.client.get<EventRecord>(`/events/${run.eventId}`);
        return state === 'done';
      });
      await expect(world.order(id, 'retry')).rejects.toThrow(`another run took its way: ${made.id}`);
      const { entries } = await world.stack.client.get<{ entries: object[] }>('/audit');
      expect(entries).toContainEqual(expect.objectContaining({ action: 'run.restart', target: id }));
      await world.nothingLeft(id);
    });

    it('in the middle of a loop, by the command line, as often as needed', async () => {
      const id = await world.begin('order');
      await world.ended(id);
      world.other.calls.length = 0;
      const { out, code } = await spillway(['runs', 'restart', id, '--from', '/do/1/each/do/0/pack']);
      expect(code).toBe(0);
      expect(out).toContain(`${id}.r1 goes on from /do/1/each/do/0/pack`);
      await world.ended(`${id}.r1`);
      expect(world.other.calls.map(({ path }) => path)).toEqual(['/pack', '/pay', '/mail']);
      expect((await restart(`${id}.r1`, { from: '/do/3/both' })).id).toBe(`${id}.r2`);
      await world.ended(`${id}.r2`);
      expect((await spillway(['runs', 'show', `${id}.r2`])).out).toContain(`where ${id}.r1 was: from /do/3/both`);
    });

    it('once at a time, and not where it cannot be', async () => {
      world.other.delay = ({ path }) => (path === '/mail' ? 1_000 : 0);
      const id = await world.begin('order');
      await world.called('/mail');
      await expect(restart(id, { from: '/do/2/pay' })).rejects.toThrow('it has not ended');
      await world.ended(id);
      const both = await Promise.allSettled([restart(id, { from: '/do/2/pay' }), restart(id, { from: '/do/2/pay' })]);
      expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      await world.ended(`${id}.r1`);
      expect(world.calls('/pay')).toHaveLength(2);
      const { code, err } = await spillway(['runs', 'restart', id, '--from', '/do/3/both/fork/branches/0/mail']);
      expect([code, err]).toEqual([1, expect.stringContaining('Begin at /do/3/both.')]);
      world.other.delay = () => 0;
    });
  });
});
