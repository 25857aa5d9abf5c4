import { Compiler, type Scope } from '../compile';
import { type Definition } from '../ast';
import { parseDefinitions } from '../parser';
import { type Env, type Filter, pathOfNew } from '../runtime';
import { noteOddNumbers, step } from '../budget';
import { unsupported } from '../errors';
import { fail, type Json, shown } from '../values';
import { controls } from './control';
import { dateFunctions } from './dates';
import { FORMATS } from './formats';
import { mathFunctions } from './math';
import { PRELUDE } from './prelude';
import { regexFunctions } from './regex';
import { textFunctions } from './text';
import { valueFunctions } from './values';

/** A function of its input and the values of its arguments. */
export type ValueFunction = (input: Json, ...args: Json[]) => Json;

/** In jq, and refused here: they reach outside of the expression, or cannot be answered as jq does. */
const REFUSED = new Set(
  (
    'env/0 input/0 inputs/0 debug/0 debug/1 stderr/0 input_filename/0 input_line_number/0 halt/0 halt_error/0 ' +
    'halt_error/1 get_search_list/0 get_jq_origin/0 get_prog_origin/0 modulemeta/0 builtins/0 have_decnum/0 ' +
    'have_literal_numbers/0 localtime/0 strflocaltime/1 strptime/1 date/0 dateadd/2 datesub/2 dateadd/1 getjob/0 ' +
    // C's libraries differ in the last digit of these, and JavaScript's from all of them.
    'exp/0 exp2/0 log/0 log2/0 log10/0 sin/0 cos/0 sinh/0 cosh/0 tanh/0 asinh/0 acosh/0 ' +
    'exp10/0 pow10/0 gamma/0 lgamma/0 lgamma_r/0 tgamma/0 erf/0 erfc/0 j0/0 j1/0 jn/2 y0/0 y1/0 yn/2 fma/3 hypot/2 ' +
    'nextafter/2 nexttoward/2 drem/2 remainder/2 ' +
    // jq's own, which its programs may call, too.
    '_plus/2 _minus/2 _multiply/2 _divide/2 _mod/2 _equal/2 _notequal/2 _less/2 _lesseq/2 _greater/2 _greatereq/2 ' +
    '_negate/0 _strindices/1 _flatten/1 _match_impl/3 _assign/2 _modify/2 _sort_by_impl/1 _group_by_impl/1 ' +
    '_unique_by_impl/1 _min_by_impl/1 _max_by_impl/1'
  ).split(/\s+/),
);

const functions: Record<string, ValueFunction> = {
  ...valueFunctions,
  ...textFunctions,
  ...mathFunctions,
  ...regexFunctions,
  ...dateFunctions,
  'format/1': (input, name) => {
    if (typeof name !== 'string') return fail(`${shown(name)} is not a valid format`);
    const format = Object.hasOwn(FORMATS, `@${name}`) ? FORMATS[`@${name}`] : undefined;
    return format ? format(input) : fail(`${name} is not a valid format`);
  },
};

const written = new Map<string, Definition>();
for (const definition of parseDefinitions(PRELUDE))
  written.set(`${definition.name}/${definition.params.length}`, definition);
const compiled = new Map<string, Scope>();

/**
 * jq's own functions: native ones, or written in jq and compiled when first used.
 *
 * @param internal whether those whose names start with `_`, which are only the prelude's, are known
 */
export function lookUpBuiltin(name: string, args: Filter[], internal: boolean): Filter | 'unsupported' | undefined {
  const key = `${name}/${args.length}`;
  if (name.startsWith('_') && !internal) return REFUSED.has(key) ? 'unsupported' : undefined;
  const control = Object.hasOwn(controls, key) ? controls[key] : undefined;
  if (control) return control(...args);
  const native = Object.hasOwn(functions, key) ? functions[key] : undefined;
  if (native) {
    const refused = OTHER_PATHS.has(key) ? key : undefined;
    return ofFunction(native, args, { refused, quick: QUICK.has(key) });
  }
  const definition = written.get(key);
  if (definition) return ofDefinition(key, definition, args);
  return REFUSED.has(key) ? 'unsupported' : undefined;
}

/** Those that jq writes in jq, in a way that leads to other paths than what is native here. */
const OTHER_PATHS = new Set(
  'flatten/1 _flatten/1 ltrimstr/1 rtrimstr/1 trimstr/1 indices/1 ascii_downcase/0 ascii_upcase/0 _matches/2 test/2 _split/2'.split(
    ' ',
  ),
);

/** Steps to look at all of a string or an array. */
function costOf(input: Json): number {
  return typeof input === 'string' || Array.isArray(input) ? 1 + (input.length >> 6) : 1;
}

/** Those that take no longer for a long array. */
const QUICK = new Set(['length/0', 'type/0', 'has/1']);

/** Every combination of the arguments' outputs; the last argument is the outermost loop. */
/** @param traits `refused`: its name, where it has no path here; `quick`: takes a step whatever its input */
function ofFunction(native: ValueFunction, args: Filter[], traits: { refused?: string; quick: boolean }): Filter {
  const { refused, quick } = traits;
  if (args.length === 0) {
    return (input, path, _env, emit) => {
      if (path && refused) return unsupported(`the path of ${refused}`);
      step(quick && typeof input !== 'string' ? 1 : costOf(input));
      const output = noted(native(input));
      return emit(output, pathOfNew(path, input, output));
    };
  }
  return (input, path, env, emit) => {
    if (path && refused) return unsupported(`the path of ${refused}`);
    const values: Json[] = new Array<Json>(args.length).fill(null);
    const each = (at: number): void => {
      if (at < 0) {
        step(quick && typeof input !== 'string' ? 1 : costOf(input));
        const output = noted(native(input, ...values));
        return emit(output, pathOfNew(path, input, output));
      }
      return args[at]!(input, undefined, env, (value) => {
        values[at] = value;
        each(at - 1);
      });
    };
    each(args.length - 1);
  };
}

function noted(output: Json): Json {
  if (typeof output === 'number' && !Number.isFinite(output)) noteOddNumbers();
  return output;
}

function ofDefinition(key: string, definition: Definition, args: Filter[]): Filter {
  return (input, path, env, emit) => {
    step();
    let scope = compiled.get(key);
    if (!scope) {
      scope = new Compiler(PRELUDE, true).define(definition, null);
      compiled.set(key, scope);
    }
    let inner: Env = { up: null, value: undefined };
    for (const filter of args) inner = { up: inner, value: { filter, env } };
    scope.body!(input, path, inner, emit);
  };
}
