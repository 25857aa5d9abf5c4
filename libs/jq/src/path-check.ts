import type { Node } from './ast';
import { JqUnsupportedError, positionOf } from './errors';

/** Functions whose argument is a path expression. */
export const TAKES_PATHS: ReadonlySet<string> = new Set(['path/1', 'del/1', 'pick/1']);

/** Which argument of a function its outputs are from. */
const THROUGH: Record<string, number> = {
  'first/1': 0,
  'limit/2': 1,
  'skip/2': 1,
  'nth/2': 1,
  'recurse/1': 0,
  'recurse/2': 0,
  'until/2': 1,
  'while/2': 1,
  'repeat/1': 0,
};

/** jq loses track of the path in these, or goes on from another than one expects. */
const LOST = new Set(
  (
    'last/1 add/0 add/1 any/0 any/1 any/2 all/0 all/1 all/2 isempty/1 from_entries/0 with_entries/1 map_values/1 join/1 ' +
    'ltrimstr/1 rtrimstr/1 trimstr/1 indices/1 index/1 rindex/1 ascii_downcase/0 ascii_upcase/0 range/3 sub/2 sub/3 ' +
    'gsub/2 gsub/3 test/1 test/2 match/1 match/2 capture/1 capture/2 scan/1 scan/2 split/2 splits/1 splits/2'
  ).split(' '),
);

/**
 * Refuses what has no path here where a path is asked for, as far as the source tells; what comes from a function that
 * the program defines is refused when it is run.
 *
 * @throws JqUnsupportedError
 */
export function checkPath(node: Node, source: string): void {
  const check = (inner: Node | undefined) => inner && checkPath(inner, source);
  const refuse = (what: string): never => {
    throw new JqUnsupportedError(`the path of ${what}`, positionOf(source, node.at));
  };
  switch (node.kind) {
    case 'pipe':
    case 'comma':
    case 'alternative':
      check(node.left);
      return check(node.right);
    case 'index':
    case 'slice':
    case 'iterate':
      return check(node.target);
    case 'if':
      check(node.then);
      return check(node.otherwise);
    case 'try':
      check(node.body);
      return check(node.handler);
    case 'def':
    case 'label':
      return check(node.body);
    case 'as':
      if (node.pattern.length > 1 || node.pattern[0]!.kind !== 'variable')
        refuse('what follows a pattern such as [$x]');
      return check(node.body);
    case 'reduce':
    case 'foreach':
      return refuse('a reduce or foreach');
    case 'assign':
      return refuse('an assignment');
    case 'and':
    case 'or':
      return refuse('`and` or `or`');
    case 'call': {
      const key = `${node.name}/${node.args.length}`;
      if (LOST.has(key)) refuse(key);
      const at = Object.hasOwn(THROUGH, key) ? THROUGH[key] : undefined;
      return at === undefined ? undefined : check(node.args[at]);
    }
    default:
      return undefined;
  }
}
