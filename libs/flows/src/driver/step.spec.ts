import type { FlowJob } from '@spillway/contracts';
import type { RunRow } from '@spillway/persistence';
import { CompiledFlow } from '../engine/compiled-flow';
import { advanceOf, changeOf, hasJustEnded, newRun, sinceOf, takable } from './step';

const ACCEPTED = 1_700_000_000_000;
const EVENT = `${ACCEPTED.toString(16)
  .padStart(12, '0')
  .replace(/^(.{8})/, '$1-')}-7000-8000-000000000000`;
const NOW = ACCEPTED + 60_000;

function jobOf(id = `${EVENT}.r.0`, createdAt = ACCEPTED + 1_000): FlowJob {
  const meta = { tenant: 't', priority: 'normal' as const, createdBy: 'test', createdAt, correlationId: 'c' };
  const event = { id: EVENT, type: 'x', data: { n: 1 } } as never;
  return { run: { id, flow: 'f' }, route: 'r', eventId: EVENT, meta, start: { hash: 'h', version: '1.0.0', event } };
}

const row = (job = jobOf()) => newRun(job, NOW)!.run;
const flowOf = (...tasks: object[]) =>
  new CompiledFlow({ document: { dsl: '1.0.3', namespace: 't', name: 'f', version: '1.0.0' }, do: tasks } as never);
const around = { run: { id: 'r' }, now: NOW, random: () => 0.5 };
const call = { call: 'http', with: { method: 'get', endpoint: 'https://example.com' } };
const input = (key: string, kind: string, more: object = {}) => ({ key, input: { kind, ...more } });

/** As it is read in the next step. */
function stored(run: RunRow, advanced: ReturnType<typeof advanceOf>): RunRow {
  return { ...changeOf(run, [], advanced, NOW).run, seq: run.seq + 1 };
}

describe('a new run', () => {
  it('is not made of a wake-up', () => {
    expect(newRun({ ...jobOf(), start: undefined }, NOW)).toBeUndefined();
  });

  it('hears what came since its event was taken, a replay what came since it was asked for', () => {
    const since = (id: string) => {
      const run = row(jobOf(id));
      return sinceOf(run, stored(run, advanceOf(flowOf({ a: call }), run, [], around)).state).getTime();
    };
    expect(since(`${EVENT}.r.0`)).toBe(ACCEPTED);
    expect(since(`${EVENT}.r.0.0198c7a0-0000-7000-8000-000000000000`)).toBe(ACCEPTED + 1_000);
  });

  it('that was cancelled before it began makes no call', () => {
    const { state, commands } = advanceOf(flowOf({ a: call }), row(), [input('cancel', 'cancel')], around);
    expect([state.status, commands]).toEqual(['cancelled', []]);
  });
});

describe('a step', () => {
  it('tells of the end of a run once', () => {
    const flow = flowOf({ a: { set: { n: 1 } } });
    const run = { ...row(), startedAt: new Date(ACCEPTED) };
    const first = advanceOf(flow, run, [], around);
    expect(hasJustEnded(first.happenings)).toBe(true);
    const ended = stored(run, first);
    const late = advanceOf(flow, ended, [input('n9', 'answer', { node: 9, output: 1 })], {
      ...around,
      now: NOW + 5_000,
    });
    expect(hasJustEnded(late.happenings)).toBe(false);
    expect(changeOf(ended, [], late, NOW + 5_000).run.endedAt).toEqual(new Date(NOW));
  });

  it('keeps calls and subscriptions until they are answered or made known', () => {
    const flow = flowOf({
      both: { fork: { branches: [{ a: call }, { b: { listen: { to: { one: { with: { type: 'x' } } } } } }] } },
    });
    const run = row();
    const change = changeOf(run, [], advanceOf(flow, run, [], around), NOW);
    expect(change.commands.map(({ command }) => (command as { kind: string }).kind).sort()).toEqual(['call', 'listen']);
    expect(change.listens).toEqual([expect.objectContaining({ lookups: [{ type: 'x' }], since: new Date(ACCEPTED) })]);
    expect(change.run).toMatchObject({ jobs: 1, status: 'running', endedAt: null });
  });

  it('does not bring an event that was heard to a run again', () => {
    const listen = { listen: { to: { one: { with: { type: 'x' } } } } };
    const flow = flowOf({ a: listen }, { b: listen });
    const run = row();
    const event = (id: string) => input(`e${id}`, 'event', { event: { id, source: 's', type: 'x' } });
    const begun = stored(run, advanceOf(flow, run, [], around));
    const once = stored(begun, advanceOf(flow, begun, [event('1')], around));
    const again = stored(once, advanceOf(flow, once, [event('1')], around));
    expect(again.status).toBe('waiting');
    expect(advanceOf(flow, again, [event('2')], around).state.status).toBe('completed');
  });
});

describe('a run that listens for ever', () => {
  const each = { do: [{ note: { set: { n: '${ $item.n }', at: '${ $index }' } } }] };
  const event = (n: number) =>
    input(`e${n}`, 'event', { event: { id: `id ${n}`, source: 's', type: 'x', data: { n, text: 'x'.repeat(100) } } });

  it.each(['false', '${ false }'])('has a state that does not grow with what it hears (until: %s)', (until) => {
    const flow = flowOf({ hear: { listen: { to: { any: [{ with: { type: 'x' } }], until } }, foreach: each } });
    const start = row();
    let run = stored(start, advanceOf(flow, start, [], around));
    const sizes: number[] = [];
    const heard: string[] = [];
    const outputs: unknown[] = [];
    for (let n = 0; n < 500; n += 1) {
      const advanced = advanceOf(flow, run, [event(1_000 + n)], around);
      heard.push(...changeOf(run, [], advanced, NOW).heard);
      outputs.push(...advanced.happenings.flatMap(({ output, task }) => (task?.name === 'note' ? [output] : [])));
      run = stored(run, advanced);
      sizes.push(JSON.stringify(run.state).length);
    }
    expect(run.status).toBe('waiting');
    expect(outputs.at(-1)).toEqual({ n: 1_499, at: 499 });
    expect(heard).toEqual(Array.from({ length: 500 }, (_, n) => `id ${1_000 + n}`));
    expect(Math.max(...sizes.slice(250)) - Math.max(...sizes.slice(100, 250))).toBeLessThan(20);
  });

  it('keeps what its condition or its output is made of', () => {
    const condition = '(map(.n) | add) > 1010';
    const flow = flowOf({
      hear: { listen: { to: { any: [{ with: { type: 'x' } }], until: condition } }, foreach: each },
    });
    const start = row();
    let run = stored(start, advanceOf(flow, start, [], around));
    for (let n = 0; n < 2; n += 1) run = stored(run, advanceOf(flow, run, [event(1_000 + n * 20)], around));
    expect(run.state).toMatchObject({
      status: 'completed',
      output: [
        { n: 1_000, at: 0 },
        { n: 1_020, at: 1 },
      ],
    });
  });
});

describe('a suspended run', () => {
  const inbox = [input('n1', 'answer'), input('o1', 'suspend'), input('o2', 'resume')];

  it('takes orders first, and what waited when it goes on', () => {
    expect(takable('suspended', inbox).map(({ key }) => key)).toEqual(['o1', 'o2', 'n1']);
    expect(takable('suspended', inbox.slice(0, 2)).map(({ key }) => key)).toEqual(['o1']);
    expect(takable('suspended', inbox.slice(0, 1))).toEqual([]);
    expect(takable('waiting', inbox)).toBe(inbox);
  });
});
