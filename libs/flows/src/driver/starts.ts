import type { Json } from '@spillway/jq';
import { durationMs } from '../definition/durations';
import type { EventFilter } from '../definition/model';
import { CompiledFlow } from '../engine/compiled-flow';
import { matches, patternOf } from '../engine/patterns';
import { type Gathering, gatheringOf } from './gathering';
import type { PublishedFlow } from './published';

/** What begins runs of a flow beside the routes that name it. */
export interface FlowStart {
  /** Events of this type begin one: the clock makes them, or somebody with an API key. */
  types: string[];
  /** Cron, or milliseconds between two. */
  clock?: { cron?: string; every?: number };
  /** Events of any source that begin one: `schedule.on`. */
  matches?: (event: { [attribute: string]: Json }) => boolean;
  /** Events that begin one together: `schedule.on.all`. */
  gathering?: Gathering;
  /** Milliseconds from the end of one to the next: `schedule.after`. */
  after?: number;
}

/** The type of the event that asks for a run: `POST /v1/events` with it begins one. */
export function requestType(flow: string): string {
  return `flow.${flow}.requested`;
}

/** The type of the event that the clock makes. */
export function dueType(flow: string): string {
  return `flow.${flow}.due`;
}

/** @throws SpillwayError for a schedule that the linter would have refused */
export function startsOf({ name, definition }: PublishedFlow): FlowStart {
  const { cron, every, after, on } = definition.schedule ?? {};
  const start: FlowStart = { types: [requestType(name), dueType(name)] };
  if (cron !== undefined) start.clock = { cron };
  else if (every !== undefined) start.clock = { every: durationMs(every) };
  if (after !== undefined) start.after = durationMs(after);
  if (on?.all) start.gathering = gatheringOf(new CompiledFlow(definition), on.all);
  const filters = on ? (on.any ?? (on.one ? [on.one] : [])) : [];
  if (filters.length > 0) start.matches = matcherOf(new CompiledFlow(definition), filters);
  return start;
}

function matcherOf(flow: CompiledFlow, filters: EventFilter[]): FlowStart['matches'] {
  const patterns = filters.map((filter) => patternOf(filter, (template) => flow.template(template, null, {})));
  const evaluate = (expression: string, input: Json) => flow.expression(expression, input, {});
  return (event) =>
    patterns.some((pattern) => {
      try {
        return matches(pattern, event, {}, evaluate);
      } catch {
        return false;
      }
    });
}
