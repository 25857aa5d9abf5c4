import type { Definition, Node } from './ast';
import { depth, enter, leave, resumeAt, step } from './budget';
import { FORMATS } from './builtins/formats';
import { lookUpBuiltin } from './builtins';
import { checkFormat } from './builtins/dates';
import { checkPattern, withFlags } from './builtins/regex';
import { compileAssignment } from './compile-assignment';
import { compileForeach, compileReduce, compileAs } from './compile-binding';
import { compileArray, compileObject, compileString } from './compile-construction';
import { checkPath, TAKES_PATHS } from './path-check';
import { compileIndex, compileIterate, compileSlice } from './compile-steps';
import { JqSyntaxError, JqUnsupportedError, positionOf, unsupported } from './errors';
import { binary } from './operators';
import { attempt, BreakSignal, type Closure, type Env, type Filter, pathOfNew } from './runtime';
import { fail, type Json, shown, truthy } from './values';

/** Names in scope while compiling; one entry for each link of the `Env` at run time. */
export interface Scope {
  up: Scope | null;
  kind: 'variable' | 'closure' | 'function' | 'label';
  name: string;
  arity: number;
  /** Of a function: set once its body is compiled, so that it may call itself. */
  body?: Filter;
  params?: readonly string[];
}

export class Compiler {
  /** @param internal whether it compiles the prelude */
  constructor(
    private readonly source: string,
    private readonly internal = false,
  ) {}

  /** @throws JqSyntaxError for a name that is not defined, JqUnsupportedError */
  compile(node: Node, scope: Scope | null): Filter {
    switch (node.kind) {
      case 'identity':
        return (input, path, _env, emit) => emit(input, path);
      case 'recurse':
        return this.call({ kind: 'call', name: 'recurse', args: [], at: node.at }, scope);
      case 'literal': {
        const { value } = node;
        return (input, path, _env, emit) => emit(value, pathOfNew(path, input, value));
      }
      case 'string':
        return compileString(this, node, scope);
      case 'format': {
        const format = this.format(node.name, node.at);
        return (input, path, _env, emit) => {
          step(typeof input === 'string' ? 1 + (input.length >> 6) : 1);
          const output = format(input);
          emit(output, pathOfNew(path, input, output));
        };
      }
      case 'index':
        return compileIndex(this, node, scope);
      case 'slice':
        return compileSlice(this, node, scope);
      case 'iterate':
        return compileIterate(this, node, scope);
      case 'try':
        return this.try(node, scope);
      case 'pipe': {
        const left = this.compile(node.left, scope);
        const right = this.compile(node.right, scope);
        return (input, path, env, emit) => left(input, path, env, (value, at) => right(value, at, env, emit));
      }
      case 'comma': {
        const left = this.compile(node.left, scope);
        const right = this.compile(node.right, scope);
        return (input, path, env, emit) => {
          left(input, path, env, emit);
          right(input, path, env, emit);
        };
      }
      case 'negate': {
        const body = this.compile(node.body, scope);
        return (input, path, env, emit) =>
          body(input, undefined, env, (value) => {
            if (typeof value !== 'number') return fail(`${shown(value)} cannot be negated`);
            // As jq does it: -0 is 0.
            const output = 0 - value;
            return emit(output, pathOfNew(path, input, output));
          });
      }
      case 'binary': {
        const { op } = node;
        const left = this.compile(node.left, scope);
        const right = this.compile(node.right, scope);
        return (input, path, env, emit) =>
          right(input, undefined, env, (b) =>
            left(input, undefined, env, (a) => {
              const output = binary(op, a, b);
              emit(output, pathOfNew(path, input, output));
            }),
          );
      }
      case 'and':
      case 'or':
        return this.logic(node, scope);
      case 'alternative':
        return this.alternative(node, scope);
      case 'assign':
        checkPath(node.left, this.source);
        return compileAssignment(node, this.compile(node.left, scope), this.compile(node.right, scope));
      case 'if':
        return this.if(node, scope);
      case 'reduce':
        return compileReduce(this, node, scope);
      case 'foreach':
        return compileForeach(this, node, scope);
      case 'as':
        return compileAs(this, node, scope);
      case 'def': {
        const inner = this.define(node.definition, scope);
        const body = this.compile(node.body, inner);
        return (input, path, env, emit) => body(input, path, { up: env, value: undefined }, emit);
      }
      case 'call':
        return this.call(node, scope);
      case 'variable':
        return this.variable(node, scope);
      case 'array':
        return compileArray(this, node, scope);
      case 'object':
        return compileObject(this, node, scope);
      case 'label': {
        const body = this.compile(node.body, { up: scope, kind: 'label', name: node.name, arity: 0 });
        return (input, path, env, emit) => {
          const label = {};
          const outer = depth();
          try {
            body(input, path, { up: env, value: label }, emit);
          } catch (error) {
            if (!(error instanceof BreakSignal && error.label === label)) throw error;
            resumeAt(outer);
          }
        };
      }
      case 'break': {
        const hops = this.find(scope, 'label', node.name)?.hops;
        if (hops === undefined) throw this.undefined(`$*label-${node.name}`, node.at);
        return (_input, _path, env) => {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- a signal: a stack trace would cost microseconds
          throw new BreakSignal(up(env, hops).value as object);
        };
      }
    }
  }

