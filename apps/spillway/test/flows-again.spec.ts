import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_VERSION } from '@spillway/contracts';
import type { EventRecord } from '@spillway/persistence';
import { API_KEY, BACKENDS, eventually } from '@spillway/testing';
import { parse, stringify } from 'yaml';
import { describeReplay, type ReplayReport } from '../src/flows/replay-lines';
import { commandLine } from './flows/command-line';
import { FlowWorld } from './flow-world';

const QUOTE = `
    do:
      - rate: { call: http, with: { method: get, endpoint: 'OTHER/rate' }, output: { as: '{ rate: .rate }' } }
      - ok: { listen: { to: { one: { with: { type: agreed }, correlate: { n: { from: .data.n, expect: '\${ $workflow.input.data.n }' } } } } } }
      - offer: { call: http, with: { method: post, endpoint: OTHER/offer, headers: { key: '\${ $secrets.token }' }, body: { price: '\${ $workflow.input.data.n * 2 }', by: '\${ .[0].by }' } } }
    use: { secrets: [token] }`;

const FLOWS = {
  quote: QUOTE,
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
  const directory = mkdtempSync(join(tmpdir(), 'spillway-again-'));
  const spillway = commandLine(() => ({
    directory,
    environment: { SPILLWAY_URL: world.stack.admin, SPILLWAY_API_KEY: API_KEY },
  }));

  beforeAll(async () => {
    world = await FlowWorld.start(backend);
    await world.define(FLOWS);
  }, 60_000);

  afterAll(async () => {
    rmSync(directory, { recursive: true });
    await world?.close();
  }, 60_000);

  beforeEach(() => world.other.reset());

  const restart = (id: string, body: object) => world.stack.client.post<{ id: string }>(`/runs/${id}/restart`, body);
  const keys = () => world.other.calls.map(({ path, headers }) => `${path} ${String(headers['idempotency-key'])}`);

  describe('is begun again', () => {
    it('from the task that is named: what was done before is not done again, the rest is, under new keys', async () => {
      world.other.answer = ({ path }) =>
        path === '/check' ? { status: 200, body: '{"ok":true}' } : path === '/pay' ? { status: 400 } : undefined;
      const id = await world.begin('order');
      expect((await world.ended(id)).status).toBe('faulted');
      const before = keys();
      world.other.reset();
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

    it('in the middle of a loop, as often as needed', async () => {
      const id = await world.begin('order');
      await world.ended(id);
      world.other.calls.length = 0;
      expect(await restart(id, { from: '/do/1/each/do/0/pack' })).toMatchObject({ id: `${id}.r1`, restarts: id });
      await world.ended(`${id}.r1`);
      expect(world.other.calls.map(({ path }) => path)).toEqual(['/pack', '/pay', '/mail']);
      expect((await restart(`${id}.r1`, { from: '/do/3/both' })).id).toBe(`${id}.r2`);
      expect(await world.ended(`${id}.r2`)).toMatchObject({ origin: { run: `${id}.r1`, path: '/do/3/both' } });
    });

    it('once at a time, and not where it cannot be', async () => {
      const release = world.other.hold('/mail');
      const id = await world.begin('order');
      await world.called('/mail');
      await expect(restart(id, { from: '/do/2/pay' })).rejects.toThrow('it has not ended');
      release();
      await world.ended(id);
      const both = await Promise.allSettled([restart(id, { from: '/do/2/pay' }), restart(id, { from: '/do/2/pay' })]);
      expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      await world.ended(`${id}.r1`);
      expect(world.calls('/pay')).toHaveLength(2);
      const branch = restart(id, { from: '/do/3/both/fork/branches/0/mail' });
      await expect(branch).rejects.toMatchObject({ code: 'restart-impossible', remedy: 'Begin at /do/3/both.' });
    });
  });

  describe('is gone through with another version of its flow', () => {
    let runs: string[];
    const specOf = (change: (text: string) => string) =>
      parse(change(QUOTE).replaceAll('OTHER', world.other.url)) as object;
    const replay = (change: (text: string) => string, more: object = {}) =>
      world.stack.client.post<ReplayReport>('/flows/quote/replay', {
        tenant: 'acme',
        definition: specOf(change),
        ...more,
      });
    const dearer = (text: string) =>
      text
        .replace('* 2', '* 3')
        .replace('    use:', '      - log: { call: http, with: { method: post, endpoint: OTHER/log } }\n    use:');

    beforeAll(async () => {
      world.other.answer = ({ path }) => (path === '/rate' ? { status: 200, body: '{"rate":3}' } : undefined);
      runs = [];
      for (const n of [1, 2]) {
        const id = await world.begin('quote', { n });
        await world.waiting(id, 'ok');
        await world.tell('agreed', { n, by: 'ada' });
        expect((await world.ended(id)).status).toBe('completed');
        runs.push(id);
      }
      await eventually(async () => {
        const { events } = await world.stack.client.get<{ events: object[] }>('/events', { type: 'agreed' });
        return events.length === 2;
      });
    }, 60_000);

    afterEach(() => expect(world.other.calls).toEqual([]));

    it('and is the same with its own', async () => {
      expect(describeReplay(await replay((text) => text))).toBe('2 same, 0 differ\n');
    });

    it('which says what it would call otherwise', async () => {
      const report = await replay(dearer, { runs: [runs[1]], default: { logged: true } });
      const lines = [
        `differs  ${runs[1]!}`,
        '    task log: never → once',
        '    call offer (http) /body/price: 4 → 6',
        `    + call log (http) {"method":"post","endpoint":"${world.other.url}/log"}`,
        '    output/ok: true → nothing',
        '    output/logged: nothing → true',
        '0 same, 1 differ, 1 calls answered with {"logged":true}',
      ];
      expect(describeReplay(report).trim().split('\n')).toEqual(lines);
    });

    it('over the events that match a route', async () => {
      const report = await replay((text) => text, { route: 'quote', last: 1, default: { rate: 1 } });
      expect(describeReplay(report)).toMatch(/new +event [^]*\+ call rate \(http\)[^]*1 new, 1 calls answered with/);
    });

    it('and not with a flow that has mistakes, nor where there is no run', async () => {
      await expect(replay((text) => text.replace('http', 'nowhere'))).rejects.toMatchObject({ code: 'flow-invalid' });
      const { skipped } = await replay((text) => text, { runs: ['nothing'] });
      expect(skipped).toEqual([{ run: 'nothing', reason: expect.stringContaining('there is no run') as string }]);
    });

    // What the command line adds is the same on both.
    if (backend === 'postgres') {
      it('by the command line', async () => {
        const file = join(directory, 'quote.yaml');
        const metadata = { tenant: 'acme', name: 'quote' };
        writeFileSync(file, stringify({ apiVersion: API_VERSION, kind: 'Flow', metadata, spec: specOf(dearer) }));
        const text = await spillway(['flows', 'replay', file, '--last', '1', '--default', '{"logged":true}']);
        expect({ code: text.code, err: text.err }).toEqual({ code: 0, err: '' });
        expect(text.out).toContain('    call offer (http) /body/price: 4 → 6\n');
        const json = await spillway(['flows', 'replay', file, '--run', runs[0]!, '--json', '--fail-on-difference']);
        expect(json.code).toBe(1);
        expect(JSON.parse(json.out)).toMatchObject({ differ: 1, runs: [{ run: runs[0], byDefault: 1 }] });
        world.other.answer = () => ({ status: 200 });
        const id = runs[0]!;
        const restarted = await spillway(['runs', 'restart', id, '--from', '/do/2/offer', '--reason', 'lost']);
        expect(restarted.out).toContain(`${id}.r1 goes on from /do/2/offer`);
        await world.ended(`${id}.r1`);
        expect((await spillway(['runs', 'show', `${id}.r1`])).out).toContain(`where ${id} was: from /do/2/offer`);
        expect(world.other.calls.map(({ path }) => path)).toEqual(['/offer']);
        world.other.calls.length = 0;
      }, 60_000);
    }
  });
});
