import type { Json } from '@spillway/jq';
import type { TaskBase } from '../definition/model';
import { pointerTo } from '../definition/pointer';
import type { Engine } from './engine';
import { varsAround } from './scope';
import type { Node } from './state';

/** Notes how a task that is done is undone (`metadata.compensate`); what undoes others is not undone itself. */
export function rememberUndo(engine: Engine, node: Node, output: Json): void {
  const { metadata } = engine.taskOf(node) as TaskBase;
  if (metadata?.['compensate'] === undefined || isUndoing(engine.state.root!)) return;
  const vars = varsAround(engine, node);
  const { id, path, name, input } = node;
  engine.state.undo.push({ node: id, path, name, input, output, ...(vars && { vars }) });
}

/** Undoes what is done, newest first, and ends the run then. An undo task that fails does not stop the others. */
export function compensate(engine: Engine, outcome: 'faulted' | 'cancelled'): void {
  const { state } = engine;
  const root = state.root!;
  engine.dropChildren(root);
  delete root.deadline;
  root.kept = { ...root.kept, undoing: outcome };
  if (state.undo.length > 0) {
    engine.happenings.push({ at: engine.around.now, what: 'compensating', error: state.error });
  }
  undoNext(engine);
}

export function isUndoing(root: Node): boolean {
  return root.kept?.['undoing'] !== undefined;
}

/** The next of the undo tasks, or the end of the run. */
export function undoNext(engine: Engine): void {
  const { state, flow } = engine;
  const root = state.root!;
  const undo = state.undo.pop();
  if (!undo) return engine.close(root.kept!['undoing'] as 'faulted' | 'cancelled', { error: state.error });
  const path = pointerTo(undo.path, 'metadata', 'compensate');
  const raw: Json = { input: undo.input, output: undo.output, error: (state.error ?? null) as Json };
  const name = Array.isArray(flow.at(path)) ? '' : `undo ${undo.name}`;
  engine.begin(root, { path, name, raw, vars: undo.vars });
}
