import type { Node } from './ast';
import { step } from './budget';
import type { Compiler, Scope } from './compile';
import { Raised } from './errors';
import { index, iterate } from './paths';
import { below, belowAll, type Filter } from './runtime';
import type { Json, JsonObject } from './values';

type Access = (value: Json, key: Json) => Json;

/** `?` right after a step: what the step itself cannot do has no output. */
function forgiving(value: Json, key: Json): Json {
  try {
    return index(value, key);
  } catch (error) {
    if (error instanceof Raised) return NOTHING;
    throw error;
  }
}

/** Stands for no output; never leaves this file. */
const NOTHING: Json = { '': 'nothing' };

export function compileIndex(compiler: Compiler, node: Extract<Node, { kind: 'index' }>, scope: Scope | null): Filter {
  const access: Access = node.optional ? forgiving : index;
  if (node.key.kind === 'literal') {
    const key = node.key.value;
    if (node.target.kind === 'identity' && !node.optional)
      return (input, path, _env, emit) => {
        // Whether there is a path comes first, as in jq.
        const inner = below(path, key, input);
        emit(index(input, key), inner);
      };
    const target = compiler.compile(node.target, scope);
    return (input, path, env, emit) =>
      target(input, path, env, (value, at) => {
        const inner = below(at, key, value);
        const output = access(value, key);
        if (output !== NOTHING) emit(output, inner);
      });
  }
  const target = compiler.compile(node.target, scope);
  const keys = compiler.compile(node.key, scope);
  return (input, path, env, emit) =>
    target(input, path, env, (value, at) =>
      keys(input, undefined, env, (key) => {
        const inner = below(at, key, value);
        const output = access(value, key);
        if (output !== NOTHING) emit(output, inner);
      }),
    );
}

export function compileSlice(compiler: Compiler, node: Extract<Node, { kind: 'slice' }>, scope: Scope | null): Filter {
  const access: Access = node.optional ? forgiving : index;
  const target = compiler.compile(node.target, scope);
  const nothing: Filter = (_input, _path, _env, emit) => emit(null, undefined);
  const from = node.from ? compiler.compile(node.from, scope) : nothing;
  const to = node.to ? compiler.compile(node.to, scope) : nothing;
  return (input, path, env, emit) =>
    target(input, path, env, (value, at) =>
      to(input, undefined, env, (end) =>
        from(input, undefined, env, (start) => {
          const key: JsonObject = { start, end };
          const inner = below(at, key, value);
          const output = access(value, key);
          if (output !== NOTHING) emit(output, inner);
        }),
      ),
    );
}

export function compileIterate(
  compiler: Compiler,
  node: Extract<Node, { kind: 'iterate' }>,
  scope: Scope | null,
): Filter {
  const target = compiler.compile(node.target, scope);
  const { optional } = node;
  return (input, path, env, emit) =>
    target(input, path, env, (value, at) => {
      const up = belowAll(at, value);
      if (optional && (value === null || typeof value !== 'object')) return;
      if (up === undefined) {
        for (const item of iterate(value)) {
          step();
          emit(item, undefined);
        }
        return;
      }
      const entries = Array.isArray(value) ? value.entries() : Object.entries(iterable(value));
      for (const [key, item] of entries) {
        step();
        emit(item, { up, key });
      }
    });
}

/** @throws JqRuntimeError for what has no parts */
function iterable(value: Json): JsonObject {
  iterate(value);
  return value as JsonObject;
}
