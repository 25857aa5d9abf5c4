/** One field that a document changes. */
export interface Change {
  /** `match.types.0` */
  path: string;
  before?: unknown;
  after?: unknown;
}

/** The fields in which two JSON values differ, in the order of their paths. */
export function diff(before: unknown, after: unknown, path = ''): Change[] {
  if (isBranch(before) && isBranch(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => diff(before[key], after[key], path ? `${path}.${key}` : key));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

function isBranch(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
