import { fail, type Json, shown } from '../values';
import type { ValueFunction } from './index';

type Unary = (x: number) => number;

/** C's functions that JavaScript's give the same answers for. */
const UNARY: Record<string, Unary> = {
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  sqrt: Math.sqrt,
  fabs: Math.abs,
  // Half away from zero, unlike Math.round.
  round: (x) => (Number.isInteger(x) ? x : Math.sign(x) * Math.round(Math.abs(x))),
  exp: Math.exp,
  exp2: (x) => 2 ** x,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  log1p: Math.log1p,
  expm1: Math.expm1,
  cbrt: Math.cbrt,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
};

const unary = Object.fromEntries(
  Object.entries(UNARY).map(([name, work]): [string, ValueFunction] => [`${name}/0`, (input) => work(numeric(input))]),
);

export const mathFunctions: Record<string, ValueFunction> = {
  ...unary,
  'pow/2': (_input, base, exponent) => {
    const [x, y] = [numeric(base), numeric(exponent)];
    // C: one to any power is one, also to NaN.
    return x === 1 || (x === -1 && !Number.isFinite(y) && !Number.isNaN(y)) ? 1 : x ** y;
  },
  'atan2/2': (_input, y, x) => Math.atan2(numeric(y), numeric(x)),
  'fmin/2': (_input, a, b) => pickNumber(numeric(a), numeric(b), Math.min),
  'fmax/2': (_input, a, b) => pickNumber(numeric(a), numeric(b), Math.max),
  'fmod/2': (_input, a, b) => numeric(a) % numeric(b),
  'infinite/0': () => Infinity,
  'nan/0': () => NaN,
  'isinfinite/0': (input) => typeof input === 'number' && Math.abs(input) === Infinity,
  'isnan/0': (input) => Number.isNaN(input),
  'isnormal/0': (input) => {
    const size = typeof input === 'number' ? Math.abs(input) : 0;
    return size >= 2 ** -1022 && size !== Infinity;
  },
};

function numeric(value: Json): number {
  return typeof value === 'number' ? value : fail(`${shown(value)} number required`);
}

function pickNumber(a: number, b: number, work: (a: number, b: number) => number): number {
  if (Number.isNaN(a)) return b;
  return Number.isNaN(b) ? a : work(a, b);
}
