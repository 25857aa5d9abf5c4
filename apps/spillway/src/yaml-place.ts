import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';

/** Where in a file: both from 1. */
export interface Place {
  line: number;
  column: number;
}

/** Where keys lead in a document, or the nearest thing above that is there. Of an entry of a map it is the key's place. */
export function placeOf(document: Document, lines: LineCounter, keys: readonly PropertyKey[]): Place {
  let node = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const key of keys.map(String)) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      const item = node.items[Number(key)] as Node | undefined;
      if (!item) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/**
 * The keys of a dotted path in a value. Names may have dots and slashes in them (a task `a.b`, a header `x.y`), so what is
 * there decides; of two that fit, the longer one.
 */
export function keysOf(value: unknown, path: string): string[] {
  const keys: string[] = [];
  let rest = path;
  let inner = value;
  while (rest !== '') {
    const there = typeof inner === 'object' && inner !== null ? Object.keys(inner) : [];
    const fits = there.filter((key) => rest === escaped(key) || rest.startsWith(`${escaped(key)}.`));
    const next = fits.sort((a, b) => b.length - a.length)[0];
    if (next === undefined) return [...keys, ...rest.split('.')];
    keys.push(next);
    rest = rest.slice(escaped(next).length + 1);
    inner = (inner as Record<string, unknown>)[next];
  }
  return keys;
}

/** As the flow linter's JSON pointers have it (RFC 6901). */
function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
