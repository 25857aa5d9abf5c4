import type { Json } from '@spillway/jq';

/** A place where two values differ; what is not there is left out. */
export interface Change {
  /** JSON pointer. */
  path: string;
  before?: Json;
  after?: Json;
}

/** Changes that are told of one value. */
const MOST = 50;

/** Where two values differ. */
export function changesOf(before: Json | undefined, after: Json | undefined): Change[] {
  const found: Change[] = [];
  visit('', before, after, found);
  return found;
}

function visit(path: string, before: Json | undefined, after: Json | undefined, found: Change[]): void {
  if (found.length >= MOST || Object.is(before, after)) return;
  if (isHolder(before) && isHolder(after) && Array.isArray(before) === Array.isArray(after)) {
    const [one, other] = [before, after] as Record<string, Json>[];
    for (const key of new Set([...Object.keys(one!), ...Object.keys(other!)])) {
      const escaped = key.replaceAll('~', '~0').replaceAll('/', '~1');
      visit(`${path}/${escaped}`, own(one!, key), own(other!, key), found);
    }
    return;
  }
  found.push({ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) });
}

const own = (value: Record<string, Json>, key: string) => (Object.hasOwn(value, key) ? value[key] : undefined);

function isHolder(value: Json | undefined): value is { [key: string]: Json } | Json[] {
  return typeof value === 'object' && value !== null;
}
