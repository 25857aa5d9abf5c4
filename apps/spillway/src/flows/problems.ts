import type { FlowSpec, Resource } from '@spillway/contracts';
import type { Problem } from '@spillway/flows';

type Metadata = Extract<Resource, { kind: 'Flow' }>['metadata'];

/**
 * What is wrong with a flow, by JSON pointers into it.
 *
 * @param unread what was wrong when the flow was brought together with what it refers to, as `withExternals` says
 */
export async function problemsOf(metadata: Metadata, spec: FlowSpec, unread: Problem[]): Promise<Problem[]> {
  const { flowProblems } = await import('@spillway/runtime');
  // That it did not come with the flow follows from why it could not be read.
  const isNew = ({ path }: Problem) => !unread.some((one) => one.path === path);
  return [...unread, ...flowProblems(metadata, spec).filter(isNew)];
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
