import type { Node, RunState } from '../engine/state';
import { isUnborn } from './step';

/** Whether a run waits for the answer of this task. */
export function isAwaited(state: unknown, node: number): boolean {
  if (isUnborn(state)) return false;
  const found = find((state as RunState).root, ({ id }) => id === node);
  return found?.wait?.for === 'answer';
}

/** Whether a run waits for one answer and for nothing else: nobody but who brings it is likely to take the run on. */
export function waitsForOne(state: unknown): boolean {
  if (isUnborn(state)) return false;
  let waits = 0;
  find((state as RunState).root, ({ wait }) => wait !== undefined && (waits += 1) > 1);
  return waits === 1;
}

/** The first task of a tree that is meant, parents before what is in them. */
function find(node: Node | undefined, isMeant: (node: Node) => boolean): Node | undefined {
  if (!node || isMeant(node)) return node;
  for (const child of node.children ?? []) {
    const found = find(child, isMeant);
    if (found) return found;
  }
  return undefined;
}
