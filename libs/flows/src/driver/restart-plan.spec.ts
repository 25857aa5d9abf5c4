import type { Json } from '@spillway/jq';
import fc from 'fast-check';
import type { FlowDefinition } from '../definition/model';
import { CompiledFlow } from '../engine/compiled-flow';
import { Fault } from '../engine/errors';
import type { Restart } from '../engine/restart';
import { simulate, type Simulated, type World } from '../simulate/simulate';
import { flowOf, NOON } from '../testing/flows';
import { randomFlow } from '../testing/random-flows';
import { planRestart, type PastRun } from './restart-plan';
import { contextsOf, tasksOf } from './rows';

const RUNS = Number(process.env['FLOW_PROPERTY_RUNS'] ?? 60);

/** What a run that was simulated would have left in the database. */
function pastOf({ definition }: { definition: FlowDefinition }, { state, happenings }: Simulated): PastRun {
  const tasks = tasksOf(happenings, undefined as never).map((row) => ({
    ...row,
    iteration: row.iteration ?? null,
    input: row.input,
  }));
  return { id: 'run', status: state.status, state, definition, tasks, contexts: contextsOf(happenings) };
}

async function again(flow: CompiledFlow, past: PastRun, world: World, from: string, node?: number) {
  const { begin, restart } = planRestart(past, from, node).state as { begin: Json; restart: Restart };
  return simulate(flow, begin, { ...world, from: restart });
}

/** The same answer to the same question. */
const call: World['call'] = ({ path, with: args }) => {
  const sum = [...(path + JSON.stringify(args))].reduce((value, one) => (value * 31 + one.codePointAt(0)!) % 1_009, 7);
  if (sum % 5 === 0) throw new Fault({ type: 'https://example.com/errors/call', status: 500 });
  return { n: sum % 7 };
};

