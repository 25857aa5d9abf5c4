import { createHash } from 'node:crypto';
import type { Json } from '@spillway/jq';
import type { EventFilter } from '../definition/model';
import type { CompiledFlow } from '../engine/compiled-flow';
import { matches, patternOf } from '../engine/patterns';

/** A filter of `schedule.on.all` that an event matches. */
export interface Place {
  /** Of the filter: stays the same when others are written before it. */
  filter: string;
  /** What its correlation keys are, as text: events with the same ones belong together. */
  keys: string;
}

/** Events that begin a run together: `schedule.on.all`. */
export interface Gathering {
  /** Of the filters, in the order in which they are written. */
  filters: string[];
  /** Where an event belongs; it counts for one of these. */
  placesOf: (event: { [attribute: string]: Json }) => Place[];
}

export function gatheringOf(flow: CompiledFlow, filters: EventFilter[]): Gathering {
  const patterns = filters.map((filter) => patternOf(filter, (template) => flow.template(template, null, {})));
  const evaluate = (expression: string, input: Json) => flow.expression(expression, input, {});
  const names = namesOf(filters);
  return {
    filters: names,
    placesOf: (event) =>
      patterns.flatMap((pattern, index) => {
        const keys: Record<string, Json> = {};
        try {
          if (!matches(pattern, event, keys, evaluate)) return [];
        } catch {
          // An event over which a filter's expression fails is no match.
          return [];
        }
        return [{ filter: names[index]!, keys: textOf(keys) }];
      }),
  };
}

/** By their content; of two that are the same, each needs an event. */
function namesOf(filters: EventFilter[]): string[] {
  const seen = new Map<string, number>();
  return filters.map((filter) => {
    const hash = createHash('sha256').update(JSON.stringify(filter)).digest('hex').slice(0, 16);
    const count = seen.get(hash) ?? 0;
    seen.set(hash, count + 1);
    return `${hash}.${count}`;
  });
}

/** A number and the same digits as text are the same key, as in `listen`. */
function textOf(keys: Record<string, Json>): string {
  const asText = (key: Json) => (typeof key === 'number' ? String(key) : key);
  return JSON.stringify(
    Object.keys(keys)
      .sort()
      .map((name) => [name, asText(keys[name]!)]),
  );
}
