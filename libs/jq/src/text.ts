import { grow, step } from './budget';
import { isObject, type Json, typeOf } from './values';

const LARGEST = '1.7976931348623157e+308';

/** A number as jq writes it: the shortest digits, exponential outside of 1e-5 and 1e17. */
export function numberText(value: number): string {
  if (Number.isNaN(value)) return 'null';
  if (!Number.isFinite(value)) return value > 0 ? LARGEST : `-${LARGEST}`;
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (Number.isSafeInteger(value)) return String(value);
  const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const point = Number(exponent) + 1;
  return (value < 0 ? '-' : '') + placePoint(digits, point);
}

/** David Gay's freedtoa layout, which jq uses. */
function placePoint(digits: string, point: number): string {
  if (point <= -5 || point > digits.length + 15) {
    const rest = digits.slice(1);
    const exponent = point - 1;
    const sign = exponent < 0 ? '-' : '+';
    return `${digits[0]}${rest ? `.${rest}` : ''}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  return point >= digits.length ? digits.padEnd(point, '0') : `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** JSON as jq writes it. Parts may be shared many times over, so what is written counts, not what there is. */
export function toJson(value: Json): string {
  step();
  if (Array.isArray(value)) {
    const items: string[] = [];
    for (const item of value) items.push(toJson(item));
    return `[${items.join(',')}]`;
  }
  if (isObject(value)) {
    const fields: string[] = [];
    for (const key of Object.keys(value)) {
      const field = value[key];
      if (field !== undefined) fields.push(`${stringJson(key)}:${toJson(field)}`);
    }
    return `{${fields.join(',')}}`;
  }
  const text = scalarJson(value);
  grow(text.length);
  return text;
}

function scalarJson(value: null | boolean | number | string): string {
  if (typeof value === 'number') return numberText(value);
  return typeof value === 'string' ? stringJson(value) : String(value);
}

/** Nothing in it is escaped. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** JSON.stringify, and DEL escaped as jq does. */
function stringJson(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(text.toWellFormed()).replaceAll('\u007f', '\\u007f');
}

/** The beginning of the JSON, whatever the size of the value. */
function beginning(value: Json, most: number): string {
  let out = '';
  const write = (part: Json): void => {
    if (out.length > most) return;
    if (Array.isArray(part)) {
      out += '[';
      for (const [at, item] of part.entries()) {
        if (out.length > most) return;
        if (at > 0) out += ',';
        write(item);
      }
      out += ']';
    } else if (isObject(part)) {
      out += '{';
      let first = true;
      for (const key in part) {
        if (out.length > most) return;
        out += `${first ? '' : ','}${stringJson(key.slice(0, most + 1))}:`;
        first = false;
        write(part[key]!);
      }
      out += '}';
    } else {
      out += scalarJson(typeof part === 'string' ? part.slice(0, most + 1) : part);
    }
  };
  write(value);
  return out;
}

/** A value in a message: at most so many bytes of its JSON, the end shown as `...` and the closing bracket. */
export function preview(value: Json, most = 29): string {
  const text = beginning(value, most);
  if (Buffer.byteLength(text) <= most) return text;
  const closing = typeof value === 'string' ? '"' : Array.isArray(value) ? ']' : isObject(value) ? '}' : '';
  const kept = Buffer.from(text).subarray(0, most - 3 - closing.length);
  return `${new TextDecoder().decode(kept).replace(/\ufffd+$/, '')}...${closing}`;
}

/** A value in an error message. */
export function shown(value: Json): string {
  return `${typeOf(value)} (${preview(value)})`;
}
