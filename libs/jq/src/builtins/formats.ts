import { fail, type Json, isObject, shown, toJson } from '../values';
import { decodeUtf8 } from './utf8';

/** `@name`, as it is applied to a value or to what a string interpolates. */
export const FORMATS: Record<string, (value: Json) => string> = {
  '@text': text,
  '@json': toJson,
  '@csv': (value) => row(value, 'csv', ',', (item) => `"${item.replaceAll('"', '""').replaceAll('\0', '\\0')}"`),
  '@tsv': (value) => row(value, 'tsv', '\t', (item) => item.replace(/[\\\t\n\r\0]/g, (character) => TSV[character]!)),
  '@html': (value) => text(value).replace(/[<>&'"\0]/g, (character) => ENTITIES[character]!),
  '@uri': (value) =>
    encodeURIComponent(text(value).toWellFormed()).replace(
      /[!'()*]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    ),
  '@urid': (value) => {
    try {
      return decodeURIComponent(text(value));
    } catch {
      return fail(`${shown(text(value))} is not a valid uri encoding`);
    }
  },
  '@sh': (value) => (Array.isArray(value) ? value.map(shell).join(' ') : shell(value)),
  '@base64': (value) => Buffer.from(text(value)).toString('base64'),
  '@base64d': (value) => {
    const given = text(value);
    // What follows the first `=` is not looked at.
    const data = given.split('=', 1)[0]!;
    if (/[^A-Za-z0-9+/]/.test(data)) return fail(`${shown(given)} is not valid base64 data`);
    if (data.length % 4 === 1) return fail(`${shown(given)} trailing base64 byte found`);
    return decodeUtf8(Buffer.from(data, 'base64'));
  },
};

const TSV: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\0': '\\0' };
const ENTITIES: Record<string, string> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  "'": '&apos;',
  '"': '&quot;',
  '\0': '\\0',
};

function text(value: Json): string {
  return typeof value === 'string' ? value : toJson(value);
}

function row(value: Json, name: string, separator: string, quote: (item: string) => string): string {
  if (!Array.isArray(value)) return fail(`${shown(value)} cannot be ${name}-formatted, only array`);
  return value
    .map((item) => {
      if (typeof item === 'string') return quote(item);
      if (item === null) return '';
      if (typeof item === 'number' || typeof item === 'boolean') return Number.isNaN(item) ? '' : toJson(item);
      return fail(`${shown(item)} is not valid in a csv row`);
    })
    .join(separator);
}

function shell(value: Json): string {
  if (Array.isArray(value) || isObject(value)) return fail(`${shown(value)} can not be escaped for shell`);
  return typeof value === 'string' ? `'${value.replaceAll("'", "'\\''").replaceAll('\0', '\\0')}'` : toJson(value);
}
