import type { Json } from '@spillway/jq';
import { giveOutput } from './data-flow';
import type { Engine } from './engine';
import type { FlowError, Node } from './state';
import { compensate, isUndoing, undoNext } from './undo';

/** The workflow's own list has come to its end, or one of the undo tasks. */
export function rootChildEnded(engine: Engine, output: Json): void {
  const root = engine.state.root!;
  if (isUndoing(root)) undoNext(engine);
  else engine.complete(root, output);
}

/** The workflow's output is shaped and validated, and the run is done. @throws Fault */
export function finishRun(engine: Engine, output: Json): void {
  const { flow, state } = engine;
  const shaped = giveOutput(engine, state.root!, { output: flow.definition.output }, output);
  state.output = shaped;
  engine.close('completed', { output: shaped });
}

/** Nobody caught a fault. */
export function failRun(engine: Engine, node: Node, error: FlowError): void {
  const { state, around } = engine;
  const root = state.root!;
  if (isUndoing(root)) {
    engine.dropChildren(root);
    return undoNext(engine);
  }
  state.error = error;
  // What was undone cannot go on from where it failed.
  if (state.undo.length === 0 && node !== root) {
    const { context, agenda } = state;
    state.failed = structuredClone({ root, context, node: node.id, at: around.now, agenda });
  }
  compensate(engine, 'faulted');
}
