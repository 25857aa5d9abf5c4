import { unsupported } from '../errors';
import { fail, type Json, shown } from '../values';
import type { ValueFunction } from './index';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Dates, in UTC. */
export const dateFunctions: Record<string, ValueFunction> = {
  'now/0': () => Date.now() / 1_000,
  'mktime/0': (input) => {
    if (!Array.isArray(input)) return fail('mktime requires array inputs');
    if (input.length < 6 || !input.every((part) => typeof part === 'number'))
      return fail('mktime requires parsed datetime inputs');
    const time = secondsOf(input);
    // C's timegm says -1 for an error, and jq cannot tell it from the last second of 1969.
    return time === -1 ? fail('invalid gmtime representation') : time;
  },
  'gmtime/0': (input) => {
    if (typeof input !== 'number') return fail('gmtime() requires numeric inputs');
    return gmtime(input);
  },
  'strftime/1': (input, format) => {
    if (typeof format !== 'string') return fail('strftime/1 requires a string format');
    const broken = typeof input === 'number' ? gmtime(input) : input;
    if (!Array.isArray(broken)) return fail('strftime/1 requires parsed datetime inputs');
    if (broken.length < 6 && broken.every((part) => typeof part === 'number'))
      return unsupported('strftime of an incomplete date');
    if (!broken.every((part) => typeof part === 'number')) return fail('strftime/1 requires parsed datetime inputs');
    const seconds = secondsOf(broken);
    if (broken !== input || isRegular(seconds, broken)) return strftime(seconds, format);
    return unsupported('strftime of a date that does not exist, or whose weekday is wrong');
  },
  'fromdateiso8601/0': (input) => {
    if (typeof input !== 'string') return fail(`strptime/1 requires string inputs and arguments`);
    const strict = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/.test(input);
    if (!strict && /^\s*[+-]?\d+\s*-/.test(input) && !/T(?:2[4-9]|[3-9]\d)/.test(input))
      return unsupported('a date that is not written YYYY-MM-DDTHH:MM:SSZ');
    if (!strict || Number.isNaN(Date.parse(input))) {
      return fail(`date "${input}" does not match format "%Y-%m-%dT%H:%M:%SZ"`);
    }
    return Date.parse(input) / 1_000;
  },
};

function secondsOf([year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0]: number[]): number {
  return Math.floor(Date.UTC(year, month, day, hours, minutes, Math.floor(seconds)) / 1_000);
}

/** Whether the parts are those of the time they stand for. */
function isRegular(seconds: number, parts: Json[]): boolean {
  const regular = gmtime(seconds) as number[];
  return parts.every((part, at) => at > 7 || Math.floor(part as number) === regular[at]);
}

function gmtime(seconds: number): Json {
  if (seconds < 0 && !Number.isInteger(seconds)) return unsupported('fractions of seconds before 1970');
  const date = new Date(Math.floor(seconds) * 1_000);
  if (Number.isNaN(date.getTime()))
    return fail(`error converting number of seconds since epoch to datetime: ${shown(seconds)}`);
  return [
    date.getUTCFullYear(),
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds() + (seconds - Math.floor(seconds)),
    date.getUTCDay(),
    dayOfYear(date),
  ];
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000);
}

/** @throws JqRuntimeError for a directive that is not supported here */
function strftime(seconds: number, format: string): string {
  const date = new Date(seconds * 1_000);
  const two = (value: number) => String(value).padStart(2, '0');
  const directives: Record<string, () => string> = {
    Y: () => String(date.getUTCFullYear()),
    m: () => two(date.getUTCMonth() + 1),
    d: () => two(date.getUTCDate()),
    e: () => String(date.getUTCDate()).padStart(2, ' '),
    H: () => two(date.getUTCHours()),
    M: () => two(date.getUTCMinutes()),
    S: () => two(date.getUTCSeconds()),
    I: () => two(date.getUTCHours() % 12 || 12),
    y: () => two(date.getUTCFullYear() % 100),
    u: () => String(date.getUTCDay() || 7),
    w: () => String(date.getUTCDay()),
    j: () => String(dayOfYear(date) + 1).padStart(3, '0'),
    A: () => DAYS[date.getUTCDay()]!,
    a: () => DAYS[date.getUTCDay()]!.slice(0, 3),
    B: () => MONTHS[date.getUTCMonth()]!,
    b: () => MONTHS[date.getUTCMonth()]!.slice(0, 3),
    Z: () => 'UTC',
    z: () => '+0000',
    s: () => String(seconds),
    '%': () => '%',
  };
  const expanded = format.replaceAll('%F', '%Y-%m-%d').replaceAll('%T', '%H:%M:%S');
  return expanded.replace(/%(.?)/gs, (_, letter: string) => {
    const directive = Object.hasOwn(directives, letter) ? directives[letter] : undefined;
    return directive ? directive() : unsupported(`%${letter} in strftime`);
  });
}
