import type { Json } from '@spillway/jq';
import type { CatchModel, RetryPolicy, TryTask } from '../../definition/model';
import { isCaught } from '../errors';
import { retryDelay } from '../retry';
import type { Node } from '../state';
import type { Engine } from '../engine';
import type { Kind } from './kind';

/**
 * Catches what its list raises. With a retry policy the list is begun again, from its start and with the same input,
 * until the policy's limits are reached; `catch.do` runs after the last try only. An error that is caught by a `catch`
 * without `do` ends the task with its input, but not where there is a retry policy: who asks for retries wants to know
 * that none of them helped, so the last error goes on as if it had not been caught.
 */
export const tryKind: Kind = {
  start(engine, node) {
    node.attempt = 1;
    engine.beginList(node, `${node.path}/try`, node.input);
  },
  childCompleted(engine, node, child, output) {
    engine.complete(node, output, isTry(child) ? undefined : handlerOf(engine, node).then);
  },
  faulted(engine, node, child, error) {
    const handler = handlerOf(engine, node);
    if (!isTry(child) || !isCaught(handler.errors?.with, error)) return false;
    const vars = { [handler.as ?? 'error']: error as unknown as Json };
    const scope = engine.scope(node, vars);
    const holds = (condition: string) => engine.flow.condition(condition, node.input, scope);
    if (!applies(handler, holds)) return false;
    const policy = engine.flow.retry(handler.retry);
    const delay = policy && applies(policy, holds) ? delayOf(engine, node, policy) : undefined;
    const hasTasks = handler.do !== undefined && handler.do.length > 0;
    if (policy && delay === undefined && !hasTasks) return false;
    engine.drop(child);
    if (delay !== undefined) {
      engine.tell('retried', node, { error });
      node.attempt! += 1;
      node.wait = { for: 'time', at: engine.around.now + delay };
    } else if (hasTasks) engine.beginList(node, `${node.path}/catch/do`, node.input, vars);
    else engine.complete(node, node.input, handler.then);
    return true;
  },
  resume(engine, node) {
    engine.beginList(node, `${node.path}/try`, node.input);
  },
};

type Conditions = Pick<CatchModel, 'when' | 'exceptWhen'>;

function applies({ when, exceptWhen }: Conditions, holds: (condition: string) => boolean): boolean {
  return (when === undefined || holds(when)) && !(exceptWhen !== undefined && holds(exceptWhen));
}

function delayOf(engine: Engine, node: Node, policy: RetryPolicy): number | undefined {
  const { now, random } = engine.around;
  const state = { failed: node.attempt!, startedAt: node.startedAt, now, random: random() };
  return retryDelay(policy, state, (model) => engine.duration(model, node));
}

function handlerOf(engine: Engine, node: Node): CatchModel {
  return (engine.taskOf(node) as TryTask).catch;
}

/** Whether a list is the one that is tried, and not the one of `catch` or of an extension. */
function isTry(list: Node): boolean {
  return list.path.endsWith('/try');
}
