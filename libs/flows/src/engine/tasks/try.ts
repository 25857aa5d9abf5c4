import type { Json } from '@spillway/jq';
import type { TryTask } from '../../definition/model';
import { isCaught } from '../errors';
import { retryDelay } from '../retry';
import type { Node } from '../state';
import type { Engine } from '../engine';
import type { Kind } from './kind';

/**
 * Catches what its list raises. With a retry policy the list is begun again, from its start and with the same input,
 * until the policy's limits are reached; `catch.do` runs after the last try only. What is caught and not handled by a
 * `catch.do` ends the task with its input.
 */
export const tryKind: Kind = {
  start(engine, node) {
    node.attempt = 1;
    engine.beginList(node, `${node.path}/try`, node.input);
  },
  childCompleted(engine, node, child, output) {
    const { catch: handler } = engine.taskOf(node) as TryTask;
    engine.complete(node, output, child.path.endsWith('/try') ? undefined : handler.then);
  },
  faulted(engine, node, child, error) {
    if (!child.path.endsWith('/try')) return false;
    const { catch: handler } = engine.taskOf(node) as TryTask;
    if (!isCaught(handler.errors?.with, error)) return false;
    const vars = { [handler.as ?? 'error']: error as unknown as Json };
    const scope = engine.scope(node, vars);
    const holds = (condition: string) => engine.flow.condition(condition, node.input, scope);
    if (handler.when !== undefined && !holds(handler.when)) return false;
    if (handler.exceptWhen !== undefined && holds(handler.exceptWhen)) return false;
    engine.drop(child);
    const delay = delayOf(engine, node, holds);
    if (delay !== undefined) {
      engine.tell('retried', node, { error });
      node.attempt! += 1;
      node.wait = { for: 'time', at: engine.around.now + delay };
      return true;
    }
    recover(engine, node, vars);
    return true;
  },
  resume(engine, node) {
    engine.beginList(node, `${node.path}/try`, node.input);
  },
};

function delayOf(engine: Engine, node: Node, holds: (condition: string) => boolean): number | undefined {
  const { catch: handler } = engine.taskOf(node) as TryTask;
  const policy = engine.flow.retry(handler.retry);
  if (!policy) return undefined;
  if (policy.when !== undefined && !holds(policy.when)) return undefined;
  if (policy.exceptWhen !== undefined && holds(policy.exceptWhen)) return undefined;
  const { now, random } = engine.around;
  const state = { failed: node.attempt!, startedAt: node.startedAt, now, random: random() };
  return retryDelay(policy, state, (model) => engine.duration(model, node));
}

function recover(engine: Engine, node: Node, vars: Record<string, Json>): void {
  const { catch: handler } = engine.taskOf(node) as TryTask;
  if (handler.do && handler.do.length > 0) engine.beginList(node, `${node.path}/catch/do`, node.input, vars);
  else engine.complete(node, node.input, handler.then);
}
