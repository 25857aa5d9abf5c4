import type { BinaryOp, Node } from './ast';
import { binary } from './operators';
import { deletePaths, getPath, setPath } from './paths';
import { unsupported } from './errors';
import { type Env, type Filter, pathArray, ROOT, stoppable } from './runtime';
import { compare, type Json, truthy } from './values';

/** `left op right`, where `left` is a path expression. */
export function compileAssignment(node: Extract<Node, { kind: 'assign' }>, left: Filter, right: Filter): Filter {
  if (node.op === '|=') {
    return (input, path, env, emit) => {
      if (path) return refusePath();
      return emit(
        modify(left, input, env, (old) => firstOf(right, old, env)),
        undefined,
      );
    };
  }
  const change = changeOf(node.op);
  return (input, path, env, emit) => {
    if (path) return refusePath();
    return right(input, undefined, env, (value) => {
      let result = input;
      left(input, ROOT, env, (part, at) => {
        const keys = pathArray(at!, part);
        // As in `reduce`: after an error that a `?//` in the path expression catches, it goes on with null.
        const before = result;
        result = null;
        result = setPath(before, keys, change ? change(getPath(before, keys), value) : value);
      });
      emit(result, undefined);
    });
  };
}

/** It may give its very input, and then jq goes on from there. */
function refusePath(): never {
  return unsupported('the path of an assignment');
}

function changeOf(op: string): ((old: Json, value: Json) => Json) | undefined {
  if (op === '=') return undefined;
  if (op === '//=') return (old, value) => (truthy(old) ? old : value);
  return (old, value) => binary(op.slice(0, -1) as BinaryOp, old, value);
}

/** Replaces each part by the first output for it; where there is none the part goes. */
export function modify(paths: Filter, input: Json, env: Env, update: (old: Json) => Json | undefined): Json {
  let result = input;
  const gone: Json[][] = [];
  let failed = false;
  paths(input, ROOT, env, (part, at) => {
    if (failed) return unsupported('an update that goes on after an error');
    failed = true;
    const keys = pathArray(at!, part);
    const updated = update(getPath(result, keys));
    if (updated === undefined) gone.push(keys);
    else result = setPath(result, keys, updated);
    failed = false;
  });
  return deleteAll(result, gone);
}

export function deleteAll(value: Json, paths: Json[][]): Json {
  const sorted = [...paths].sort(compare);
  return sorted[0]?.length === 0 ? null : deletePaths(value, sorted);
}

function firstOf(filter: Filter, input: Json, env: Env): Json | undefined {
  let found: Json | undefined;
  stoppable((stop) => {
    filter(input, undefined, env, (output) => {
      found = output;
      stop();
    });
  });
  return found;
}
