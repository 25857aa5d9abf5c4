import type { Json } from '@spillway/jq';
import type { CallTask, RunTask } from '../../definition/model';
import { pointerTo } from '../../definition/pointer';
import type { Engine } from '../engine';
import { Fault, standardError } from '../errors';
import type { CallCommand, Node } from '../state';
import type { Kind } from './kind';
import { iterateMessages, messageDone, subscriptionArguments } from './subscription';

/** A function of the flow is its definition, run with the arguments as input; every other call is a job. */
export const callKind: Kind = {
  start(engine, node) {
    const task = engine.taskOf(node) as CallTask;
    if (engine.flow.hasFunction(task.call)) {
      const raw = engine.flow.template(task.with ?? {}, node.input, engine.scope(node));
      engine.begin(node, { path: pointerTo('/use/functions', task.call), name: task.call, raw });
      return;
    }
    ask(engine, node, task.call, task.with ?? {});
  },
  answered: iterateMessages,
  childCompleted(engine, node, child, output) {
    if (!messageDone(engine, node, child, output)) engine.complete(node, output);
  },
};

/** A sub-run, or a script; containers and shells are not for a platform of many tenants. */
export const runKind: Kind = {
  start(engine, node) {
    const { run } = engine.taskOf(node) as RunTask;
    if (run.script) return ask(engine, node, 'script', { ...run.script, return: run.return ?? 'stdout' });
    if (!run.workflow) {
      const what = run.container ? 'containers' : 'shell commands';
      throw new Fault(standardError('configuration', `Spillway does not run ${what}: call a service instead`));
    }
    const { namespace, name, version } = run.workflow;
    const input = engine.flow.template(run.workflow.input ?? node.input, node.input, engine.scope(node));
    const wait = run.await ?? true;
    engine.commands.push({ kind: 'run', node: node.id, path: node.path, namespace, name, version, input, wait });
    if (wait) node.wait = { for: 'answer' };
    else engine.complete(node, node.input);
  },
};

function ask(engine: Engine, node: Node, call: string, args: unknown): void {
  const { metadata } = engine.taskOf(node);
  const scope = engine.scope(node);
  // Secrets are known to the worker that makes the call only, so it works the arguments out.
  const secret = JSON.stringify(args).includes('$secrets');
  const command: CallCommand = {
    kind: 'call',
    node: node.id,
    path: node.path,
    call,
    with: secret ? (args as Json) : evaluated(engine, node, call, args),
    input: node.input,
    ...(secret && { variables: withoutSecrets(scope) }),
    ...timeLeft(engine, node),
  };
  const { authentications } = engine.flow.definition.use ?? {};
  if (authentications && JSON.stringify(args).includes('"use":')) command.authentications = authentications as never;
  if (metadata?.['callback'] === true) command.callback = true;
  if (isInTry(engine, node)) command.caught = true;
  if (typeof metadata?.['priority'] === 'string') command.priority = metadata['priority'];
  if (metadata?.['idempotencyKey'] !== undefined) {
    const key = engine.flow.template(metadata['idempotencyKey'], node.input, scope);
    command.idempotencyKey = typeof key === 'string' ? key : JSON.stringify(key);
  }
  engine.commands.push(command);
  node.wait = { for: 'answer' };
}

/** @throws Fault */
function evaluated(engine: Engine, node: Node, call: string, args: unknown): Json {
  const scope = engine.scope(node);
  const render = (value: unknown) => engine.flow.template(value, node.input, scope);
  return call === 'asyncapi' ? subscriptionArguments(args, render, () => withoutSecrets(scope)) : render(args);
}

function isInTry(engine: Engine, node: Node): boolean {
  for (const at of engine.tree.upFrom(node)) if (at.name === '' && at.path.endsWith('/try')) return true;
  return false;
}

/** Until the first of the deadlines around a call. */
function timeLeft(engine: Engine, node: Node): { timeoutMs?: number } {
  const deadlines = [...engine.tree.upFrom(node)].flatMap(({ deadline }) => (deadline === undefined ? [] : [deadline]));
  return deadlines.length === 0 ? {} : { timeoutMs: Math.min(...deadlines) - engine.around.now };
}

/** The definition is large, and the worker has no use for it. */
function withoutSecrets({ secrets: _, workflow, ...scope }: Record<string, Json>): Record<string, Json> {
  const { definition: __, ...rest } = workflow as { [key: string]: Json };
  return { ...scope, workflow: rest };
}
