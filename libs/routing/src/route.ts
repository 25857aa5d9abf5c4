import type { RouteSpec, SpillwayEvent, Target } from '@spillway/contracts';
import { compileJq } from '@spillway/jq';
import { compileTypePattern } from './type-pattern';

/** A route, ready to be asked. */
export interface Route {
  tenant: string;
  name: string;
  targets: Target[];
  /** @throws JqRuntimeError or JqBudgetError when the condition fails on this event; the caller decides */
  matches(event: SpillwayEvent, source: string): boolean;
}

/** @throws JqSyntaxError for a condition that is not jq */
export function compileRoute(tenant: string, name: string, spec: RouteSpec): Route {
  const { types, provider, sources, where } = spec.match;
  const patterns = types?.map(compileTypePattern);
  const condition = where === undefined ? undefined : compileJq(where);
  return {
    tenant,
    name,
    targets: Array.isArray(spec.to) ? spec.to : [spec.to],
    matches: (event, source) =>
      spec.enabled &&
      (!provider || provider === event.provider) &&
      (!sources || sources.includes(source)) &&
      (!patterns || patterns.some((matches) => matches(event.type))) &&
      (!condition || condition.test(event)),
  };
}
