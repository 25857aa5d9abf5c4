import { setOwn } from '@spillway/contracts';

/** No key of anybody's JSON begins so; data that has one all the same is kept without sharing. */
const REF = '\u0001ref';
const ROOT = '\u0001shared';

/**
 * JSON in which an object that stands in several places is written once. The state of a run holds its input again and
 * again (a task's input is mostly that of the task before), and most of what a run costs is the size of its state.
 */
export function stringifyShared(value: unknown): string {
  const found = { seen: new Set<object>(), shared: new Set<object>() };
  if (!look(value, found) || found.shared.size === 0) return JSON.stringify(value);
  const shared = [...found.shared];
  const index = new Map(shared.map((one, at) => [one, at]));
  return JSON.stringify({ [ROOT]: shared.map((one) => referring(one, index, true)), value: referring(value, index) });
}

/**
 * A value with references in the places of what is shared. What holds nothing shared is not copied, and no function is
 * called for each value while JSON is made of it: that takes several times as long.
 *
 * @param isBody it is written out, and does not become a reference to itself
 */
function referring(value: unknown, index: Map<object, number>, isBody = false): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const at = isBody ? undefined : index.get(value);
  if (at !== undefined) return { [REF]: at };
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[key];
    if (typeof inner !== 'object' || inner === null) continue;
    const made = referring(inner, index);
    if (made === inner) continue;
    setOwn((copy ??= shallow(value)), key, made);
  }
  return copy ?? value;
}

/** The other way; what was written once is one object again. */
export function reviveShared(parsed: unknown): unknown {
  if (typeof parsed !== 'object' || parsed === null || !(ROOT in parsed)) return parsed;
  const { [ROOT]: bodies, value } = parsed as { [ROOT]: unknown[]; value: unknown };
  const resolve = (inner: unknown): unknown => {
    if (typeof inner !== 'object' || inner === null) return inner;
    if (REF in inner) return bodies[(inner as { [REF]: number })[REF]];
    for (const key of Object.keys(inner)) {
      const holder = inner as Record<string, unknown>;
      const found = holder[key];
      if (typeof found === 'object' && found !== null) holder[key] = resolve(found);
    }
    return inner;
  };
  for (const body of bodies) resolve(body);
  return resolve(value);
}

/** Finds what stands in several places. @returns false for data that has our keys */
function look(value: unknown, found: { seen: Set<object>; shared: Set<object> }): boolean {
  if (typeof value !== 'object' || value === null) return true;
  const keys = Object.keys(value);
  // Of what is empty a reference is longer.
  if (keys.length === 0) return true;
  if (found.seen.has(value)) {
    found.shared.add(value);
    return true;
  }
  found.seen.add(value);
  if (Array.isArray(value)) return value.every((one) => look(one, found));
  for (const key of keys) {
    if (key.charCodeAt(0) === 1 || !look((value as Record<string, unknown>)[key], found)) return false;
  }
  return true;
}

function shallow(value: object): Record<string, unknown> {
  return (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
}
