import type { Json } from '@spillway/jq';
import { typeOf } from '../../definition/json';
import type { ForTask } from '../../definition/model';
import type { Engine } from '../engine';
import { Fault, standardError } from '../errors';
import type { Node } from '../state';
import type { Kind } from './kind';

/** What a loop keeps: its collection, evaluated once. */
interface Loop {
  items: Json[];
  /** One after another: of the last iteration. At once: of each. */
  output: Json;
  /** At once: iterations under way. */
  active?: number;
}

/**
 * Iterations one after another, each with the output of the one before; with `metadata.parallel: N` (ours) up to N at
 * once, each with the task's input, and the output is the list of theirs. `while` is looked at before each iteration
 * begins. It and `exit` mean that no further one does; of those at once, the ones under way come to their end.
 */
export const forKind: Kind = {
  start(engine, node) {
    const task = engine.taskOf(node) as ForTask;
    const items = engine.flow.expression(task.for.in, node.input, engine.scope(node));
    if (!Array.isArray(items)) {
      throw new Fault(standardError('expression', `for.in must give a list, and gave ${typeOf(items)}`));
    }
    const isParallel = parallelism(task) > 0;
    node.at = 0;
    keep(node, isParallel ? { items, output: [], active: 0 } : { items, output: node.input });
    if (isParallel) beginMany(engine, node);
    else iterate(engine, node);
  },
  childCompleted(engine, node, child, output, then) {
    const loop = loopOf(node);
    if (loop.active === undefined) {
      loop.output = output;
      node.at! += 1;
      return then === 'exit' ? engine.complete(node, output) : iterate(engine, node);
    }
    const { at = 'index' } = (engine.taskOf(node) as ForTask).for;
    (loop.output as Json[])[child.vars![at] as number] = output;
    loop.active -= 1;
    if (then === 'exit') stop(node);
    beginMany(engine, node);
  },
};

function iterate(engine: Engine, node: Node): void {
  const { output } = loopOf(node);
  if (!beginNext(engine, node, output)) engine.complete(node, output);
}

function beginMany(engine: Engine, node: Node): void {
  const loop = loopOf(node);
  const most = parallelism(engine.taskOf(node) as ForTask);
  while (loop.active! < most && beginNext(engine, node, node.input)) {
    node.at! += 1;
    (loop.output as Json[]).push(null);
    loop.active! += 1;
  }
  if (loop.active === 0) engine.complete(node, loop.output);
}

/** The iteration at the cursor, if there is one and `while` holds. */
function beginNext(engine: Engine, node: Node, input: Json): boolean {
  const { items } = loopOf(node);
  if (node.at! >= items.length) return false;
  const task = engine.taskOf(node) as ForTask;
  const vars = { [task.for.each ?? 'item']: items[node.at!]!, [task.for.at ?? 'index']: node.at! };
  if (task.while !== undefined && !engine.flow.condition(task.while, input, engine.scope(node, vars))) {
    stop(node);
    return false;
  }
  engine.beginList(node, `${node.path}/do`, input, vars);
  return true;
}

/** No further iteration begins. */
function stop(node: Node): void {
  node.at = loopOf(node).items.length;
}

/** 0 for a loop of the language as it is. */
function parallelism(task: ForTask): number {
  return Math.max(0, Math.floor(Number(task.metadata?.['parallel'] ?? 0)) || 0);
}

function loopOf(node: Node): Loop {
  return node.kept as unknown as Loop;
}

function keep(node: Node, loop: Loop): void {
  node.kept = loop as unknown as Record<string, Json>;
}