describe('a run that begins where another one was', () => {
  it('comes to the same end, whichever task it begins with', async () => {
    // Deadlines count anew, and an event that is emitted again is another event.
    const definitions = randomFlow({ races: true, undo: true }).filter(
      (one) => !/"timeout"|"emit"|"listen"/.test(JSON.stringify(one)),
    );
    let begun = 0;
    const property = fc.asyncProperty(definitions, async (definition) => {
      const flow = new CompiledFlow(definition);
      const world: World = { call, startedAt: NOON };
      const once = await simulate(flow, { n: 1 }, world);
      const past = pastOf(flow, once);
      for (const { path, node } of past.tasks) {
        let next: Simulated;
        try {
          next = await again(flow, past, world, path, node);
        } catch (error) {
          expect(error).toMatchObject({ code: 'restart-impossible', remedy: expect.any(String) as string });
          continue;
        }
        begun += 1;
        expect(endOf(next)).toEqual(endOf(once));
      }
    });
    await fc.assert(property, { numRuns: RUNS });
    expect(begun).toBeGreaterThan(RUNS / 4);
  });

  const FLOW = flowOf(`
    do:
      - ready: { set: { items: [a, b, c] }, export: { as: '{ seen: [] }' } }
      - each:
          for: { in: .items, each: name }
          do:
            - guard:
                try:
                  - ask: { call: crm.find, with: { name: '\${ $name }', seen: '\${ $context.seen }' } }
                catch:
                  do: [{ excuse: { set: { n: 0 } } }]
            - keep: { set: { items: '\${ .items }' }, export: { as: '{ seen: ($context.seen + [$name]) }' } }
      - book: { call: travel.book, with: {}, metadata: { compensate: { call: travel.cancel, with: {} } } }
      - both: { fork: { branches: [{ left: { set: { side: left } } }, { right: { set: { side: right } } }] } }
      - many: { for: { in: '[1, 2]' }, metadata: { parallel: 2 }, do: [{ one: { set: { n: 1 } } }] }
      - named: { call: own, with: {} }
      - skipped: { if: 'false', set: { n: 1 } }
      - pay: { call: bank.pay, with: {} }
    use: { functions: { own: { do: [{ inner: { set: { n: 1 } } }] } } }`);

  const answers =
    (failing = ''): World['call'] =>
    ({ path }) => {
      if (path.endsWith(`/${failing}`)) throw new Fault({ type: 'https://example.com/no', status: 500 });
      return { items: ['x'] };
    };

  it('is in the same iteration of a loop, with the context that was there', async () => {
    const world = { call: answers() };
    const past = pastOf(FLOW, await simulate(FLOW, {}, world));
    const asks = past.tasks.filter(({ path }) => path.endsWith('/ask'));
    const { calls } = await again(FLOW, past, world, asks[1]!.path, asks[1]!.node);
    expect(calls.slice(0, 2).map((one) => one.with)).toEqual([
      { name: 'b', seen: ['a'] },
      { name: 'c', seen: ['a', 'b'] },
    ]);
    const last = await again(FLOW, past, world, asks[1]!.path);
    expect(last.calls[0]!.with).toEqual({ name: 'c', seen: ['a', 'b'] });
  });

  it('undoes what was done before it, if it ends badly', async () => {
    const past = pastOf(FLOW, await simulate(FLOW, {}, { call: answers() }));
    const { calls, state } = await again(FLOW, past, { call: answers('pay') }, '/do/7/pay');
    expect(state.status).toBe('faulted');
    expect(calls.map((one) => one.call)).toEqual(['bank.pay', 'travel.cancel']);
  });

  it('cannot begin after what was undone, and can begin with it', async () => {
    const past = pastOf(FLOW, await simulate(FLOW, {}, { call: answers('pay') }));
    expect(() => planRestart(past, '/do/7/pay')).toThrow(
      'what /do/2/book did was undone, and /do/7/pay comes after it',
    );
    const { calls, state } = await again(FLOW, past, { call: answers() }, '/do/2/book');
    expect(state.status).toBe('completed');
    expect(calls.map((one) => one.call)).toEqual(['travel.book', 'bank.pay']);
  });

  it.each([
    ['/do/3/both/fork/branches/0/left', 'it is in a branch, which others run beside', 'Begin at /do/3/both.'],
    ['/do/4/many/do/0/one', 'several iterations run at once', 'Begin at /do/4/many.'],
    ['/use/functions/own/do/0/inner', 'not one of the tasks of the workflow itself', 'Choose a task of "do".'],
    ['/do/5/named/do/0/inner', 'it is within a "call"', 'Begin at /do/5/named.'],
    ['/do/1/each/do/0/guard/catch/do/0/excuse', 'handles an error', 'Begin at /do/1/each/do/0/guard.'],
    ['/do/2/book/metadata/compensate', 'it undoes another', 'Begin at /do/2/book.'],
    ['/do/6/skipped', 'the run never came to', 'Choose a task of its timeline.'],
    ['/do/6/pay', 'the flow has no task', 'such as /do/0/NAME'],
    ['pay', 'a run cannot begin at', 'Choose a task of "do".'],
  ])('cannot begin at %s: %s', async (path, why, remedy) => {
    const past = pastOf(FLOW, await simulate(FLOW, {}, { call: answers() }));
    let refusal: unknown;
    try {
      planRestart(past, path);
    } catch (error) {
      refusal = error;
    }
    const containing = (text: string) => expect.stringContaining(text) as string;
    expect(refusal).toMatchObject({ message: containing(why), remedy: containing(remedy) });
  });

  it('cannot begin while the other one is under way, nor where its record was trimmed', async () => {
    const past = pastOf(FLOW, await simulate(FLOW, {}, { call: answers() }));
    expect(() => planRestart({ ...past, status: 'waiting' }, '/do/2/book')).toThrow('it has not ended');
    const input = { truncated: true, characters: 40_000, begin: '{' };
    const tasks = past.tasks.map((one) => (one.path === '/do/2/book' ? { ...one, input } : one));
    expect(() => planRestart({ ...past, tasks }, '/do/2/book')).toThrow('the input of /do/2/book was too large');
    const contexts = past.contexts.map((one) => ({ ...one, context: input }));
    expect(() => planRestart({ ...past, contexts }, '/do/2/book')).toThrow('the context of /do/2/book was too large');
  });
});

function endOf({ state: { status, output, error, undo } }: Simulated) {
  return { status, output, error, undo: undo.map(({ node: _, ...one }) => one) };
}
