import type { Json } from '@spillway/jq';
import fc from 'fast-check';
import { lintFlow } from '../definition/lint';
import type { FlowDefinition, TaskList } from '../definition/model';
import { randomFlow } from '../testing/random-flows';
import { type Around, drawsFrom, live } from '../testing/random-world';
import { advance, type Advanced } from './advance';
import { CompiledFlow } from './compiled-flow';
import type { Command, Input, Node, RunState } from './state';

const RUNS = Number(process.env['FLOW_PROPERTY_RUNS'] ?? 60);
const input: fc.Arbitrary<Json> = fc.constantFrom<Json[]>({ n: 1 }, { items: [1, 2] }, 'text', null, [1, 2]);
const any = randomFlow({ races: true, undo: true });
const calm = randomFlow({ races: false });

const seeds = fc.integer();

/** One answer after another. */
const inOrder = (below: number) => Math.min(1, below - 1);

function check(flows: fc.Arbitrary<FlowDefinition>, property: (flow: CompiledFlow, input: Json, seed: number) => void) {
  fc.assert(
    fc.property(flows, input, seeds, (definition, given, seed) => property(new CompiledFlow(definition), given, seed)),
    { numRuns: RUNS },
  );
}

describe('any definition under any world', () => {
  it('is a definition that the linter takes', () => {
    check(any, (flow) => {
      const problems = lintFlow(flow.definition, { knownFunctions: () => true });
      expect(problems.filter(({ severity, message }) => severity === 'error' && !message.includes('then'))).toEqual([]);
    });
  });

  it('comes to an end, and asks for nothing that it does not hear of or call off', () => {
    check(any, (flow, given, seed) => {
      const { state, commands } = live(flow, given, { draw: drawsFrom(seed), fails: true });
      expect(['completed', 'faulted']).toContain(state.status);
      expect(state).not.toHaveProperty('root');
      const off = new Set(commands.filter(({ kind }) => kind === 'forget').map(({ node }) => node));
      const listened = commands.filter(({ kind }) => kind === 'listen').map(({ node }) => node);
      expect(listened.filter((node) => !off.has(node))).toEqual([]);
    });
  });

  it('does not change its arguments, and gives the same answer for the same arguments', () => {
    const look = (step: Advanced, before: RunState | undefined, inputs: Input[], around: Around) => {
      if (before) expect(json(advance(flow!, before, inputs, around))).toEqual(json(step));
      return { ...step, state: frozen(step.state) };
    };
    let flow: CompiledFlow | undefined;
    check(any, (one, given, seed) => {
      flow = new CompiledFlow(frozen(one.definition));
      live(flow, frozen(given), { draw: drawsFrom(seed), fails: true, suspends: true, look });
    });
  });

  it('has a state that is JSON: stored and read again after every advance, the run is the same', () => {
    const look = (step: Advanced) => ({ ...step, state: JSON.parse(JSON.stringify(step.state)) as RunState });
    check(any, (flow, given, seed) => {
      const [kept, stored] = [undefined, look].map((one) =>
        live(flow, given, { draw: drawsFrom(seed), fails: true, suspends: true, look: one }),
      );
      expect(json(stored)).toEqual(json(kept));
    });
  });

  it('never uses the id of a node again', () => {
    check(any, (flow, given, seed) => {
      let next = 0;
      const look = (step: Advanced) => {
        expect(step.state.next).toBeGreaterThanOrEqual(next);
        next = step.state.next;
        const ids = idsIn(step.state.root);
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ids) expect(id).toBeLessThan(next);
        return step;
      };
      const asked = (commands: Command[]) =>
        commands.flatMap(({ kind, node }) => (['call', 'run', 'emit'].includes(kind) ? [node] : []));
      const nodes = asked(live(flow, given, { draw: drawsFrom(seed), fails: true, retries: true, look }).commands);
      expect(new Set(nodes).size).toBe(nodes.length);
    });
  });

  it('can be cancelled at any moment, and calls off all that is open', () => {
    check(any, (flow, given, seed) => {
      const moment = drawsFrom(seed)(30);
      let count = 0;
      const open = new Set<number>();
      const look = (step: Advanced, before: RunState | undefined, inputs: Input[], around: Around) => {
        const isTime = before?.root !== undefined && before.undo.length === 0 && (count += 1) === moment;
        const cancelled = isTime ? advance(flow, before, [...inputs, { kind: 'cancel' }], around) : step;
        for (const one of inputs) if ('node' in one) open.delete(one.node);
        for (const { kind, node } of cancelled.commands) {
          if (['call', 'run', 'listen'].includes(kind)) open.add(node);
          if (kind === 'forget') open.delete(node);
        }
        if (isTime && cancelled.state.status === 'cancelled') expect(cancelled.wakeAt).toBeUndefined();
        return cancelled;
      };
      const seen = live(flow, given, { draw: drawsFrom(seed), look });
      if (seen.state.status === 'cancelled') {
        const fireAndForget = seen.commands.flatMap((one) => (one.kind === 'run' && !one.wait ? [one.node] : []));
        expect([...open].filter((node) => !fireAndForget.includes(node))).toEqual([]);
      }
    });
  });
});

describe('a definition without races', () => {
  it('gives the same output in whatever order and portions its answers come, suspended or not', () => {
    check(calm, (flow, given, seed) => {
      const expected = live(flow, given, { draw: inOrder }).state;
      expect(expected.status).toBe('completed');
      expect(live(flow, given, { draw: drawsFrom(seed) }).state.output).toEqual(expected.output);
      expect(live(flow, given, { draw: drawsFrom(seed), suspends: true }).state.output).toEqual(expected.output);
    });
  });

  it('gives the same output when its calls fail and the run is retried each time', () => {
    check(calm, (flow, given, seed) => {
      const expected = live(flow, given, { draw: inOrder }).state;
      expect(live(flow, given, { draw: drawsFrom(seed), fails: true, retries: true }).state).toMatchObject({
        status: 'completed',
        output: expected.output,
      });
    });
  });

  it('has a state that does not grow with what is done', () => {
    check(calm, ({ definition }, given) => {
      const largest = (times: number) => {
        const tasks = [...definition.do, { reset: { set: { n: 1 } } }];
        const body = [{ round: { do: tasks } }, { pause: { wait: 'PT1S' } }, { reset: { set: { n: 1 } } }];
        const loop = { for: { in: `[range(10; ${10 + times})]` }, do: body };
        const flow = new CompiledFlow({ ...definition, do: [{ reset: { set: { n: 1 } } }, { loop }] as TaskList });
        return Math.max(...live(flow, given, { draw: inOrder }).sizes);
      };
      // Numbers of nodes and the collection of the loop itself have more digits.
      expect(largest(16)).toBeLessThan(largest(4) * 1.1 + 200);
    });
  });
});

function json(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

function idsIn(node: Node | undefined): number[] {
  return node ? [node.id, ...(node.children ?? []).flatMap(idsIn)] : [];
}
