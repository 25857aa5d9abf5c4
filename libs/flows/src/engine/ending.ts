import type { Json } from '@spillway/jq';
import { pointerTo } from '../definition/pointer';
import type { Engine } from './engine';
import type { FlowError, Happening, Node } from './state';

/** The workflow's own list has come to its end, or one of the undo tasks. */
export function rootChildEnded(engine: Engine, output: Json): void {
  const root = engine.state.root!;
  if (isUndoing(root)) undoNext(engine);
  else engine.complete(root, output);
}

/** The workflow's output is shaped and validated, and the run is done. @throws Fault */
export function finishRun(engine: Engine, output: Json): void {
  const { flow, state } = engine;
  const { output: model } = flow.definition;
  const scope = engine.scope(state.root!, { output });
  const shaped = model?.as === undefined ? output : flow.transform(model.as, output, scope);
  flow.validate(model?.schema, shaped, "the workflow's output");
  state.output = shaped;
  close(engine, 'completed', { output: shaped });
}

/** Nobody caught a fault. */
export function failRun(engine: Engine, node: Node, error: FlowError): void {
  const { state, around } = engine;
  const root = state.root!;
  if (isUndoing(root)) {
    dropAll(engine, root);
    return undoNext(engine);
  }
  state.error = error;
  // What was undone cannot go on from where it failed.
  if (state.undo.length === 0 && node !== root) {
    state.failed = { root: structuredClone(root), context: state.context, node: node.id, at: around.now };
  }
  compensate(engine, 'faulted');
}

/** Undoes what is done, newest first, and ends the run then. An undo task that fails does not stop the others. */
export function compensate(engine: Engine, outcome: 'faulted' | 'cancelled'): void {
  const { state } = engine;
  const root = state.root!;
  dropAll(engine, root);
  root.deadline = undefined;
  root.kept = { ...root.kept, undoing: outcome };
  if (state.undo.length > 0) {
    engine.happenings.push({ at: engine.around.now, what: 'compensating', error: state.error });
  }
  undoNext(engine);
}

export function isUndoing(root: Node): boolean {
  return root.kept?.['undoing'] !== undefined;
}

function undoNext(engine: Engine): void {
  const { state, flow } = engine;
  const root = state.root!;
  const undo = state.undo.pop();
  if (!undo) return close(engine, root.kept!['undoing'] as 'faulted' | 'cancelled', { error: state.error });
  const path = pointerTo(undo.path, 'metadata', 'compensate');
  const raw: Json = { input: undo.input, output: undo.output, error: (state.error ?? null) as Json };
  const name = Array.isArray(flow.at(path)) ? '' : `undo ${undo.name}`;
  engine.begin(root, { path, name, raw, vars: undo.vars });
}

function close(engine: Engine, status: 'completed' | 'faulted' | 'cancelled', more: Partial<Happening>): void {
  engine.state.status = status;
  engine.clear();
  engine.tell(status, undefined, more);
}

function dropAll(engine: Engine, root: Node): void {
  for (const child of [...(root.children ?? [])]) engine.drop(child);
}
