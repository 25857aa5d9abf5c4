import { depth, resumeAt } from './budget';
import { Raised, unsupported } from './errors';
import { haveOneOrigin } from './slices';
import { fail, type Json, preview } from './values';

/** What a compiled expression is: it hands each of its outputs to `emit`, with its path where paths are asked for. */
export type Filter = (input: Json, path: Path | undefined, env: Env, emit: Emit) => void;
export type Emit = (output: Json, path: Path | undefined) => void;

/** Variables, functions and closures in scope, innermost first; the compiler knows how far up each is. */
export interface Env {
  up: Env | null;
  value: unknown;
}

/** An argument that is an expression, with the scope it came from. */
export interface Closure {
  filter: Filter;
  env: Env;
}

/** Where an output is in the input; `undefined` when nobody asks. */
export interface Path {
  up: Path | null;
  key: Json;
  /** Of an output that is not a part of the input: the last path that there was, and what is there. */
  lost?: { path: Path; value: Json };
}

export const ROOT: Path = { up: null, key: null };
/** Of an output that equals the input; jq goes by whether it is the same in memory. */
const UNSURE: Path = { up: null, key: null };

export function pathArray(path: Path, value: Json): Json[] {
  if (path === UNSURE) return unsupported('the path of an output that equals its input');
  if (path.lost) return fail(`Invalid path expression with result ${preview(value)}`);
  const keys: Json[] = [];
  for (let here: Path = path; here.up; here = here.up) keys.push(here.key);
  return keys.reverse();
}

/** A step down from an output. @throws JqRuntimeError when it is not a part of the input */
export function below(path: Path | undefined, key: Json, value: Json): Path | undefined {
  if (path === undefined) return undefined;
  if (path.lost)
    return fail(`Invalid path expression near attempt to access element ${preview(key)} of ${preview(value)}`);
  return { up: somewhere(path), key };
}

/** Before the steps down to all parts of an output. @throws JqRuntimeError when it is not a part of the input */
export function belowAll(path: Path | undefined, value: Json): Path | undefined {
  if (path === undefined) return undefined;
  if (path.lost) return fail(`Invalid path expression near attempt to iterate through ${preview(value)}`);
  return somewhere(path);
}

function somewhere(path: Path): Path {
  return path === UNSURE ? unsupported('the path of an output that equals its input') : path;
}

/**
 * The path of a new value: none, unless it is what is at the last path, as `null` on null is. jq compares with that, not
 * with the input: `path(not | not)` is `[]`.
 */
export function pathOfNew(path: Path | undefined, input: Json, output: Json): Path | undefined {
  if (path === undefined || path === UNSURE) return path;
  const last = path.lost ?? { path, value: input };
  if (!isSame(last.value, output)) return { up: null, key: null, lost: last };
  return output === null || typeof output === 'boolean' ? last.path : UNSURE;
}

/** Whether it may be the same in jq's memory. */
function isSame(a: Json, b: Json): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && haveOneOrigin(a, b);
}

/** Leaves the expression up to its label. */
export class BreakSignal {
  /** @param final leaves the program */
  constructor(
    readonly label: object,
    readonly final = false,
  ) {}
}

/** An error of who consumes the outputs, on its way past a `try` that must not see it. */
export class Downstream {
  constructor(
    readonly owner: object,
    readonly error: unknown,
  ) {}
}

/**
 * Runs an expression and catches jq errors that it raises itself, not those of what comes after it.
 *
 * @returns the error, or undefined
 */
export function attempt(run: (emit: Emit) => void, emit: Emit): Raised | undefined {
  const owner = {};
  const outer = depth();
  try {
    run((output, path) => {
      try {
        emit(output, path);
      } catch (error) {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- a signal
        throw new Downstream(owner, error);
      }
    });
    return undefined;
  } catch (error) {
    if (error instanceof Downstream && error.owner === owner) throw error.error;
    if (!(error instanceof Raised)) throw error;
    resumeAt(outer);
    return error;
  }
}

/** Runs an expression that may stop early: `emit` gets a function that does. */
export function stoppable(run: (stop: () => never) => void, final = false): void {
  const label = {};
  const outer = depth();
  try {
    run(() => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- a signal
      throw new BreakSignal(label, final);
    });
  } catch (error) {
    if (!(error instanceof BreakSignal && error.label === label)) throw error;
    resumeAt(outer);
  }
}

export function collect(filter: Filter, input: Json, env: Env): Json[] {
  const outputs: Json[] = [];
  filter(input, undefined, env, (output) => outputs.push(output));
  return outputs;
}
