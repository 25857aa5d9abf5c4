import type { Json } from '@spillway/jq';
import fc from 'fast-check';
import { tasksOf } from '../driver/rows';
import { CompiledFlow } from '../engine/compiled-flow';
import { Fault } from '../engine/errors';
import { simulate, type Simulated, type World } from '../simulate/simulate';
import { anEvent, flowOf, NOON } from '../testing/flows';
import { randomFlow } from '../testing/random-flows';
import { type RecordedRun, replayRun } from './replay-run';

const RUNS = Number(process.env['FLOW_PROPERTY_RUNS'] ?? 60);

/** What a run that was simulated would have left in the database. */
function recordOf(flow: CompiledFlow, input: Json, { state, happenings }: Simulated): RecordedRun {
  const rows = tasksOf(happenings, undefined as never).sort((a, b) => a.node - b.node);
  const tasks = rows.filter(({ kind }) => kind === 'call' || kind === 'run');
  return {
    runId: 'run',
    eventId: 'event',
    version: '1.0.0',
    status: state.status,
    startedAt: NOON,
    input,
    flow,
    events: [],
    tasks: tasks.map(({ path, status, output, answer, error, startedAt, endedAt }) => ({
      path,
      status,
      answer: (answer ?? output ?? null) as Json,
      ...(status === 'faulted' && { error: error as never }),
      tookMs: endedAt.getTime() - startedAt.getTime(),
    })),
  };
}

const BASE = `
  do:
    - find: { call: crm.find, with: { email: '\${ .email }' }, output: { as: .contact } }
    - each:
        for: { in: .tags, each: tag }
        do: [{ label: { call: crm.label, with: { tag: '\${ $tag }' } } }]
    - tell: { emit: { event: { with: { source: 'https://x.example', type: told } } } }
    - pay: { call: bank.pay, with: { amount: 5 } }`;

const answers: World['call'] = ({ path, call }): Json => {
  if (call === 'bank.pay') throw new Fault({ type: 'https://example.com/declined', status: 402, instance: path });
  return call === 'crm.find' ? { contact: { tags: ['a', 'b'] } } : { ok: true };
};

async function baseRun(): Promise<RecordedRun> {
  const flow = flowOf(BASE);
  const input = { email: 'ada@example.com' };
  return recordOf(flow, input, await simulate(flow, input, { call: answers, startedAt: NOON }));
}

const replayed = async (change: (text: string) => string, fallback: Json = null) =>
  replayRun(await baseRun(), flowOf(change(BASE)), fallback);

describe('a past run with the version that it had', () => {
  it('goes as it went, whatever the flow and the world are', async () => {
    // How long a call took is not known apart from the tasks of extensions before and after it.
    const flows = randomFlow({ races: true, undo: true }).filter(
      (one) => !/"listen"|"extensions"/.test(JSON.stringify(one)),
    );
    const property = fc.asyncProperty(flows, fc.infiniteStream(fc.nat(9)), async (definition, draws) => {
      const draw = () => draws.next().value as number;
      const flow = new CompiledFlow(definition);
      const call = ({ path }: { path: string }): Json => {
        if (draw() < 2) throw new Fault({ type: 'https://example.com/errors/call', status: 500 });
        return { n: draw(), path };
      };
      // Which of two that end in the same millisecond was the first is not recorded.
      let nth = 0;
      const takesMs = () => draw() * 700 + (nth += 1);
      const world: World = { call, run: () => ({ n: draw() }), takesMs, startedAt: NOON };
      const record = recordOf(flow, { n: 1 }, await simulate(flow, { n: 1 }, { ...world, runId: 'run' }));
      expect(await replayRun(record, flow, null)).toMatchObject({ result: 'same', notes: [] });
    });
    await fc.assert(property, { numRuns: RUNS });
  });
});

