import type { Json } from '@spillway/jq';
import type { Engine } from './engine';
import { isOfExtension } from './extensions';
import type { Node } from './state';

const RUNTIME: Json = { name: 'spillway', version: '0.1.0', metadata: {} };

/**
 * The arguments of an expression (dsl.md, "Runtime expression arguments"), with the variables of the loops, catches and
 * subscriptions around the task, the innermost last. Secrets are never among them: only the worker that makes a call has
 * those.
 */
export function scopeOf(engine: Engine, node: Node, output: Json): Record<string, Json> {
  const { state, flow, around } = engine;
  const scope: Record<string, Json> = {
    context: state.context,
    input: node.input,
    output: null,
    secrets: {},
    task: taskDescriptor(engine, taskMeant(engine, node), output),
    workflow: {
      id: around.run.id,
      definition: flow.definition as unknown as Json,
      input: state.input,
      // Few ask, and making it takes longer than all the rest here.
      get startedAt() {
        return moment(state.startedAt);
      },
    },
    runtime: RUNTIME,
    authorization: null,
  };
  return Object.assign(scope, varsAround(engine, node));
}

/** Variables of what is around a task, the innermost winning; undefined when there are none. */
export function varsAround(engine: Engine, node: Node): Record<string, Json> | undefined {
  let found: Record<string, Json> | undefined;
  for (const at of engine.tree.upFrom(node)) if (at.vars) found = { ...at.vars, ...found };
  return found;
}

/** `$task` in the lists of an extension is the task that is extended: the specification's examples log its reference. */
function taskMeant(engine: Engine, node: Node): Node {
  if (!isOfExtension(node)) return node;
  for (const at of engine.tree.upFrom(node)) if (!isOfExtension(at)) return at;
  return node;
}

function taskDescriptor(engine: Engine, node: Node, output: Json): Json {
  if (node.name === '') return null;
  return {
    name: node.name,
    reference: node.path,
    definition: engine.taskOf(node) as unknown as Json,
    input: node.raw,
    output: node.extensions?.output ?? output,
    get startedAt() {
      return moment(node.startedAt);
    },
  };
}

function moment(at: number): Json {
  return { iso8601: new Date(at).toISOString(), epoch: { seconds: Math.floor(at / 1_000), milliseconds: at } };
}
