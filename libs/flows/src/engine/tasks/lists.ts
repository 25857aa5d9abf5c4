import type { Json } from '@spillway/jq';
import { entryOf, type ForkTask } from '../../definition/model';
import { pointerTo, segmentsOf } from '../../definition/pointer';
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

/** Branches at once. All of them: their outputs in order. `compete`: the output of the first, or its fault. */
export const forkKind: Kind = {
  start(engine, node) {
    const branches = (engine.taskOf(node) as ForkTask).fork.branches;
    node.kept = { outputs: branches.map(() => null), left: branches.length };
    if (branches.length === 0) return engine.complete(node, []);
    branches.forEach((item, index) => {
      const [name] = entryOf(item);
      const path = pointerTo(node.path, 'fork', 'branches', index, name);
      engine.begin(node, { path, name, raw: node.input });
    });
  },
  childCompleted(engine, node, child, output) {
    if ((engine.taskOf(node) as ForkTask).fork.compete) {
      engine.dropChildren(node);
      return engine.complete(node, output);
    }
    const kept = node.kept as { outputs: Json[]; left: number };
    kept.outputs[indexOf(child)] = output;
    kept.left -= 1;
    if (kept.left === 0) engine.complete(node, kept.outputs);
  },
};

/** Of a branch: `…/branches/INDEX/NAME`. */
function indexOf(branch: Node): number {
  return Number(segmentsOf(branch.path).at(-2));
}
