import type { RunTask } from '../definition/model';
import type { CompiledFlow } from '../engine/compiled-flow';
import type { Command, Node, RunState } from '../engine/state';
import { Tree } from '../engine/tree';

/**
 * What is left to ask of the world when a step is over: what it asked for and took back itself was never asked.
 *
 * @param before the first id that the step could give to a task; older ones were asked in an earlier step
 */
export function lasting(commands: readonly Command[], before: number): Command[] {
  const left: Command[] = [];
  for (const command of commands) {
    if (command.kind !== 'forget') {
      left.push(command);
      continue;
    }
    const own = left.findIndex((one) => one.node === command.node && one.kind !== 'forget');
    if (own >= 0) left.splice(own, 1);
    if (command.node < before && !left.some((one) => one.kind === 'forget' && one.node === command.node)) {
      left.push(command);
    }
  }
  return left;
}

/** Which of these tasks of a run are sub-runs that it waits for. */
export function subRunsOf(
  flow: Pick<CompiledFlow, 'task'>,
  { root, failed }: Pick<RunState, 'root' | 'failed'>,
  nodes: readonly number[],
): Set<number> {
  if (nodes.length === 0) return new Set();
  const trees = [root, failed?.root].filter((one): one is Node => one !== undefined).map((one) => new Tree(one));
  const isSubRun = (id: number) => {
    const node = trees.map((tree) => tree.get(id)).find((one) => one !== undefined);
    const task = node && node.name !== '' ? (flow.task(node.path) as Partial<RunTask>) : undefined;
    return task?.run?.workflow !== undefined;
  };
  return new Set(nodes.filter(isSubRun));
}
