import type { Json } from '@spillway/jq';
import type { EventFilter, EventStrategy, ListenTask } from '../../definition/model';
import type { Engine } from '../engine';
import { matches, patternOf } from '../patterns';
import type { EventPattern, Node } from '../state';
import type { Kind } from './kind';

type Event = { [attribute: string]: Json };

/** What a listening task has heard so far; JSON, as everything in a node. */
interface Heard {
  patterns: EventPattern[];
  until?: EventPattern[];
  /** Of `all`: which patterns have their event. */
  met: boolean[];
  untilMet: boolean[];
  /** Correlation keys that the first event fixed. */
  keys: Record<string, Json>;
  /** As `read` says. */
  events: Json[];
  /** Waiting for `foreach`. */
  queue: Json[];
  outputs: Json[];
  done: boolean;
}

/**
 * Waits for events. `one` and `any` end with the first that matches, `all` when each filter has one, `any` with `until`
 * when the condition holds over what was heard or the other strategy is met. The output is the list of the events.
 */
export const listenKind: Kind = {
  start(engine, node) {
    const { to } = (engine.taskOf(node) as ListenTask).listen;
    const patterns = filtersOf(to).map((filter) => bind(engine, node, filter));
    const until =
      typeof to.until === 'object' ? filtersOf(to.until).map((filter) => bind(engine, node, filter)) : undefined;
    const heard: Heard = {
      patterns,
      until,
      met: patterns.map(() => false),
      untilMet: (until ?? []).map(() => false),
      keys: {},
      events: [],
      queue: [],
      outputs: [],
      done: false,
    };
    keep(node, heard);
    node.wait = { for: 'events', filters: [...patterns, ...(until ?? [])] };
    engine.commands.push({ kind: 'listen', node: node.id, filters: node.wait.filters });
  },

  heard(engine, node, event) {
    const heard = node.kept!['heard'] as unknown as Heard;
    const id = typeof event['id'] === 'string' ? event['id'] : undefined;
    if (heard.done || (id !== undefined && engine.state.heard?.includes(id))) return;
    const task = engine.taskOf(node) as ListenTask;
    const { to } = task.listen;
    const evaluate = (expression: string, input: Json) => engine.flow.expression(expression, input, engine.scope(node));
    const isMatch = (pattern: EventPattern) => matches(pattern, event, heard.keys, evaluate);
    const index = heard.patterns.findIndex((pattern, at) => !(to.all && heard.met[at]) && isMatch(pattern));
    if (index >= 0 || (to.any && to.any.length === 0)) {
      if (index >= 0) heard.met[index] = true;
      const read = readAs(task.listen.read, event);
      heard.events.push(read);
      if (task.foreach) heard.queue.push(read);
    }
    heard.until?.forEach((pattern, at) => {
      if (isMatch(pattern)) heard.untilMet[at] = true;
    });
    if (id !== undefined && (index >= 0 || heard.untilMet.some(Boolean))) remember(engine, id);
    heard.done = isDone(engine, node, to, heard);
    next(engine, node);
  },

  /** One event's `foreach` is done. */
  childCompleted(engine, node, child, output) {
    const heard = node.kept!['heard'] as unknown as Heard;
    const { foreach } = engine.taskOf(node) as ListenTask;
    const scope = { ...engine.scope(node), ...child.vars, output };
    const shaped = foreach?.output?.as === undefined ? output : engine.flow.transform(foreach.output.as, output, scope);
    if (foreach?.export?.as !== undefined) {
      engine.state.context = engine.flow.transform(foreach.export.as, shaped, { ...scope, output: shaped });
    }
    heard.outputs.push(shaped);
    next(engine, node);
  },
};

/** The next event's `foreach`, or the end. */
function next(engine: Engine, node: Node): void {
  const heard = node.kept!['heard'] as unknown as Heard;
  const { foreach } = engine.taskOf(node) as ListenTask;
  if (node.children) return;
  const item = heard.queue.shift();
  if (item !== undefined && foreach) {
    const vars = { [foreach.item ?? 'item']: item, [foreach.at ?? 'index']: heard.outputs.length };
    if (foreach.do) return void engine.beginList(node, `${node.path}/foreach/do`, item, vars);
    const shaped =
      foreach.output?.as === undefined
        ? item
        : engine.flow.transform(foreach.output.as, item, { ...engine.scope(node), ...vars, output: item });
    heard.outputs.push(shaped);
    return next(engine, node);
  }
  if (!heard.done) return;
  node.wait = undefined;
  engine.commands.push({ kind: 'forget', node: node.id });
  engine.complete(node, foreach ? heard.outputs : heard.events);
}

/** Of more events than this the oldest are forgotten. */
const MOST_HEARD = 1_000;

function remember({ state }: Engine, id: string): void {
  state.heard = [...(state.heard ?? []), id].slice(-MOST_HEARD);
}

function isDone(engine: Engine, node: Node, to: EventStrategy, heard: Heard): boolean {
  if (to.all) return heard.met.every(Boolean);
  if (to.until === undefined) return heard.met.some(Boolean);
  if (typeof to.until === 'string') {
    return heard.events.length > 0 && engine.flow.condition(to.until, heard.events, engine.scope(node));
  }
  return to.until.all ? heard.untilMet.every(Boolean) : heard.untilMet.some(Boolean);
}

function filtersOf(strategy: EventStrategy): EventFilter[] {
  return strategy.all ?? strategy.any ?? (strategy.one ? [strategy.one] : []);
}

function bind(engine: Engine, node: Node, filter: EventFilter): EventPattern {
  return patternOf(filter, node.input, (expression, input) =>
    engine.flow.expression(expression, input, engine.scope(node)),
  );
}

function readAs(read: ListenTask['listen']['read'], event: Event): Json {
  if (read === 'envelope') return event;
  if (read === 'raw') return typeof event['data'] === 'string' ? event['data'] : JSON.stringify(event['data'] ?? null);
  return event['data'] ?? null;
}

function keep(node: Node, heard: Heard): void {
  node.kept = { heard: heard as unknown as Json };
}
