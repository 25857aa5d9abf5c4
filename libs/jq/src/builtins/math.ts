import { unsupported } from '../errors';
import { fail, type Json, shown } from '../values';
import type { ValueFunction } from './index';

type Unary = (x: number) => number;

/** C's functions: those of them that JavaScript's library answers to the last digit as C's does; the others are refused. */
const UNARY: Record<string, Unary> = {
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  sqrt: Math.sqrt,
  fabs: Math.abs,
  // Half away from zero, unlike Math.round.
  round: (x) => (Number.isInteger(x) ? x : Math.sign(x) * Math.round(Math.abs(x))),
  rint: halfEven,
  nearbyint: halfEven,
  logb: (x) => (x === 0 ? -Infinity : Number.isFinite(x) ? frexp(x)[1] - 1 : Math.abs(x)),
  significand: (x) => (x === 0 || !Number.isFinite(x) ? x : frexp(x)[0] * 2),
  log1p: Math.log1p,
  expm1: Math.expm1,
  cbrt: Math.cbrt,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  atanh: Math.atanh,
};

const unary = Object.fromEntries(
  Object.entries(UNARY).map(([name, work]): [string, ValueFunction] => [`${name}/0`, (input) => work(numeric(input))]),
);

export const mathFunctions: Record<string, ValueFunction> = {
  ...unary,
  'pow/2': (_input, base, exponent) => {
    const [x, y] = [numeric(base), numeric(exponent)];
    if (x === 10 && Number.isInteger(y) && Math.abs(y) <= 22) return Number(`1e${y}`);
    // C: one to any power is one, also to NaN.
    if (x === 1 || (x === -1 && !Number.isFinite(y) && !Number.isNaN(y))) return 1;
    if (isExactPower(x, y)) return x ** y;
    return unsupported(`pow(${x}; ${y}), whose last digit depends on C's library: multiply instead`);
  },
  'atan2/2': (_input, y, x) => Math.atan2(numeric(y), numeric(x)),
  'fmin/2': (_input, a, b) => pickNumber(numeric(a), numeric(b), Math.min),
  'fmax/2': (_input, a, b) => pickNumber(numeric(a), numeric(b), Math.max),
  'fmod/2': (_input, a, b) => numeric(a) % numeric(b),
  'fdim/2': (_input, a, b) => {
    const [x, y] = [numeric(a), numeric(b)];
    return x > y ? x - y : x <= y ? 0 : NaN;
  },
  'copysign/2': (_input, a, b) => {
    const [x, y] = [numeric(a), numeric(b)];
    return y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x);
  },
  'ldexp/2': (_input, a, b) => ldexp(numeric(a), numeric(b)),
  'scalb/2': (_input, a, b) => ldexp(numeric(a), numeric(b)),
  'scalbln/2': (_input, a, b) => ldexp(numeric(a), numeric(b)),
  'frexp/0': (input) => {
    const x = numeric(input);
    return Number.isFinite(x) ? frexp(x) : unsupported('frexp of what is not finite, which C leaves open');
  },
  'modf/0': (input) => {
    const x = numeric(input);
    const whole = Math.trunc(x);
    if (Number.isNaN(x)) return [x, x];
    const rest = Number.isFinite(x) ? Math.abs(x - whole) : 0;
    return [x < 0 || Object.is(x, -0) ? -rest : rest, whole];
  },
  'infinite/0': () => Infinity,
  'nan/0': () => NaN,
  'isinfinite/0': (input) => typeof input === 'number' && Math.abs(input) === Infinity,
  'isnan/0': (input) => Number.isNaN(input),
  'isnormal/0': (input) => {
    const size = typeof input === 'number' ? Math.abs(input) : 0;
    return size >= 2 ** -1022 && size !== Infinity;
  },
};

function halfEven(x: number): number {
  const down = Math.floor(x);
  const rounded = x - down === 0.5 ? down + (down % 2 === 0 ? 0 : 1) : Math.round(x);
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded;
}

/** x = fraction · 2^exponent, the fraction from a half to one. */
function frexp(x: number): [number, number] {
  if (x === 0 || !Number.isFinite(x)) return [x, 0];
  let [fraction, exponent] = [x, 0];
  for (; Math.abs(fraction) >= 1; exponent += 1) fraction /= 2;
  for (; Math.abs(fraction) < 0.5; exponent -= 1) fraction *= 2;
  return [fraction, exponent];
}

function ldexp(x: number, exponent: number): number {
  if (!Number.isInteger(exponent) || Math.abs(exponent) > 1_000) return unsupported('an exponent this large');
  return x * 2 ** exponent;
}

/** Whether the power is a double without rounding, or none of the finite numbers is in it. */
function isExactPower(x: number, y: number): boolean {
  if (!Number.isFinite(x) || !Number.isFinite(y) || x === 0 || y === 0 || y === 1) return true;
  if (!Number.isInteger(y)) return x < 0;
  if (y < 0) return Math.abs(frexp(x)[0]) === 0.5;
  let odd = Math.abs(frexp(x)[0]);
  while (!Number.isInteger(odd)) odd *= 2;
  while (odd % 2 === 0) odd /= 2;
  return y * Math.log2(odd) < 53;
}

function numeric(value: Json): number {
  return typeof value === 'number' ? value : fail(`${shown(value)} number required`);
}

function pickNumber(a: number, b: number, work: (a: number, b: number) => number): number {
  if (Number.isNaN(a)) return b;
  return Number.isNaN(b) ? a : work(a, b);
}
