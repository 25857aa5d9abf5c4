import type { Json } from '@spillway/jq';
import { entryOf, type ForkTask, type ForTask } from '../../definition/model';
import { pointerTo } from '../../definition/pointer';
import type { Engine } from '../engine';
import { Fault, standardError } from '../errors';
import type { Node } from '../state';
import type { Kind } from './kind';

export const doKind: Kind = {
  start(engine, node) {
    engine.beginList(node, `${node.path}/do`, node.input);
  },
  childCompleted(engine, node, _child, output) {
    engine.complete(node, output);
  },
};

/**
 * Iterations one after another, each with the output of the one before; with `metadata.parallel: N` (ours) up to N at
 * once, each with the task's input, and the output is the list of theirs.
 */
export const forKind: Kind = {
  start(engine, node) {
    const task = engine.taskOf(node) as ForTask;
    const items = engine.flow.expression(task.for.in, node.input, engine.scope(node));
    if (!Array.isArray(items)) {
      throw new Fault(standardError('expression', `for.in must give a list, and gave ${typeof items}`));
    }
    const parallel = Number(task.metadata?.['parallel'] ?? 0);
    node.kept = { items, output: parallel > 0 ? items.map(() => null) : node.input };
    node.at = 0;
    if (parallel === 0) return iterate(engine, node);
    node.kept['left'] = items.length;
    if (items.length === 0) return engine.complete(node, []);
    while (node.at < Math.min(parallel, items.length)) beginIteration(engine, node, node.at++, node.input);
  },
  childCompleted(engine, node, child, output, then) {
    const kept = node.kept!;
    if (kept['left'] === undefined) {
      kept['output'] = output;
      node.at! += 1;
      if (then === 'exit') return engine.complete(node, output);
      return iterate(engine, node);
    }
    const task = engine.taskOf(node) as ForTask;
    (kept['output'] as Json[])[child.vars![task.for.at ?? 'index'] as number] = output;
    kept['left'] = (kept['left'] as number) - 1;
    const items = kept['items'] as Json[];
    if (node.at! < items.length) beginIteration(engine, node, node.at!++, node.input);
    else if (kept['left'] === 0) engine.complete(node, kept['output'] as Json);
  },
};

function iterate(engine: Engine, node: Node): void {
  const { items, output } = node.kept as { items: Json[]; output: Json };
  if (node.at! >= items.length) return engine.complete(node, output);
  const task = engine.taskOf(node) as ForTask;
  const vars = variables(task, items[node.at!]!, node.at!);
  if (task.while !== undefined && !engine.flow.condition(task.while, output, engine.scope(node, vars))) {
    return engine.complete(node, output);
  }
  engine.beginList(node, `${node.path}/do`, output, vars);
}

function beginIteration(engine: Engine, node: Node, index: number, input: Json): void {
  const item = (node.kept!['items'] as Json[])[index]!;
  engine.beginList(node, `${node.path}/do`, input, variables(engine.taskOf(node) as ForTask, item, index));
}

function variables(task: ForTask, item: Json, index: number): Record<string, Json> {
  return { [task.for.each ?? 'item']: item, [task.for.at ?? 'index']: index };
}

/** Branches at once. All of them: their outputs in order. `compete`: the output of the first. */
export const forkKind: Kind = {
  start(engine, node) {
    const branches = (engine.taskOf(node) as ForkTask).fork.branches;
    node.kept = { outputs: branches.map(() => null), left: branches.length };
    if (branches.length === 0) return engine.complete(node, []);
    branches.forEach((item, index) => {
      const [name] = entryOf(item);
      const path = pointerTo(node.path, 'fork', 'branches', index, name);
      engine.begin(node, { path, name, raw: node.input }).at = index;
    });
  },
  childCompleted(engine, node, child, output) {
    if ((engine.taskOf(node) as ForkTask).fork.compete) {
      for (const loser of [...(node.children ?? [])]) engine.drop(loser);
      return engine.complete(node, output);
    }
    const kept = node.kept as { outputs: Json[]; left: number };
    kept.outputs[child.at!] = output;
    kept.left -= 1;
    if (kept.left === 0) engine.complete(node, kept.outputs);
  },
};
