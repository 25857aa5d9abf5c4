import { unsupported } from './errors';

/**
 * In jq a slice shares the memory of the array that it is of, and jq 1.8 errs about that: two slices of one array that are
 * as long equal each other whatever is in them (`[1, 2] | .[:1] == .[1:]`), and one that is made longer may show what it
 * hid (jqlang/jq#3022). Both are refused here, for which slices are told apart while an expression runs.
 */
type Origins = WeakMap<object, object>;
let origins: Origins | undefined;

/** For an evaluation of its own. @returns what was noted up to now, to give back when it ends */
export function swapOrigins(next?: Origins): Origins | undefined {
  const before = origins;
  origins = next;
  return before;
}

/** Whether there are slices at all. */
export function sawSlices(): boolean {
  return origins !== undefined;
}

/** `part` may share memory with `whole`. */
export function noteSlice(part: object, whole: object): void {
  origins ??= new WeakMap();
  origins.set(part, origins.get(whole) ?? whole);
}

/** What jq may have made in the place of a slice is one, too. */
export function noteSuccessor<T extends object>(array: T, before: object): T {
  const origin = origins?.get(before);
  if (origin) origins!.set(array, origin);
  return array;
}

export function haveOneOrigin(a: object, b: object): boolean {
  return (origins?.get(a) ?? a) === (origins?.get(b) ?? b);
}

/** @throws JqUnsupportedError where jq may show what a slice hid */
export function checkExtension(array: unknown[], position: number): void {
  if (position <= array.length || !origins?.has(array)) return;
  unsupported('making a slice of an array longer by more than one, where jq may show what it hid');
}
