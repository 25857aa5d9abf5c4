import { enter, grow, leave, step } from '../budget';
import { deleteAll } from '../compile-assignment';
import { raise, unsupported } from '../errors';
import { add, binary } from '../operators';
import { getPath, iterate } from '../paths';
import {
  attempt,
  below,
  collect,
  type Emit,
  type Env,
  type Filter,
  type Path,
  pathArray,
  pathOfNew,
  ROOT,
  stoppable,
} from '../runtime';
import { compare, equal, fail, type Json, shown, sorted, truthy, typeOf } from '../values';
import { matchesOf } from './regex';

/** Functions whose arguments are expressions, not values. */
export const controls: Record<string, (...args: Filter[]) => Filter> = {
  'empty/0': () => () => undefined,
  'not/0': () => (input, path, _env, emit) => emit(!truthy(input), pathOfNew(path, input, !truthy(input))),
  'error/0': () => (input) => raise(input),
  'error/1': (message) => (input, path, env) =>
    message(input, path, env, (value) => {
      raise(value);
    }),
  'select/1': (condition) => (input, path, env, emit) =>
    condition(input, undefined, env, (value) => {
      step();
      if (truthy(value)) emit(input, path);
    }),
  'path/1': (paths) => (input, path, env, emit) =>
    paths(input, ROOT, env, (part, at) => {
      const keys = pathArray(at!, part);
      emit(keys, pathOfNew(path, input, keys));
    }),
  'getpath/1': (paths) => (input, path, env, emit) =>
    paths(input, undefined, env, (keys) => {
      if (!Array.isArray(keys)) return fail('Path must be specified as an array');
      const value = getPath(input, keys);
      const at = path?.lost
        ? pathOfNew(path, input, value)
        : keys.reduce<Path | undefined>((here, key) => below(here, key, input), path);
      return emit(value, at);
    }),
  'delpaths/1': (paths) => (input, path, env, emit) =>
    paths(input, undefined, env, (list) => {
      if (!Array.isArray(list)) return fail('Paths must be specified as an array');
      const wrong = list.filter((one) => !Array.isArray(one)).sort(compare)[0];
      if (wrong !== undefined) return fail(`Path must be specified as array, not ${typeOf(wrong)}`);
      const output = deleteAll(input, list as Json[][]);
      return emit(output, pathOfNew(path, input, output));
    }),
  'recurse/1': (next) => (input, path, env, emit) => {
    const descend = (value: Json, at: Path | undefined): void => {
      enter();
      emit(value, at);
      next(value, at, env, descend);
      leave();
    };
    descend(input, path);
  },
  'first/1': (source) => (input, path, env, emit) => {
    let found: [Json, Path | undefined] | undefined;
    stoppable((stop) =>
      source(input, path, env, (value, at) => {
        found = [value, at];
        stop();
      }),
    );
    if (found) emit(...found);
  },
  'last/1': (source) => (input, path, env, emit) => {
    if (path) return unsupported('the path of last(f)');
    const found: Json[] = [];
    source(input, undefined, env, (value) => {
      found[0] = value;
    });
    return found[0] === undefined ? undefined : emit(found[0], undefined);
  },
  'sub/2': (pattern, replacement) => substitute('', pattern, replacement),
  'sub/3': (pattern, replacement, flags) => substitute('', pattern, replacement, flags),
  'gsub/2': (pattern, replacement) => substitute('g', pattern, replacement),
  'gsub/3': (pattern, replacement, flags) => substitute('g', pattern, replacement, flags),
  'isempty/1': (source) => (input, path, env, emit) => {
    if (path) return unsupported('the path of isempty');
    let empty = true;
    stoppable((stop) =>
      source(input, undefined, env, () => {
        empty = false;
        stop();
      }),
    );
    return emit(empty, undefined);
  },
  'limit/2': (count, source) => (input, path, env, emit) =>
    count(input, undefined, env, (most) => {
      if (compare(most, 0) < 0) return fail("limit doesn't support negative count");
      return limit(most, source, input, path, env, emit);
    }),
  'skip/2': (count, source) => (input, path, env, emit) =>
    count(input, undefined, env, (few) => {
      if (compare(few, 0) < 0) return fail("skip doesn't support negative count");
      if (few === 0) return source(input, path, env, emit);
      let left = few;
      return source(input, path, env, (value, at) => {
        const before = left;
        // As in `foreach`, which jq writes this with: after a step that fails the state is null, and `?//` may go on with it.
        left = null;
        left = binary('-', before, 1);
        if (compare(left, 0) < 0) emit(value, at);
      });
    }),
  'range/2': (from, to) => (input, path, env, emit) =>
    from(input, undefined, env, (start) => to(input, undefined, env, (end) => range(start, end, emit, input, path))),
  'range/3': (from, to, by) => (input, path, env, emit) =>
    from(input, undefined, env, (start) =>
      to(input, undefined, env, (end) => by(input, undefined, env, (pace) => rangeBy(start, end, pace, path, emit))),
    ),
  'until/2': (condition, update) => (input, path, env, emit) =>
    loop(input, path, env, emit, (value, at, out, again) =>
      condition(value, undefined, env, (done) => (truthy(done) ? out(value, at) : update(value, at, env, again))),
    ),
  'while/2': (condition, update) => (input, path, env, emit) =>
    loop(input, path, env, emit, (value, at, out, again) =>
      condition(value, undefined, env, (go) => {
        if (!truthy(go)) return;
        out(value, at);
        update(value, at, env, again);
      }),
    ),
  'repeat/1': (update) => (input, path, env, emit) => {
    for (;;) {
      step();
      update(input, path, env, emit);
    }
  },
  'any/1': (condition) => some(elements, condition, true),
  'all/1': (condition) => some(elements, condition, false),
  'any/2': (source, condition) => some(source, condition, true),
  'all/2': (source, condition) => some(source, condition, false),
  'sort_by/1': (by) => keyed(by, 'sorted', (pairs) => sortPairs(pairs).map(([, item]) => item)),
  'group_by/1': (by) => keyed(by, 'sorted', (pairs) => groups(pairs).map((group) => group.map(([, item]) => item))),
  'unique_by/1': (by) => keyed(by, 'sorted', (pairs) => groups(pairs).map((group) => group[0]![1])),
  'min_by/1': (by) => keyed(by, 'iterated over', (pairs) => extreme(pairs, (order) => order < 0)),
  'max_by/1': (by) => keyed(by, 'iterated over', (pairs) => extreme(pairs, (order) => order >= 0)),
};

