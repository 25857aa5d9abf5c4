import type { Json } from '@spillway/jq';
import type { InputModel, OutputModel, TaskBase } from '../definition/model';
import type { Engine } from './engine';
import type { Node } from './state';

/** The first half of dsl.md's "Data Flow": the input is validated as it comes, then transformed. @throws Fault */
export function takeInput(engine: Engine, node: Node, model: InputModel | undefined): Json {
  const { flow } = engine;
  flow.validate(model?.schema, node.raw, node.path === '' ? "the workflow's input" : 'the input');
  return model?.from === undefined ? node.raw : flow.transform(model.from, node.raw, engine.scope(node));
}

/**
 * The other half: `output.as`, validation of what it gives, `export.as`, validation of the new context. A context that
 * is not valid does not replace the one before.
 *
 * @throws Fault
 */
export function giveOutput(
  engine: Engine,
  node: Node,
  { output, export: exported }: { output?: OutputModel; export?: OutputModel },
  raw: Json,
  vars: Record<string, Json> = {},
): Json {
  const { flow, state } = engine;
  const scope = { ...engine.scope(node, vars, raw), output: raw };
  const shaped = output?.as === undefined ? raw : flow.transform(output.as, raw, scope);
  flow.validate(output?.schema, shaped, node.path === '' ? "the workflow's output" : 'the output');
  if (exported === undefined) return shaped;
  const context =
    exported.as === undefined ? state.context : flow.transform(exported.as, shaped, { ...scope, output: shaped });
  flow.validate(exported.schema, context, 'the context');
  state.context = context;
  state.exported = true;
  return shaped;
}

/** What the world answered, where the task made another value of it: so that a replay can answer the same. */
export function unshaped(task: TaskBase, answer: Json, shaped: Json): { answer?: Json } {
  const isAnswer = ['call', 'run', 'listen'].some((kind) => Object.hasOwn(task, kind));
  return isAnswer && shaped !== answer ? { answer } : {};
}

/** Of a subscription with `foreach`: the messages, and not what was made of each. */
export function answerOf({ kept }: Node, output: Json): Json {
  return kept?.['messages'] ?? output;
}
