/** No key of anybody's JSON begins so; data that has one all the same is kept without sharing. */
const REF = '\u0001ref';
const ROOT = '\u0001shared';

/**
 * JSON in which an object that stands in several places is written once. The state of a run holds its input again and
 * again (a task's input is mostly that of the task before), and most of what a run costs is the size of its state.
 */
export function stringifyShared(value: unknown): string {
  const counts = new Map<object, number>();
  if (!count(value, counts)) return JSON.stringify(value);
  const shared = [...counts].filter(([, times]) => times > 1).map(([one]) => one);
  if (shared.length === 0) return JSON.stringify(value);
  const index = new Map(shared.map((one, at) => [one, at]));
  // What is written out itself stands inside this array, and must not become a reference to itself.
  const bodies = shared.map((one) => shallow(one));
  return JSON.stringify({ [ROOT]: bodies, value }, (_key, inner: unknown) => {
    const at = typeof inner === 'object' && inner !== null ? index.get(inner) : undefined;
    return at === undefined ? inner : { [REF]: at };
  });
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

/** @returns false for data that has our keys */
function count(value: unknown, counts: Map<object, number>): boolean {
  if (typeof value !== 'object' || value === null) return true;
  const times = counts.get(value) ?? 0;
  counts.set(value, times + 1);
  if (times > 0) return true;
  for (const key of Object.keys(value)) {
    if (key.startsWith('\u0001')) return false;
    if (!count((value as Record<string, unknown>)[key], counts)) return false;
  }
  return true;
}

function shallow(value: object): object {
  return Array.isArray(value) ? [...(value as unknown[])] : { ...value };
}
