import type { Json } from '@spillway/jq';
import type { EventFilter, EventStrategy, ListenTask } from '../../definition/model';
import { sourceOf } from '../../definition/expressions';
import { giveOutput } from '../data-flow';
import type { Engine } from '../engine';
import { Fault } from '../errors';
import { matches, narrowed, patternOf } from '../patterns';
import type { EventPattern, Node } from '../state';
import type { Kind } from './kind';

type Event = { [attribute: string]: Json };

/** What a listening task has heard so far; JSON, as everything in a node. */
interface Heard {
  patterns: EventPattern[];
  until: EventPattern[];
  /** Of `all`: which patterns have their event. */
  met: boolean[];
  untilMet: boolean[];
  /** Correlation keys that the first event fixed. */
  keys: Record<string, Json>;
  /** `source` and `id` of what was heard. */
  seen: string[];
  /** As `read` says; none where nothing is made of them (`needs`). */
  events: Json[];
  /** Waiting for `foreach`. */
  queue: Json[];
  outputs: Json[];
  /** How many `foreach` has done. */
  count: number;
  done: boolean;
}

/** So many events are known again by a task; what is older the driver knows. */
const MOST_SEEN = 100;

/**
 * Waits for events. `one` and `any` end with the first that matches, `all` when each filter has one, `any` with `until`
 * when the condition holds over what was heard or the other strategy is met. The output is the list of the events. An
 * event that comes again (same `source` and `id`) is heard once.
 */
export const listenKind: Kind = {
  start(engine, node) {
    const { to } = (engine.taskOf(node) as ListenTask).listen;
    const bind = (filter: EventFilter) =>
      patternOf(filter, (text) => engine.flow.template(text, node.input, engine.scope(node)));
    const patterns = filtersOf(to).map(bind);
    const until = typeof to.until === 'object' ? filtersOf(to.until).map(bind) : [];
    keep(node, {
      patterns,
      until,
      met: patterns.map(() => false),
      untilMet: until.map(() => false),
      keys: {},
      seen: [],
      events: [],
      queue: [],
      outputs: [],
      count: 0,
      done: false,
    });
    node.wait = { for: 'events', filters: [...patterns, ...until] };
    engine.commands.push({ kind: 'listen', node: node.id, filters: node.wait.filters });
  },

  heard(engine, node, event) {
    const heard = heardBy(node);
    if (heard.done) return;
    const { listen, foreach } = engine.taskOf(node) as ListenTask;
    const isMatch = matcher(engine, node, event);
    // What ends the listening is not part of what was heard.
    const last = heard.until.findIndex((pattern, at) => !heard.untilMet[at] && isMatch(pattern));
    const index =
      last >= 0 ? -1 : heard.patterns.findIndex((pattern, at) => !(listen.to.all && heard.met[at]) && isMatch(pattern));
    if ((last < 0 && index < 0) || isKnown(heard, event)) return;
    rememberHeard(engine, event);
    if (last >= 0) heard.untilMet[last] = true;
    else {
      heard.met[index] = true;
      const read = readAs(listen.read, event);
      if (needs(engine, node).events) heard.events.push(read);
      if (foreach) heard.queue.push(read);
    }
    heard.done = isDone(engine, node, listen.to, heard);
    node.wait = { for: 'events', filters: stillWanted(heard, listen.to) };
    next(engine, node);
  },

  /** One event's `foreach` is done. */
  childCompleted(engine, node, child, output) {
    const { foreach = {} } = engine.taskOf(node) as ListenTask;
    keepOutput(engine, node, giveOutput(engine, node, foreach, output, child.vars));
    next(engine, node);
  },
};

/** By what further events are found: the driver brings a run no others. */
function stillWanted({ done, patterns, met, until, untilMet, keys }: Heard, to: EventStrategy): EventPattern[] {
  if (done) return [];
  const left = [...patterns.filter((_, at) => !to.all || !met[at]), ...until.filter((_, at) => !untilMet[at])];
  return left.map((pattern) => narrowed(pattern, keys));
}

