import type { Json } from '@spillway/jq';
import { type ForTask, kindOf, type TaskDefinition } from '../definition/model';
import type { Engine } from './engine';
import type { Node } from './state';

/**
 * `$context` at the beginning of a task, if it was replaced since this was last asked. Only of tasks that nothing runs
 * beside: what a branch finds there depends on the others.
 */
export function newContext(engine: Engine, node: Node): { context?: Json } {
  const { state } = engine;
  if (!state.exported || isBesideOthers(engine, node)) return {};
  delete state.exported;
  return { context: state.context };
}

/** In which iteration of a loop a task of its list is. */
export function iterationOf(engine: Engine, node: Node): { iteration?: number } {
  const list = engine.tree.parentOf(node);
  if (!list?.vars || list.name !== '') return {};
  const loop = engine.tree.parentOf(list);
  const at = loop && loop.name !== '' ? indexNameOf(engine.taskOf(loop)) : undefined;
  const iteration = at === undefined ? undefined : list.vars[at];
  return typeof iteration === 'number' ? { iteration } : {};
}

function indexNameOf(task: TaskDefinition): string | undefined {
  return kindOf(task) === 'for' ? ((task as ForTask).for.at ?? 'index') : undefined;
}

function isBesideOthers(engine: Engine, node: Node): boolean {
  for (const at of engine.tree.upFrom(node)) {
    if (at === node || at.name === '') continue;
    if (!isSequential(engine.taskOf(at))) return true;
  }
  return false;
}

/** Whether the tasks within a task run one after another, and nothing but its list decides which. */
export function isSequential(task: TaskDefinition): boolean {
  const kind = kindOf(task);
  if (kind === 'for') return !(Number(task.metadata?.['parallel'] ?? 0) >= 1);
  return kind === 'do' || kind === 'try';
}