const elements: Filter = (input, _path, _env, emit) => {
  for (const item of iterate(input)) {
    step();
    emit(item, undefined);
  }
};

function limit(most: Json, source: Filter, input: Json, path: Path | undefined, env: Env, emit: Emit): void {
  let left = most;
  if (compare(left, 0) <= 0) return;
  stoppable((stop) =>
    source(input, path, env, (value, at) => {
      const before = left;
      // As in `skip`.
      left = null;
      left = binary('-', before, 1);
      emit(value, at);
      if (compare(left, 0) <= 0) stop();
    }),
  );
}

function range(start: Json, end: Json, emit: Emit, input: Json, path: Path | undefined): void {
  if (typeof start !== 'number' || typeof end !== 'number') return fail('Range bounds must be numeric');
  // Not `at < end`: with NaN jq does not stop.
  for (let at = start; !(at >= end); at += 1) {
    step();
    emit(at, pathOfNew(path, input, at));
  }
}

/** With a pace jq goes by its order of values, in which NaN comes first, and by its `+`, which adds what is no number. */
function rangeBy(start: Json, end: Json, pace: Json, path: Path | undefined, emit: Emit): void {
  if (path) return unsupported('the path of range/3');
  const direction = compare(pace, 0);
  for (let at = start; direction !== 0 && compare(at, end) * direction < 0; at = binary('+', at, pace)) {
    step();
    emit(at, undefined);
  }
}

