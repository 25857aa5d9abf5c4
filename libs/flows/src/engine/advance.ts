import type { Json } from '@spillway/jq';
import { durationMs } from '../definition/durations';
import { kindOf } from '../definition/model';
import type { CompiledFlow } from './compiled-flow';
import { compensate, isUndoing } from './ending';
import { Engine, type Surroundings } from './engine';
import { Fault, standardError } from './errors';
import { type Command, ENDED, type Happening, type Input, type Node, type RunState } from './state';
import { KINDS } from './tasks';

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
  const engine = new Engine(flow, state, around);
  engine.tell('started', undefined, { input });
  try {
    flow.validate(definition.input?.schema, input, "the workflow's input");
    const from = definition.input?.from;
    root.input = from === undefined ? input : flow.transform(from, input, engine.scope(root));
    const timeout = flow.timeout(definition.timeout);
    if (timeout) root.deadline = around.now + durationMs(timeout.after);
    engine.beginList(root, '/do', root.input);
  } catch (error) {
    engine.fault(root, error);
  }
  return settle(engine);
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
  const state = structuredClone(before);
  const engine = new Engine(flow, state, around);
  for (const input of inputs) receive(engine, input);
  if (state.status === 'suspended' || ENDED.includes(state.status)) return settle(engine);
  passDeadlines(engine);
  return settle(engine);
}

function settle(engine: Engine): Advanced {
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
      const node = engine.node(input.node);
      if (node?.wait?.for !== 'answer') return;
      node.wait = undefined;
      if (input.kind === 'answer') return engine.complete(node, input.output);
      return engine.fault(node, new Fault(input.error));
    }
    case 'event':
      return hear(engine, input.event);
    case 'cancel':
      if (!state.root || isUndoing(state.root)) return;
      state.status = 'running';
      state.agenda = [];
      state.error = standardError('runtime', input.reason ?? 'the run was cancelled');
      return compensate(engine, 'cancelled');
    case 'suspend':
      if (!state.root) return;
      state.status = 'suspended';
      return engine.tell('suspended', undefined);
    case 'resume':
      if (state.status !== 'suspended') return;
      state.status = 'running';
      return engine.tell('resumed', undefined);
    case 'retry':
      return retry(engine);
  }
}

function hear(engine: Engine, event: { [attribute: string]: Json }): void {
  for (const node of [...engine.active()]) {
    if (node.wait?.for !== 'events') continue;
    try {
      KINDS[kindOf(engine.taskOf(node))].heard?.(engine, node, event);
    } catch (error) {
      engine.fault(node, error);
    }
  }
}

/** Deadlines of tasks that hold others come first: what is inside is cancelled with them. */
function passDeadlines(engine: Engine): void {
  const { now } = engine.around;
  for (const node of [...engine.active()]) {
    if (!engine.node(node.id)) continue;
    if (node.deadline !== undefined && node.deadline <= now) {
      node.deadline = undefined;
      for (const child of [...(node.children ?? [])]) engine.drop(child);
      if (node.wait && node.wait.for !== 'time') engine.commands.push({ kind: 'forget', node: node.id });
      node.wait = undefined;
      const what = node.name === '' ? 'the workflow' : `the task "${node.name}"`;
      engine.fault(node, new Fault(standardError('timeout', `${what} took longer than it may`)));
    } else if (node.wait?.for === 'time' && node.wait.at <= now) {
      node.wait = undefined;
      engine.plan({ do: 'resume', node: node.id });
    }
  }
}

/** Begins the task that failed again, under a new id, so that what it asks for is asked anew. */
function retry(engine: Engine): void {
  const { state, around } = engine;
  const failed = state.failed;
  if (state.status !== 'faulted' || !failed) return;
  state.root = failed.root;
  state.context = failed.context;
  state.status = 'running';
  state.failed = undefined;
  state.error = undefined;
  const restored = new Engine(engine.flow, state, around);
  const node = restored.node(failed.node)!;
  const { deadline: _, wait: __, children: ___, kept: ____, ...fresh } = node;
  const parent = restored.parentOf(node)!;
  const again: Node = { ...fresh, id: state.next++, input: node.raw, startedAt: around.now };
  parent.children = parent.children!.map((child) => (child === node ? again : child));
  for (const one of restored.active()) {
    // The time between the failure and now does not count.
    if (one.deadline !== undefined) one.deadline += around.now - failed.at;
    if (one !== node && one.wait?.for === 'events') {
      engine.commands.push({ kind: 'listen', node: one.id, filters: one.wait.filters });
    }
  }
  state.agenda = [{ do: 'start', node: again.id }];
  engine.adopt();
  engine.tell('retried', undefined);
}

function isWaiting(engine: Engine): boolean {
  if (engine.state.agenda.length > 0) return false;
  for (const node of engine.active()) if (node.wait?.for === 'answer') return false;
  return true;
}

function wakeAt(engine: Engine): number | undefined {
  const { state, around } = engine;
  if (!state.root || state.status === 'suspended') return undefined;
  if (state.agenda.length > 0) return around.now;
  let first: number | undefined;
  for (const { deadline, wait } of engine.active()) {
    for (const at of [deadline, wait?.for === 'time' ? wait.at : undefined]) {
      if (at !== undefined && (first === undefined || at < first)) first = at;
    }
  }
  return first;
}
