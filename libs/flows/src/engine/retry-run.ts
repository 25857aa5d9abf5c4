import type { Engine } from './engine';
import type { Input, Node, RunState } from './state';
import { Tree } from './tree';

/**
 * Begins the task that failed again, under a new id, so that what it asks for is asked anew. All that ran beside it goes
 * on from where it stood, with the answers that came meanwhile.
 */
export function retryRun(engine: Engine): void {
  const { state, around } = engine;
  const { failed } = state;
  if (state.status !== 'faulted' || !failed) return;
  delete state.failed;
  delete state.error;
  Object.assign(state, { root: failed.root, context: failed.context, status: 'running' });
  const { tree } = engine;
  tree.adopt(state.root);
  const node = tree.get(failed.node)!;
  const parent = tree.parentOf(node)!;
  // What it holds was asked for and not answered.
  for (const child of node.children ?? []) forget(engine, child);
  const again = afresh(node, state.next++, around.now);
  parent.children = parent.children!.map((child) => (child === node ? again : child));
  tree.adopt(state.root);
  for (const one of tree.active()) {
    // The time between the failure and now does not count.
    if (one.deadline !== undefined) one.deadline += around.now - failed.at;
    if (one.wait?.for === 'events') {
      engine.commands.push({ kind: 'listen', node: one.id, filters: one.wait.filters });
    }
  }
  state.agenda = [{ do: 'start', node: again.id }, ...failed.agenda.filter(({ node: id }) => tree.get(id))];
  engine.tell('retried', undefined);
}

/** What is answered while the run stands still after a failure is kept for a retry. */
export function keepForRetry({ failed }: RunState, input: Extract<Input, { kind: 'answer' | 'failure' }>): void {
  const node = failed && new Tree(failed.root).get(input.node);
  if (node?.wait?.for !== 'answer') return;
  delete node.wait;
  if (input.kind === 'answer') failed!.agenda.push({ do: 'answer', node: node.id, output: input.output ?? null });
  else {
    const error = { ...input.error, instance: input.error.instance ?? node.path };
    failed!.agenda.push({ do: 'fault', node: node.id, error });
  }
}

/** A node as it was before it started. */
function afresh({ path, name, raw, vars, at }: Node, id: number, now: number): Node {
  // A list goes on with the item it had come to.
  const place = name === '' && at !== undefined ? { at } : {};
  return { id, path, name, raw, input: raw, startedAt: now, ...(vars && { vars }), ...place };
}

function forget(engine: Engine, node: Node): void {
  if (node.wait?.for === 'answer') engine.commands.push({ kind: 'forget', node: node.id });
  for (const child of node.children ?? []) forget(engine, child);
}