/** A recursion in which the last turn needs no stack; what comes before the last is done at once, as in jq. */
function loop(
  input: Json,
  path: Path | undefined,
  env: Env,
  emit: Emit,
  turn: (value: Json, at: Path | undefined, out: Emit, again: Emit) => void,
): void {
  let here: [Json, Path | undefined] | undefined = [input, path];
  while (here) {
    step();
    const current: [Json, Path | undefined] = here;
    let next: [Json, Path | undefined] | undefined;
    const late = attempt((out) => {
      const flush = () => {
        const before = next;
        next = undefined;
        if (before) loop(before[0], before[1], env, out, turn);
      };
      turn(
        current[0],
        current[1],
        (value, at) => {
          flush();
          out(value, at);
        },
        (value, at) => {
          flush();
          next = [value, at];
        },
      );
    }, emit);
    if (late) {
      if (next) loop(next[0], next[1], env, emit, turn);
      raise(late.value);
    }
    here = next;
  }
}

/** Whether some output is as wanted: `any`, and the contrary of `all`. */
function some(source: Filter, condition: Filter, wanted: boolean): Filter {
  return (input, path, env, emit) => {
    if (path) return unsupported('the path of any or all');
    let found = false;
    stoppable((stop) =>
      source(input, undefined, env, (value) =>
        condition(value, undefined, env, (holds) => {
          if (truthy(holds) !== wanted) return;
          found = true;
          stop();
        }),
      ),
    );
    return emit(found === wanted, undefined);
  };
}

/** `sub` and `gsub`: the replacement sees the named groups as its input; each of its outputs makes one text. */
function substitute(always: string, pattern: Filter, replacement: Filter, flags?: Filter): Filter {
  const nothing: Filter = (_input, _path, _env, emit) => emit(null, undefined);
  return (input, path, env, emit) => {
    if (path) return unsupported('the path of sub or gsub');
    return pattern(input, undefined, env, (expression) =>
      (flags ?? nothing)(input, undefined, env, (given) => {
        if (given !== null && typeof given !== 'string') return fail(`${shown(given)} is not a string`);
        const { text, matches } = matchesOf(input, expression, (given ?? '') + always);
        const results: string[] = [];
        let from = 0;
        for (const match of matches) {
          const gap = text.slice(from, match.start);
          collect(replacement, match.named, env).forEach((output, at) => {
            results[at] = add(results[at] ?? null, add(gap, output)) as string;
          });
          from = match.end;
        }
        if (results.length === 0) return emit(text, undefined);
        for (const result of results) {
          grow(result.length);
          emit(result + text.slice(from), undefined);
        }
        return undefined;
      }),
    );
  };
}

type Pair = [key: Json[], item: Json];

/** Functions that look at the items of an array by a key. */
function keyed(by: Filter, what: string, work: (pairs: Pair[]) => Json): Filter {
  return (input, path, env, emit) => {
    if (!Array.isArray(input)) {
      const keys = iterate(input).map((item) => collect(by, item, env));
      const both = `${shown(input)} and ${shown(keys)} cannot be`;
      return fail(what === 'iterated over' ? `${both} ${what}` : `${both} ${what}, as they are not both arrays`);
    }
    const pairs = input.map((item): Pair => {
      const key: Json[] = [];
      by(item, undefined, env, (value) => key.push(value));
      return [key, item];
    });
    step(pairs.length);
    const output = work(pairs);
    return emit(output, pathOfNew(path, input, output));
  };
}

function sortPairs(pairs: Pair[]): Pair[] {
  return sorted(pairs, ([key]) => key);
}

function groups(pairs: Pair[]): Pair[][] {
  const found: Pair[][] = [];
  for (const pair of sortPairs(pairs)) {
    const last = found.at(-1);
    if (last && equal(last[0]![0], pair[0])) last.push(pair);
    else found.push([pair]);
  }
  return found;
}

function extreme(pairs: Pair[], better: (order: number) => boolean): Json {
  let best: Pair | undefined;
  for (const pair of pairs) if (!best || better(compare(pair[0], best[0]))) best = pair;
  return best ? best[1] : null;
}
