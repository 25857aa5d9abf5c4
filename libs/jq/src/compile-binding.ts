import type { Node, Pattern } from './ast';
import { depth, resumeAt, step } from './budget';
import type { Compiler, Scope } from './compile';
import { index } from './paths';
import { BreakSignal, Downstream, type Emit, type Env, type Filter } from './runtime';
import { Raised, unsupported } from './errors';
import { fail, type Json, typeOf } from './values';

type Bindings = ReadonlyMap<string, Json>;
/** Hands on each way a value fits a pattern. */
type Matcher = (value: Json, env: Env, bound: Bindings, next: (bound: Bindings) => void) => void;

/** What `as` binds: with alternatives (`?//`) every name of all of them, null where one does not have it. */
interface Binder {
  scope: Scope | null;
  /** Runs `body` with the names bound; an error tries the next alternative. */
  bind(value: Json, env: Env, body: (env: Env, emit: Emit) => void, emit: Emit): void;
}

function compileBinder(compiler: Compiler, patterns: Pattern[], scope: Scope | null): Binder {
  const names = [...new Set(patterns.flatMap(namesIn))];
  const matchers = patterns.map((pattern) => compilePattern(compiler, pattern, scope));
  const inner = names.reduce<Scope | null>((outer, name) => ({ up: outer, kind: 'variable', name, arity: 0 }), scope);
  const extend = (env: Env, bound: Bindings) =>
    names.reduce<Env>((outer, name) => ({ up: outer, value: bound.get(name) ?? null }), env);
  return {
    scope: inner,
    bind(value, env, body, emit) {
      const outer = depth();
      for (const [position, match] of matchers.entries()) {
        const run = () => match(value, env, new Map(), (bound) => body(extend(env, bound), emit));
        if (position === matchers.length - 1) return run();
        try {
          return run();
        } catch (error) {
          // As in jq, also an error of what comes after it tries the next alternative.
          if (error instanceof Downstream || (error instanceof BreakSignal && !error.final))
            return unsupported('leaving a `?//` with break, first or limit');
          if (!(error instanceof Raised)) throw error;
          resumeAt(outer);
        }
      }
    },
  };
}

function namesIn(pattern: Pattern): string[] {
  if (pattern.kind === 'variable') return [pattern.name];
  if (pattern.kind === 'array') return pattern.items.flatMap(namesIn);
  return pattern.entries.flatMap((entry) => [
    ...(entry.variable ? [entry.variable] : []),
    ...(entry.pattern ? namesIn(entry.pattern) : []),
  ]);
}

function compilePattern(compiler: Compiler, pattern: Pattern, scope: Scope | null): Matcher {
  if (pattern.kind === 'variable') {
    return (value, _env, bound, next) => next(new Map(bound).set(pattern.name, value));
  }
  if (pattern.kind === 'array') {
    const items = pattern.items.map((item) => compilePattern(compiler, item, scope));
    return (value, env, bound, next) => {
      if (value !== null && !Array.isArray(value))
        fail(`Cannot index ${typeOf(value)} with number (${items.length - 1})`);
      const each = (at: number, sofar: Bindings): void => {
        const item = items[at];
        if (!item) return next(sofar);
        return item(index(value, at), env, sofar, (more) => each(at + 1, more));
      };
      each(0, bound);
    };
  }
  const entries = pattern.entries.map((entry) => ({
    key: compiler.compile(entry.key, scope),
    variable: entry.variable,
    inner: entry.pattern && compilePattern(compiler, entry.pattern, scope),
  }));
  return (value, env, bound, next) => {
    const each = (at: number, sofar: Bindings): void => {
      const entry = entries[at];
      if (!entry) return next(sofar);
      // A key that is an expression looks at the value that is taken apart.
      return entry.key(value, undefined, env, (key) => {
        const item = index(value, key);
        const more = entry.variable ? new Map(sofar).set(entry.variable, item) : sofar;
        return entry.inner ? entry.inner(item, env, more, (deeper) => each(at + 1, deeper)) : each(at + 1, more);
      });
    };
    each(0, bound);
  };
}

export function compileAs(compiler: Compiler, node: Extract<Node, { kind: 'as' }>, scope: Scope | null): Filter {
  const source = compiler.compile(node.source, scope);
  const { body: bodyNode, pattern } = node;
  const simple = pattern.length === 1 && pattern[0]!.kind === 'variable' ? pattern[0] : undefined;
  if (simple) {
    const body = compiler.compile(bodyNode, { up: scope, kind: 'variable', name: simple.name, arity: 0 });
    return (input, path, env, emit) =>
      source(input, undefined, env, (value) => body(input, path, { up: env, value }, emit));
  }
  const binder = compileBinder(compiler, pattern, scope);
  const body = compiler.compile(bodyNode, binder.scope);
  return (input, path, env, emit) => {
    // jq takes a pattern's steps for steps of the path, and calls the rest of it invalid.
    if (path) return unsupported('the path of what follows a pattern such as [$x]');
    return source(input, undefined, env, (value) =>
      binder.bind(value, env, (inner, out) => body(input, undefined, inner, out), emit),
    );
  };
}

/** What `reduce` and `foreach` have in common. */
function compileFold(compiler: Compiler, node: Extract<Node, { kind: 'reduce' | 'foreach' }>, scope: Scope | null) {
  const source = compiler.compile(node.source, scope);
  const init = compiler.compile(node.init, scope);
  const binder = compileBinder(compiler, node.pattern, scope);
  return { source, init, binder, update: compiler.compile(node.update, binder.scope) };
}

/** The state after each item is the last output of `update`; none makes it null. */
export function compileReduce(
  compiler: Compiler,
  node: Extract<Node, { kind: 'reduce' }>,
  scope: Scope | null,
): Filter {
  const { source, init, binder, update } = compileFold(compiler, node, scope);
  return (input, path, env, emit) => {
    if (path) return refusePath();
    let sourceInput = input;
    return init(input, undefined, env, (first) => {
      let state: Json = first;
      const from = sourceInput;
      // jq's `reduce` gives its input away: where there is more than one initial value the source finds null then.
      sourceInput = null;
      source(from, undefined, env, (value) => {
        binder.bind(
          value,
          env,
          (inner, out) => {
            step();
            const before = state;
            state = null;
            update(before, undefined, inner, out);
          },
          (output) => {
            state = output;
          },
        );
      });
      emit(state, undefined);
    });
  };
}

export function compileForeach(
  compiler: Compiler,
  node: Extract<Node, { kind: 'foreach' }>,
  scope: Scope | null,
): Filter {
  const { source, init, binder, update } = compileFold(compiler, node, scope);
  const extract = node.extract && compiler.compile(node.extract, binder.scope);
  return (input, path, env, emit) => {
    if (path) return refusePath();
    return init(input, undefined, env, (first) => {
      let state: Json = first;
      source(input, undefined, env, (value) =>
        binder.bind(
          value,
          env,
          (inner, out) => {
            step();
            // As in `reduce`: where the update gives nothing, the state is null from there on.
            const before = state;
            state = null;
            update(before, undefined, inner, (output) => {
              state = output;
              if (extract) extract(output, undefined, inner, out);
              else out(output, undefined);
            });
          },
          emit,
        ),
      );
    });
  };
}

/** jq loses track of paths in loops, and calls most of these expressions invalid. */
function refusePath(): never {
  return unsupported('the path of a reduce or foreach');
}
