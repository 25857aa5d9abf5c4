import type { Node } from '../ast';
import { JqUnsupportedError, positionOf, unsupported } from '../errors';
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
    const parts = input.slice(0, 8);
    if (!parts.every((part) => typeof part === 'number' && !Number.isNaN(part)))
      return fail('mktime requires parsed datetime inputs');
    const time = secondsOf(parts as number[]);
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
    const parts = broken.slice(0, 8);
    while (parts.length < 6) parts.push(0);
    if (!parts.every((part) => typeof part === 'number' && !Number.isNaN(part)))
      return fail('strftime/1 requires parsed datetime inputs');
    const seconds = secondsOf(parts as number[]);
    if (broken === input && !isRegular(seconds, parts as number[]))
      return unsupported('strftime of a date that does not exist');
    return strftime(seconds, format);
  },
  'fromdateiso8601/0': (input) => {
    if (typeof input !== 'string') return fail(`strptime/1 requires string inputs and arguments`);
    const strict = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/.test(input);
    if (!strict && /^\s*[+-]?\d+\s*-/.test(input) && !/T(?:2[4-9]|[3-9]\d)/.test(input))
      return unsupported('a date that is not written YYYY-MM-DDTHH:MM:SSZ');
    // As in `secondsOf`.
    if (strict && Number(input.slice(0, 4)) < 100) return unsupported('a year below 100');
    if (!strict || Number.isNaN(Date.parse(input))) {
      return fail(`date "${input}" does not match format "%Y-%m-%dT%H:%M:%SZ"`);
    }
    return Date.parse(input) / 1_000;
  },
};

/** As C's timegm: parts are cut to integers, and need not be in their bounds. @throws JqUnsupportedError */
function secondsOf(parts: number[]): number {
  const [year = 1900, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = parts.map(Math.trunc);
  const date = new Date(0);
  // Not Date.UTC, which takes the year 50 for 1950.
  date.setUTCFullYear(year, month, day);
  // jq-wasm's C library, with which ours is compared, takes years below 100 for those of the last century.
  if (year < 100) return unsupported('a year below 100');
  const time = date.setUTCHours(hours, minutes, seconds) / 1_000;
  return Number.isNaN(time) ? unsupported('a date this far away') : time;
}

/** Whether the parts are those of the time they stand for. */
function isRegular(seconds: number, parts: number[]): boolean {
  const regular = gmtime(seconds) as number[];
  // jq works out the weekday and the day of the year itself.
  return parts.every((part, at) => at > 5 || Math.trunc(part) === regular[at]);
}

function gmtime(seconds: number): Json {
  const date = new Date(Math.trunc(seconds) * 1_000);
  if (Number.isNaN(date.getTime())) return unsupported(`the date ${shown(seconds)}`);
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
  const year = date.getUTCFullYear();
  if (year < 0 || year > 9_999) return unsupported(`the year ${year} in strftime`);
  const two = (value: number) => String(value).padStart(2, '0');
  const directives: Record<string, () => string> = {
    Y: () => String(year).padStart(4, '0'),
    m: () => two(date.getUTCMonth() + 1),
    d: () => two(date.getUTCDate()),
    e: () => String(date.getUTCDate()).padStart(2, ' '),
    H: () => two(date.getUTCHours()),
    M: () => two(date.getUTCMinutes()),
    S: () => two(date.getUTCSeconds()),
    I: () => two(date.getUTCHours() % 12 || 12),
    y: () => two(year % 100),
    u: () => String(date.getUTCDay() || 7),
    w: () => String(date.getUTCDay()),
    j: () => String(dayOfYear(date) + 1).padStart(3, '0'),
    A: () => DAYS[date.getUTCDay()]!,
    a: () => DAYS[date.getUTCDay()]!.slice(0, 3),
    B: () => MONTHS[date.getUTCMonth()]!,
    b: () => MONTHS[date.getUTCMonth()]!.slice(0, 3),
    z: () => '+0000',
    s: () => String(seconds),
    '%': () => '%',
  };
  return expanded(format).replace(/%(.?)/gs, (_, letter: string) => {
    const directive = Object.hasOwn(directives, letter) ? directives[letter] : undefined;
    return directive ? directive() : unsupported(`%${letter} in strftime`);
  });
}

function expanded(format: string): string {
  return format.replaceAll('%F', '%Y-%m-%d').replaceAll('%T', '%H:%M:%S');
}

/** A format that is written in the source is looked at when that is compiled. @throws JqUnsupportedError */
export function checkFormat(name: string, args: Node[], source: string, at: number): void {
  const format = args[0];
  if (name !== 'strftime' || format?.kind !== 'literal' || typeof format.value !== 'string') return;
  const unknown = /%(?![YmdeHMSIyuwjAaBbzs%]|$)./su.exec(expanded(format.value).replaceAll('%%', ''))?.[0];
  if (unknown || /(?:^|[^%])(?:%%)*%$/.test(format.value))
    throw new JqUnsupportedError(`${unknown ?? '%'} in strftime`, positionOf(source, at));
}
