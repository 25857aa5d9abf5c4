import type { Node } from './ast';
import { grow, step } from './budget';
import type { Compiler, Scope } from './compile';
import { type Filter, pathOfNew } from './runtime';
import { fail, type Json, type JsonObject, put, shown } from './values';

export function compileString(
  compiler: Compiler,
  node: Extract<Node, { kind: 'string' }>,
  scope: Scope | null,
): Filter {
  const format = compiler.format(node.format ?? '@text', node.at);
  const parts = node.parts.map((part) => (typeof part === 'string' ? part : compiler.compile(part, scope)));
  return (input, path, env, emit) => {
    // The last interpolation is the outermost loop, as everywhere in jq.
    const build = (at: number, tail: string): void => {
      step();
      if (at < 0) {
        grow(tail.length);
        return emit(tail, pathOfNew(path, input, tail));
      }
      const part = parts[at]!;
      if (typeof part === 'string') return build(at - 1, part + tail);
      return part(input, undefined, env, (value) => {
        if (typeof value === 'string') step(value.length >> 6);
        return build(at - 1, format(value) + tail);
      });
    };
    build(parts.length - 1, '');
  };
}

export function compileArray(compiler: Compiler, node: Extract<Node, { kind: 'array' }>, scope: Scope | null): Filter {
  if (!node.body) return (input, path, _env, emit) => emit([], pathOfNew(path, input, []));
  const body = compiler.compile(node.body, scope);
  return (input, path, env, emit) => {
    const items: Json[] = [];
    // With the path: jq looks at the steps within, though an array has no path.
    body(input, path, env, (value) => {
      grow(1);
      step();
      items.push(value);
    });
    emit(items, pathOfNew(path, input, items));
  };
}

export function compileObject(
  compiler: Compiler,
  node: Extract<Node, { kind: 'object' }>,
  scope: Scope | null,
): Filter {
  const entries = node.entries.map(({ key, value }) => ({
    key: compiler.compile(key, scope),
    value: compiler.compile(value, scope),
  }));
  return (input, path, env, emit) => {
    const build = (at: number, pairs: readonly [string, Json][]): void => {
      const entry = entries[at];
      if (!entry) {
        const object: JsonObject = {};
        for (const [key, value] of pairs) put(object, key, value);
        grow(pairs.length);
        return emit(object, pathOfNew(path, input, object));
      }
      return entry.key(input, undefined, env, (key) => {
        step();
        return entry.value(input, undefined, env, (value) => {
          if (typeof key !== 'string') return fail(`Cannot use ${shown(key)} as object key`);
          return build(at + 1, [...pairs, [key, value]]);
        });
      });
    };
    build(0, []);
  };
}