  /** A scope in which the function is known, also to itself. */
  define({ name, params, body }: Definition, scope: Scope | null): Scope {
    const entry: Scope = { up: scope, kind: 'function', name, arity: params.length, params };
    let inner: Scope = entry;
    for (const param of params) inner = { up: inner, kind: 'closure', name: param.replace('$', ''), arity: 0 };
    // `def f($a): x` is `def f(a): a as $a | x`.
    const bound = params
      .filter((param) => param.startsWith('$'))
      .reduceRight<Node>((rest, param) => {
        const bare = param.slice(1);
        const source: Node = { kind: 'call', name: bare, args: [], at: body.at };
        return { kind: 'as', source, pattern: [{ kind: 'variable', name: bare }], body: rest, at: body.at };
      }, body);
    entry.body = this.compile(bound, inner);
    return entry;
  }

  find(
    scope: Scope | null,
    kind: Scope['kind'] | 'callable',
    name: string,
    arity = 0,
  ): { entry: Scope; hops: number } | undefined {
    let hops = 0;
    for (let entry = scope; entry; entry = entry.up, hops += 1) {
      const fits = kind === 'callable' ? entry.kind === 'function' || entry.kind === 'closure' : entry.kind === kind;
      if (fits && entry.name === name && entry.arity === arity) return { entry, hops };
    }
    return undefined;
  }

  undefined(what: string, at: number): JqSyntaxError {
    return new JqSyntaxError(`${what} is not defined`, positionOf(this.source, at));
  }

  format(name: string, at: number): (value: Json) => string {
    const format = FORMATS[name];
    if (format) return format;
    throw new JqUnsupportedError(`${name.slice(1)} is not a valid format`, positionOf(this.source, at));
  }

  private try(node: Extract<Node, { kind: 'try' }>, scope: Scope | null): Filter {
    const body = this.compile(node.body, scope);
    const handler = node.handler && this.compile(node.handler, scope);
    return (input, path, env, emit) => {
      const error = attempt((inner) => body(input, path, env, inner), emit);
      if (error && handler) handler(error.value, pathOfNew(path, input, error.value), env, emit);
    };
  }

  private logic(node: Extract<Node, { kind: 'and' | 'or' }>, scope: Scope | null): Filter {
    const left = this.compile(node.left, scope);
    const right = this.compile(node.right, scope);
    const decided = node.kind === 'or';
    return (input, path, env, emit) => {
      // jq goes on from the left side's path on the right.
      if (path) return unsupported('the path of `and` or `or`');
      return left(input, undefined, env, (a) => {
        if (truthy(a) === decided) return emit(decided, undefined);
        return right(input, undefined, env, (b) => emit(truthy(b), undefined));
      });
    };
  }

  private alternative(node: Extract<Node, { kind: 'alternative' }>, scope: Scope | null): Filter {
    const left = this.compile(node.left, scope);
    const right = this.compile(node.right, scope);
    return (input, path, env, emit) => {
      let found = false;
      // An error on the left is an error: it does not mean "none".
      left(input, path, env, (value, at) => {
        if (!truthy(value)) return;
        found = true;
        emit(value, at);
      });
      if (!found) right(input, path, env, emit);
    };
  }

  private if(node: Extract<Node, { kind: 'if' }>, scope: Scope | null): Filter {
    const condition = this.compile(node.condition, scope);
    const then = this.compile(node.then, scope);
    const otherwise = node.otherwise ? this.compile(node.otherwise, scope) : undefined;
    return (input, path, env, emit) =>
      condition(input, undefined, env, (value) => {
        if (truthy(value)) return then(input, path, env, emit);
        return otherwise ? otherwise(input, path, env, emit) : emit(input, path);
      });
  }

  private variable(node: Extract<Node, { kind: 'variable' }>, scope: Scope | null): Filter {
    const hops = this.find(scope, 'variable', node.name)?.hops;
    if (hops === undefined) {
      if (node.name === 'ENV')
        throw new JqUnsupportedError('the environment is not open to expressions', positionOf(this.source, node.at));
      throw this.undefined(`$${node.name}`, node.at);
    }
    return (input, path, env, emit) => {
      const value = up(env, hops).value as Json;
      emit(value, pathOfNew(path, input, value));
    };
  }

  private call(node: Extract<Node, { kind: 'call' }>, scope: Scope | null): Filter {
    const { name, args, at } = node;
    const found = this.find(scope, 'callable', name, args.length);
    const filters = (found ? args : withFlags(name, args, at)).map((arg) => this.compile(arg, scope));
    if (!found) {
      checkPattern(name, args, this.source, at);
      checkFormat(name, args, this.source, at);
      if (TAKES_PATHS.has(`${name}/${args.length}`)) checkPath(args[0]!, this.source);
      return this.builtin(name, filters, at);
    }
    const { entry, hops } = found;
    if (entry.kind === 'closure') {
      return (input, path, env, emit) => {
        const closure = up(env, hops).value as Closure;
        enter();
        closure.filter(input, path, closure.env, emit);
        leave();
      };
    }
    return (input, path, env, emit) => {
      enter();
      let inner = up(env, hops);
      for (const filter of filters) inner = { up: inner, value: { filter, env } satisfies Closure };
      entry.body!(input, path, inner, emit);
      leave();
    };
  }

  private builtin(name: string, args: Filter[], at: number): Filter {
    const found = lookUpBuiltin(name, args, this.internal);
    if (found === 'unsupported') {
      throw new JqUnsupportedError(`${name}/${args.length} is not supported here`, positionOf(this.source, at));
    }
    if (!found) throw this.undefined(`${name}/${args.length}`, at);
    return found;
  }
}

export function up(env: Env, hops: number): Env {
  let here = env;
  for (let count = hops; count > 0; count -= 1) here = here.up!;
  return here;
}
