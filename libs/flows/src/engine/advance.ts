import { setOwn } from '@spillway/contracts';
import type { Json } from '@spillway/jq';
import { kindOf } from '../definition/model';
import type { CompiledFlow } from './compiled-flow';
import { takeInput } from './data-flow';
import { Engine, type Surroundings } from './engine';
import { Fault, standardError } from './errors';
import { keepForRetry, retryRun } from './retry-run';
import { type Command, ENDED, type Happening, type Input, type Node, type RunState } from './state';
import { KINDS } from './tasks';
import { compensate, isUndoing } from './undo';

export interface Advanced {
  state: RunState;
  commands: Command[];
  happenings: Happening[];
  /** Unix milliseconds when it must be advanced again, also if nothing comes; now, when there is more to do. */
  wakeAt?: number;
}

/** The first advance of a run. Pure: the same arguments give the same answer. */
export function begin(flow: CompiledFlow, input: Json, around: Surroundings): Advanced {
  const { definition } = flow;
  const engine = newEngine(flow, input, around);
  const root = engine.state.root!;
  engine.tell('started', undefined, { input });
  try {
    root.input = takeInput(engine, root, definition.input);
    const timeout = flow.timeout(definition.timeout);
    if (timeout) root.deadline = around.now + engine.duration(timeout.after, root);
    engine.beginList(root, '/do', root.input);
  } catch (error) {
    engine.fault(root, error);
  }
  return settle(engine);
}

export function newEngine(flow: CompiledFlow, input: Json, around: Surroundings): Engine {
  const root: Node = { id: 0, path: '', name: '', raw: input, input, startedAt: around.now };
  const state: RunState = {
    status: 'running',
    input,
    context: {},
    startedAt: around.now,
    next: 1,
    root,
    agenda: [],
    undo: [],
  };
  return new Engine(flow, state, around);
}

/**
 * Takes a run on: what came in, what fell due, and all that follows without waiting. Pure: `state` is not changed. What
 * comes too late (a second answer, one to a task that was cancelled) is passed over.
 */
export function advance(
  flow: CompiledFlow,
  before: RunState,
  inputs: readonly Input[],
  around: Surroundings,
): Advanced {
  const state = cloned(before, new Map(asItIs(before.input))) as RunState;
  const engine = new Engine(flow, state, around);
  for (const input of inputs) receive(engine, input);
  if (state.status === 'suspended' || ENDED.includes(state.status)) return settle(engine);
  passDeadlines(engine);
  return settle(engine);
}

/** What a run began with, often the largest value of its state, is never changed: it need not be copied. */
function asItIs(value: unknown): [object, object][] {
  return typeof value === 'object' && value !== null ? [[value, value]] : [];
}

/** Of JSON, in which what is one object in several places stays one. Several times as fast as `structuredClone`. */
function cloned(value: unknown, known: Map<object, object>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const seen = known.get(value);
  if (seen) return seen;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    known.set(value, list);
    for (const one of value) list.push(cloned(one, known));
    return list;
  }
  const copy: Record<string, unknown> = {};
  known.set(value, copy);
  for (const key of Object.keys(value)) setOwn(copy, key, cloned((value as Record<string, unknown>)[key], known));
  return copy;
}

export function settle(engine: Engine): Advanced {
  const { state, commands, happenings } = engine;
  if (state.status !== 'suspended') engine.work();
  if (state.root && state.status !== 'suspended') state.status = isWaiting(engine) ? 'waiting' : 'running';
  return { state, commands, happenings, wakeAt: wakeAt(engine) };
}

function receive(engine: Engine, input: Input): void {
  const { state } = engine;
  switch (input.kind) {
    case 'answer':
    case 'failure': {
      if (!state.root) return keepForRetry(state, input);
      const node = engine.tree.get(input.node);
      if (node?.wait?.for !== 'answer') return;
      delete node.wait;
      if (input.kind === 'answer') return engine.plan({ do: 'answer', node: node.id, output: input.output ?? null });
      return engine.fault(node, new Fault(input.error));
    }
    case 'event':
      return hear(engine, input.event);
    case 'cancel':
      if (!state.root || isUndoing(state.root)) return;
      state.status = 'running';
      delete state.suspendedAt;
      state.agenda = [];
      state.error = standardError('runtime', input.reason ?? 'the run was cancelled');
      return compensate(engine, 'cancelled');
    case 'suspend':
      if (!state.root || state.status === 'suspended') return;
      state.status = 'suspended';
      state.suspendedAt = engine.around.now;
      return engine.tell('suspended', undefined);
    case 'resume':
      if (state.status !== 'suspended') return;
      state.status = 'running';
      postpone(engine);
      return engine.tell('resumed', undefined);
    case 'retry':
      return retryRun(engine);
  }
}

function hear(engine: Engine, event: { [attribute: string]: Json }): void {
  for (const node of [...engine.tree.active()]) {
    if (node.wait?.for !== 'events') continue;
    try {
      KINDS[kindOf(engine.taskOf(node))].heard?.(engine, node, event);
    } catch (error) {
      engine.fault(node, error);
    }
  }
}

/** The time in which a run was suspended does not count for timeouts. */
function postpone({ state, tree, around }: Engine): void {
  const standstill = around.now - state.suspendedAt!;
  delete state.suspendedAt;
  for (const node of tree.active()) if (node.deadline !== undefined) node.deadline += standstill;
}

/** Deadlines of tasks that hold others come first: what is inside is cancelled with them. */
function passDeadlines(engine: Engine): void {
  const { now } = engine.around;
  for (const node of [...engine.tree.active()]) {
    if (!engine.tree.get(node.id)) continue;
    if (node.deadline !== undefined && node.deadline <= now) {
      delete node.deadline;
      engine.dropChildren(node);
      if (node.wait && node.wait.for !== 'time') engine.commands.push({ kind: 'forget', node: node.id });
      delete node.wait;
      const what = node.name === '' ? 'the workflow' : `the task "${node.name}"`;
      engine.fault(node, new Fault(standardError('timeout', `${what} took longer than it may`)));
    } else if (node.wait?.for === 'time' && node.wait.at <= now) {
      delete node.wait;
      engine.plan({ do: 'resume', node: node.id });
    }
  }
}

function isWaiting(engine: Engine): boolean {
  if (engine.state.agenda.length > 0) return false;
  for (const node of engine.tree.active()) if (node.wait?.for === 'answer') return false;
  return true;
}

function wakeAt(engine: Engine): number | undefined {
  const { state, around } = engine;
  if (!state.root || state.status === 'suspended') return undefined;
  if (state.agenda.length > 0) return around.now;
  let first: number | undefined;
  for (const { deadline, wait } of engine.tree.active()) {
    for (const at of [deadline, wait?.for === 'time' ? wait.at : undefined]) {
      if (at !== undefined && (first === undefined || at < first)) first = at;
    }
  }
  return first;
}
