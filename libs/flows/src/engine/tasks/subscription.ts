import type { Json } from '@spillway/jq';
import { at, type Fields, fieldsOf, isFields } from '../../definition/json';
import type { CallTask, ListenTask } from '../../definition/model';
import { pointerTo } from '../../definition/pointer';
import { giveOutput } from '../data-flow';
import type { Engine } from '../engine';
import type { Node } from '../state';

type Iterator = NonNullable<ListenTask['foreach']>;

/** What an AsyncAPI subscription has consumed, and how far its `foreach` is. */
interface Messages {
  messages: Json[];
  at: number;
  outputs: Json[];
}

/**
 * The arguments of a call. What a subscription asks of each message is not worked out before there is one: the worker
 * that reads them does, over each message and with these variables.
 *
 * @throws Fault
 */
export function subscriptionArguments(
  args: unknown,
  render: (value: unknown) => Json,
  variables: () => Record<string, Json>,
): Json {
  const { with: plain, conditions } = withoutConditions(args);
  const made = render(plain) as Fields;
  return withConditions(made, conditions, variables) as Json;
}

/** What is worked out for each message, taken out of the arguments of a call. */
export interface Conditions {
  filter?: unknown;
  while?: unknown;
  until?: unknown;
}

export function withoutConditions(args: unknown): { with: unknown; conditions: Conditions } {
  const subscription = at(args, 'subscription');
  if (!isFields(subscription)) return { with: args, conditions: {} };
  // The run goes over the messages, once they are there.
  const { filter, foreach: _, consume, ...rest } = subscription;
  const { while: holds, until, ...limits } = fieldsOf(consume);
  const conditions = {
    ...(filter !== undefined && { filter }),
    ...(holds !== undefined && { while: holds }),
    ...(until !== undefined && { until }),
  };
  return { with: { ...(args as object), subscription: { ...rest, consume: limits } }, conditions };
}

export function withConditions(
  args: unknown,
  { filter, ...conditions }: Conditions,
  variables: () => Record<string, unknown>,
): unknown {
  if (filter === undefined && Object.keys(conditions).length === 0) return args;
  const subscription = fieldsOf(at(args, 'subscription'));
  const consume = { ...fieldsOf(subscription['consume']), ...conditions };
  const asked = { ...(filter !== undefined && { filter }), consume, variables: variables() };
  return { ...(args as object), subscription: { ...subscription, ...asked } };
}

/** Messages have come: `foreach` goes over them, one after another. @returns whether there is one */
export function iterateMessages(engine: Engine, node: Node, output: Json): boolean {
  if (!iteratorOf(engine, node) || !Array.isArray(output)) return false;
  node.kept = { messages: output, at: 0, outputs: [] } satisfies Messages;
  next(engine, node);
  return true;
}

/** The tasks for one message have ended. @returns whether they were such */
export function messageDone(engine: Engine, node: Node, child: Node, output: Json): boolean {
  const foreach = iteratorOf(engine, node);
  if (!foreach || !node.kept?.['messages']) return false;
  keepOutput(node, giveOutput(engine, node, foreach, output, child.vars));
  next(engine, node);
  return true;
}

function next(engine: Engine, node: Node): void {
  const foreach = iteratorOf(engine, node)!;
  const kept = node.kept as unknown as Messages;
  while (kept.at < kept.messages.length) {
    const item = kept.messages[kept.at]!;
    const vars = { [foreach.item ?? 'item']: item, [foreach.at ?? 'index']: kept.at };
    if (foreach.do) {
      return void engine.beginList(node, pointerTo(node.path, 'with', 'subscription', 'foreach', 'do'), item, vars);
    }
    keepOutput(node, giveOutput(engine, node, foreach, item, vars));
  }
  engine.complete(node, kept.outputs);
}

function keepOutput(node: Node, output: Json): void {
  const kept = node.kept as unknown as Messages;
  kept.outputs.push(output);
  kept.at += 1;
}

function iteratorOf(engine: Engine, node: Node): Iterator | undefined {
  const { call, with: args } = engine.taskOf(node) as CallTask;
  const foreach = call === 'asyncapi' ? at(args, 'subscription', 'foreach') : undefined;
  return isFields(foreach) ? foreach : undefined;
}
