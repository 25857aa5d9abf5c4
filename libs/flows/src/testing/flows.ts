import type { Json } from '@spillway/jq';
import { parse } from 'yaml';
import { lintFlow } from '../definition/lint';
import type { FlowDefinition } from '../definition/model';
import { standardErrorUri, type StandardError } from '../definition/standard-errors';
import { segmentsOf } from '../definition/pointer';
import { advance, type Advanced, begin } from '../engine/advance';
import { CompiledFlow } from '../engine/compiled-flow';
import { Fault } from '../engine/errors';
import type { Command, Happening, Input, Node, RunState } from '../engine/state';
import { simulate, type Simulated, type World } from '../simulate/simulate';
import { frozen } from './frozen';

const HEAD = { document: { dsl: '1.0.3', namespace: 'test', name: 'flow', version: '1.0.0' } };

/** A flow from the YAML of what follows its `document`. @throws Error for one with mistakes, unless they are wanted */
export function flowOf(body: string, { mistakes = false } = {}): CompiledFlow {
  const definition = { ...HEAD, ...(parse(body) as object) } as FlowDefinition;
  const problems = lintFlow(definition, { knownFunctions: () => true }).filter(({ severity }) => severity === 'error');
  if (!mistakes && problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return new CompiledFlow(definition);
}

/** Answers of calls by the name of the task; of a list, one after another, the last again and again. */
export type Answers = Record<string, Answer | Answer[]>;
type Answer = Json | Fault | ((input: Json, args: Json) => Json);

export interface RunOptions extends Partial<Omit<World, 'call'>> {
  input?: Json;
  answers?: Answers;
  mistakes?: boolean;
}

export const NOON = Date.UTC(2026, 0, 15, 12);

/** Runs a flow, given as for `flowOf`, to its end. A call without an answer is answered `null`. */
export async function run(body: string, options: RunOptions = {}): Promise<Simulated> {
  const { input = {}, answers = {}, mistakes, ...world } = options;
  const counts = new Map<string, number>();
  const call: World['call'] = ({ path, input: given, with: args }) => {
    const name = nameOf(path);
    const answer = answers[name] ?? null;
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    const one = Array.isArray(answer) ? answer[Math.min(count, answer.length - 1)]! : answer;
    if (one instanceof Fault) throw one;
    return typeof one === 'function' ? one(given, args) : one;
  };
  return simulate(flowOf(body, { mistakes }), input, { startedAt: NOON, ...world, call });
}

/** The output of a run. @throws Error if it did not complete */
export async function outputOf(body: string, options: RunOptions = {}): Promise<Json> {
  const { state } = await run(body, options);
  if (state.status !== 'completed') throw new Error(`the run is ${state.status}: ${JSON.stringify(state.error)}`);
  return state.output!;
}

export function nameOf(path: string): string {
  return segmentsOf(path).at(-1)!;
}

/** A failed call. */
export function failure(name: StandardError, status: number, detail = 'it failed'): Fault {
  return new Fault({ type: standardErrorUri(name), status, title: 'Failed', detail });
}

export function anEvent(type: string, data: Json = {}, more: Record<string, Json> = {}): { [attribute: string]: Json } {
  return { specversion: '1.0', type, source: 'https://example.com', data, ...more };
}

/** Names of tasks something happened to, in order. */
export function tasksThat(what: Happening['what'], happenings: Happening[]): string[] {
  return happenings.flatMap((one) => (one.what === what && one.task ? [one.task.name] : []));
}

/** A run that is advanced by hand. */
export class Machine {
  readonly commands: Command[] = [];
  readonly happenings: Happening[] = [];
  /** Commands of the last advance. */
  last: Command[] = [];
  now = NOON;
  private step: Advanced;

  constructor(
    body: string,
    input: Json = {},
    readonly flow = flowOf(body),
  ) {
    this.step = this.take(begin(this.flow, frozen(input), this.around()));
  }

  get state(): RunState {
    return this.step.state;
  }

  get wakeAt(): number | undefined {
    return this.step.wakeAt;
  }

  /** One advance with these inputs. */
  give(...inputs: Input[]): this {
    this.take(advance(this.flow, this.state, inputs, this.around()));
    return this;
  }

  answer(task: string, output: Json): this {
    return this.give({ kind: 'answer', node: this.waiting(task), output });
  }

  fail(task: string, { error }: Fault): this {
    return this.give({ kind: 'failure', node: this.waiting(task), error });
  }

  later(ms: number): this {
    this.now += ms;
    return this.give();
  }

  /** The id of the last call or sub-run that a task asked for. @throws Error if there is none */
  waiting(task: string): number {
    const asked = this.commands.findLast(
      (command) => (command.kind === 'call' && nameOf(command.path) === task) || command.kind === 'run',
    );
    if (!asked) throw new Error(`${task} asked for nothing`);
    return asked.node;
  }

  /** Tasks that are active now, by name. */
  active(): string[] {
    const names = (node: Node): string[] => [
      ...(node.name === '' ? [] : [node.name]),
      ...(node.children ?? []).flatMap(names),
    ];
    return this.state.root ? names(this.state.root) : [];
  }

  private around() {
    return { run: { id: 'run' }, now: this.now, random: () => 0.5 };
  }

  private take(step: Advanced): Advanced {
    this.step = step;
    this.last = step.commands;
    this.commands.push(...step.commands);
    this.happenings.push(...step.happenings);
    return step;
  }
}
