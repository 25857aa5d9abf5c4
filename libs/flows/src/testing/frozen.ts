import type { Json } from '@spillway/jq';

/** What a run begins with is never changed, which tests hold the engine to. @returns the value itself */
export function frozen(value: Json): Json {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) frozen(inner);
  return value;
}