/** The next event's `foreach`, or the end. */
function next(engine: Engine, node: Node): void {
  const heard = heardBy(node);
  const { foreach } = engine.taskOf(node) as ListenTask;
  if (node.children) return;
  while (heard.queue.length > 0) {
    const item = heard.queue.shift()!;
    const vars = { [foreach?.item ?? 'item']: item, [foreach?.at ?? 'index']: heard.count };
    if (foreach?.do) return void engine.beginList(node, `${node.path}/foreach/do`, item, vars);
    keepOutput(engine, node, giveOutput(engine, node, foreach ?? {}, item, vars));
  }
  if (!heard.done) return;
  delete node.wait;
  engine.commands.push({ kind: 'forget', node: node.id });
  engine.complete(node, foreach ? heard.outputs : heard.events);
}

/** What is kept of each event: a task that listens for ever must not grow with what nobody will ask for. */
function needs(engine: Engine, node: Node): { events: boolean; outputs: boolean } {
  const { listen, foreach } = engine.taskOf(node) as ListenTask;
  const { until } = listen.to;
  if (typeof until === 'string' && sourceOf(until).trim() === 'false') return { events: false, outputs: false };
  return { events: !foreach || typeof until === 'string', outputs: foreach !== undefined };
}

function keepOutput(engine: Engine, node: Node, output: Json): void {
  const heard = heardBy(node);
  if (needs(engine, node).outputs) heard.outputs.push(output);
  heard.count += 1;
}

function isDone(engine: Engine, node: Node, to: EventStrategy, heard: Heard): boolean {
  if (to.all) return heard.met.every(Boolean);
  if (to.until === undefined) return heard.met.some(Boolean);
  if (typeof to.until === 'string') {
    return heard.events.length > 0 && engine.flow.condition(to.until, heard.events, engine.scope(node));
  }
  return to.until.all ? heard.untilMet.every(Boolean) : heard.untilMet.some(Boolean);
}

/** An empty `any` is every event. */
function filtersOf(strategy: EventStrategy): EventFilter[] {
  if (strategy.any?.length === 0) return [{ with: {} }];
  return strategy.all ?? strategy.any ?? (strategy.one ? [strategy.one] : []);
}

/** What comes from outside must not bring a run down: an event over which a filter's expression fails is no match. */
function matcher(engine: Engine, node: Node, event: Event): (pattern: EventPattern) => boolean {
  const scope = engine.scope(node);
  const evaluate = (expression: string, input: Json) => engine.flow.expression(expression, input, scope);
  return (pattern) => {
    try {
      return matches(pattern, event, heardBy(node).keys, evaluate);
    } catch (error) {
      if (error instanceof Fault) return false;
      throw error;
    }
  };
}

function isKnown({ seen }: Heard, { source, id }: Event): boolean {
  if (typeof source !== 'string' || typeof id !== 'string') return false;
  const key = JSON.stringify([source, id]);
  if (seen.includes(key)) return true;
  seen.push(key);
  if (seen.length > MOST_SEEN) seen.shift();
  return false;
}

/** An event that a run has consumed is not brought to it again. */
function rememberHeard({ state }: Engine, { id }: Event): void {
  if (typeof id === 'string' && !state.heard?.includes(id)) (state.heard ??= []).push(id);
}

function readAs(read: ListenTask['listen']['read'], event: Event): Json {
  if (read === 'envelope') return event;
  if (read === 'raw') return typeof event['data'] === 'string' ? event['data'] : JSON.stringify(event['data'] ?? null);
  return event['data'] ?? null;
}

function heardBy(node: Node): Heard {
  return node.kept!['heard'] as unknown as Heard;
}

function keep(node: Node, heard: Heard): void {
  node.kept = { heard: heard as unknown as Json };
}