describe('a past run with another version', () => {
  it('is the same where only tasks are moved, or get other names', async () => {
    const moved = await replayed((text) => text.replace('do:', "do:\n    - now: { set: '\${ . }' }"));
    expect(moved).toMatchObject({ result: 'differs', tasks: [{ task: 'now', before: 0, after: 1 }], byDefault: 0 });
    expect([moved.calls, moved.output, moved.end.before === moved.end.after]).toEqual([
      { changed: [], added: [], missing: [] },
      [],
      true,
    ]);
    const renamed = await replayed((text) => text.replace('- find:', '- look:'));
    expect(renamed).toMatchObject({ calls: { changed: [], added: [], missing: [] }, byDefault: 0 });
  });

  it('tells calls that ask for something else, those that are new, and those that are missing', async () => {
    const { calls, result, byDefault, output } = await replayed(
      (text) => text.replace('amount: 5', 'amount: 6').replace('crm.label', 'crm.mark').replace('bank.pay', 'bank.pay'),
      { marked: true },
    );
    expect(result).toBe('differs');
    expect(calls).toEqual({
      changed: [{ task: 'pay', call: 'bank.pay', changes: [{ path: '/amount', before: 5, after: 6 }] }],
      added: ['a', 'b'].map((tag) => ({ task: 'each/label', call: 'crm.mark', request: { tag } })),
      missing: ['a', 'b'].map((tag) => ({ task: 'each/label', call: 'crm.label', request: { tag } })),
    });
    expect(byDefault).toBe(2);
    expect(output).toEqual([]);
  });

  it('tells another end and another output', async () => {
    const other = await replayed((text) => text.replace(/- pay.*/, "- give: { set: { n: '\${ .ok }' } }"));
    expect(other.end).toEqual({ before: 'faulted: declined 402 at pay', after: 'completed' });
    expect(other.output).toEqual([{ path: '', after: { n: null } }]);
  });

  it('hears the events of then, also those that came before it listened', async () => {
    const listening = (type: string) => `
      do:
        - first: { call: crm.find, with: {} }
        - paid: { listen: { to: { one: { with: { type: ${type} } } } }, timeout: { after: PT1H } }`;
    const flow = flowOf(listening('paid'));
    const timed = [
      { at: NOON + 1_000, event: anEvent('paid', { n: 1 }) },
      { at: NOON + 9_000, event: anEvent('refunded', { n: 2 }) },
    ];
    const once = await simulate(flow, {}, { call: () => null, takesMs: () => 5_000, timed, startedAt: NOON });
    expect(once.state.output).toEqual([{ n: 1 }]);
    const record = { ...recordOf(flow, {}, once), events: timed };
    expect((await replayRun(record, flow, null)).result).toBe('same');
    const next = await replayRun(record, flowOf(listening('refunded')), null);
    expect(next.output).toEqual([{ path: '/0/n', before: 1, after: 2 }]);
    expect((await replayRun(record, flowOf(listening('never')), null)).end.after).toBe('faulted: timeout 408 at paid');
  });

  it('is told that a record does not lead to its own end, and that an answer was too large to be kept', async () => {
    const run = await baseRun();
    const { notes } = await replayRun({ ...run, status: 'completed' }, run.flow!, null);
    expect(notes[0]).toMatch(
      /^it is recorded as completed, and its own version comes to "faulted: declined 402 at pay"/,
    );
    const tasks = run.tasks.map((one, index) => (index === 0 ? { ...one, trimmed: true } : one));
    const large = await replayRun({ ...run, tasks }, run.flow!, { contact: { tags: [] } });
    expect(large).toMatchObject({ byDefault: 1, notes: [expect.stringContaining('too large')] });
  });

  it('takes the last try of a call that an operator had made again', async () => {
    const run = await baseRun();
    const pay = run.tasks.at(-1)!;
    const again = { ...pay, status: 'completed', error: undefined, answer: { paid: true } };
    const done = { ...run, status: 'completed', tasks: [...run.tasks, again] };
    expect(await replayRun(done, run.flow!, null)).toMatchObject({
      result: 'same',
      notes: [],
      end: { after: 'completed' },
    });
  });

  it('does not let a call win a race that had no answer when the run ended', async () => {
    const race = flowOf(`
  do:
    - race:
        fork:
          compete: true
          branches: [{ quick: { call: bank.pay, with: {} } }, { slow: { call: crm.find, with: {} } }]`);
    const world: World = {
      call: answers,
      takesMs: ({ path }) => (path.includes('quick') ? 5 : 1_000),
      startedAt: NOON,
    };
    const record = recordOf(race, {}, await simulate(race, {}, world));
    expect(record).toMatchObject({ status: 'faulted', tasks: [expect.objectContaining({ status: 'faulted' })] });
    const again = await replayRun(record, race, null);
    expect(again).toMatchObject({ result: 'same', notes: [] });
    expect(again.end.after).toContain('race/fork/quick');
  });

  it('of an event that began none is new', async () => {
    const { flow: _, ...run } = await baseRun();
    const fresh = await replayRun({ ...run, tasks: [] }, flowOf(BASE), { contact: { tags: ['x'] } });
    expect(fresh).toMatchObject({
      result: 'new',
      run: null,
      byDefault: 3,
      end: { before: 'no run', after: 'completed' },
    });
    expect(fresh.calls.added.map(({ call }) => call)).toEqual(['crm.find', 'crm.label', 'bank.pay']);
  });
});
