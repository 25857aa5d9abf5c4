import type { Json } from '@spillway/jq';
import { typeOf } from '../definition/json';
import { type ForTask, kindOf, type TaskBase } from '../definition/model';
import { segmentsOf } from '../definition/pointer';
import { type Advanced, newEngine, settle } from './advance';
import type { CompiledFlow } from './compiled-flow';
import { takeInput } from './data-flow';
import type { Engine, Surroundings } from './engine';
import { Fault, standardError } from './errors';
import { extensionsOf } from './extensions';
import type { Node, Undo } from './state';

/** A task as it was found: what a run needs to stand there again. */
export interface Standpoint {
  path: string;
  /** Its input, before `input.from`. */
  raw: Json;
  /** `$context` at its beginning. */
  context: Json;
}

/** Where a run begins that takes another one's way from a task on. JSON. */
export interface Restart {
  task: Standpoint;
  /** What the task stands in, outermost first; of a loop, which iteration. */
  within: (Standpoint & { iteration?: number })[];
  /** How what was done before is undone, oldest first. */
  undo: Undo[];
}

/**
 * The first advance of a run that begins with a task in the middle. Deadlines and tries count anew. Pure.
 *
 * @param input raw, of the workflow
 */
export function restart(flow: CompiledFlow, input: Json, from: Restart, around: Surroundings): Advanced {
  const engine = newEngine(flow, input, around);
  const { state } = engine;
  const root = state.root!;
  engine.tell('started', undefined, { input });
  try {
    root.input = takeInput(engine, root, flow.definition.input);
    const timeout = flow.timeout(flow.definition.timeout);
    if (timeout) root.deadline = around.now + engine.duration(timeout.after, root);
    state.undo = from.undo;
    const within = from.within.reduce((parent, one) => standIn(engine, parent, one), { node: root });
    const list = listIn(engine, within, from.task);
    state.context = from.task.context;
    // Whoever begins this run anew must find its context, too.
    state.exported = true;
    engine.begin(list, { path: from.task.path, name: segmentsOf(from.task.path).at(-1), raw: from.task.raw });
  } catch (error) {
    engine.fault(root, error);
  }
  return settle(engine);
}

interface Parent {
  node: Node;
  /** Variables for what is in its list. */
  vars?: Record<string, Json>;
}

/** A task that has begun, and is at the item of its list that it had come to. @throws Fault */
function standIn(engine: Engine, parent: Parent, found: Restart['within'][number]): Parent {
  const { state, around } = engine;
  const list = listIn(engine, parent, found);
  const { path, raw } = found;
  const node: Node = {
    id: state.next++,
    path,
    name: segmentsOf(path).at(-1)!,
    raw,
    input: raw,
    startedAt: around.now,
  };
  engine.tree.add(list, node);
  state.context = found.context;
  const task = engine.taskOf(node) as TaskBase;
  engine.tell('started', node, { input: raw });
  node.input = takeInput(engine, node, task.input);
  const timeout = engine.flow.timeout(task.timeout);
  if (timeout) node.deadline = around.now + engine.duration(timeout.after, node);
  const kind = kindOf(engine.taskOf(node));
  const extensions = extensionsOf(engine, node, kind);
  if (extensions) node.extensions = { ...extensions, before: [] };
  if (kind === 'try') node.attempt = 1;
  return { node, ...(kind === 'for' && { vars: iterate(engine, node, found.iteration ?? 0) }) };
}

/** Sets a loop on one of its iterations. @returns the variables of that @throws Fault */
function iterate(engine: Engine, node: Node, iteration: number): Record<string, Json> {
  const task = engine.taskOf(node) as ForTask;
  const items = engine.flow.expression(task.for.in, node.input, engine.scope(node));
  if (!Array.isArray(items) || items.length <= iteration) {
    const given = Array.isArray(items) ? `${items.length} items` : typeOf(items);
    throw new Fault(standardError('expression', `for.in gives ${given} now: there is no iteration ${iteration}`));
  }
  node.at = iteration;
  node.kept = { items, output: node.input };
  return { [task.for.each ?? 'item']: items[iteration]!, [task.for.at ?? 'index']: iteration };
}

/** The list of tasks that a task is in. */
function listIn(engine: Engine, { node: parent, vars }: Parent, { path, raw }: Standpoint): Node {
  const keys = path.split('/');
  const list: Node = {
    id: engine.state.next++,
    path: keys.slice(0, -2).join('/'),
    name: '',
    raw,
    input: raw,
    startedAt: engine.around.now,
    at: Number(keys.at(-2)),
    ...(vars && { vars }),
  };
  engine.tree.add(parent, list);
  return list;
}
