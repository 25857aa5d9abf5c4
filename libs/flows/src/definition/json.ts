/** An object of a definition that nobody has checked yet. */
export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is under a key, if the value is an object that has it itself. */
export function fieldOf(value: unknown, key: string): unknown {
  return isFields(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

export function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce(fieldOf, value);
}

/** The value if it is an object, else an empty one. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function itemsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Most values in a flow: a text of the longest size has fewer, unless aliases multiply them. */
const MOST_VALUES = 250_000;

/**
 * Whether objects and lists nest deeper than `limit`, or there are more than `MOST_VALUES` in all (a value that
 * contains itself has both). Found without recursion.
 */
export function nestsDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  let count = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    count += level.length;
    if (depth > limit || count > MOST_VALUES) return true;
    level = level.flatMap((one): unknown[] => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return false;
}

/** A value as a person would name its type. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return (
    { string: 'text', object: 'an object', boolean: 'true or false', number: 'a number' }[typeof value as string] ??
    typeof value
  );
}

/** A value on one line, cut after 60 characters. */
export function shown(value: unknown): string {
  const text =
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
