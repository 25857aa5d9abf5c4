import { raise } from '../errors';
import { type Json, type JsonObject, put } from '../values';
import { decodeUtf8 } from './utf8';

/**
 * JSON as jq reads it (`src/jv_parse.c`), for what JSON.parse refuses: numbers such as 01, .5, nan and infinity, lone
 * surrogates, and errors in jq's words, with its lines and columns, which count bytes.
 *
 * @throws JqRuntimeError
 */
export function parseJson(text: string): Json {
  const bytes = Buffer.from(text.toWellFormed());
  try {
    return new JsonParser(bytes).only();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // C prints up to the first NUL.
    return raise(`${error.message} (while parsing '${text.toWellFormed().split('\0', 1)[0]}')`);
  }
}

/** A number as jq's decimal library reads it; undefined when it is none. */
export function parseNumber(text: string): number | undefined {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  if (/^[+-]?s?nan0*$/i.test(text)) return Number.NaN;
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return undefined;
}

class Problem extends Error {}

type Open = { kind: 'array'; items: Json[] } | { kind: 'object'; object: JsonObject } | { kind: 'key'; key: string };

const DEEPEST = 10_000;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', '/': '/' };

class JsonParser {
  private at = 0;
  private line = 1;
  private column = 0;
  private readonly open: Open[] = [];
  /** What is read and not yet put anywhere. */
  private value: Json | undefined;
  private token: number[] = [];
  private inString: 'no' | 'yes' | 'escape' = 'no';

  constructor(private readonly bytes: Uint8Array) {}

  only(): Json {
    if (this.bytes[0] === BYTE_ORDER_MARK[0]) {
      if (BYTE_ORDER_MARK.some((byte, at) => this.bytes[at] !== byte)) throw new Problem('Malformed BOM');
      this.at = 3;
    }
    const value = this.next();
    if (value === undefined) throw new Problem('Expected JSON value');
    if (this.next() !== undefined) throw new Problem('Unexpected extra JSON values');
    return value;
  }

  private next(): Json | undefined {
    try {
      while (this.at < this.bytes.length) {
        const done = this.scan(this.bytes[this.at++]!);
        if (done !== undefined) return done;
      }
    } catch (error) {
      if (error instanceof Problem) error.message += ` at line ${this.line}, column ${this.column}`;
      throw error;
    }
    return this.end();
  }

  private end(): Json | undefined {
    const where = ` at EOF at line ${this.line}, column ${this.column}`;
    if (this.inString !== 'no') throw new Problem(`Unfinished string${where}`);
    try {
      this.literal();
    } catch (error) {
      if (error instanceof Problem) error.message += where;
      throw error;
    }
    if (this.open.length > 0) throw new Problem(`Unfinished JSON term${where}`);
    return this.take();
  }

  private scan(byte: number): Json | undefined {
    this.column += 1;
    if (byte === 0x0a) {
      this.line += 1;
      this.column = 0;
    }
    if (this.inString !== 'no') return this.scanString(byte);
    const character = String.fromCharCode(byte);
    if (!'[{:,]} \t\r\n"'.includes(character)) {
      this.token.push(byte);
      return undefined;
    }
    this.literal();
    const done = this.take();
    if (byte === QUOTE) this.inString = 'yes';
    else this.structure(character);
    return this.take() ?? done;
  }

  private scanString(byte: number): Json | undefined {
    if (byte === QUOTE && this.inString === 'yes') {
      this.found(this.unescaped());
      this.token = [];
      this.inString = 'no';
      return this.take();
    }
    this.token.push(byte);
    this.inString = byte === BACKSLASH && this.inString === 'yes' ? 'escape' : 'yes';
    return undefined;
  }

  /** A value that is nobody's part is an answer. */
  private take(): Json | undefined {
    if (this.open.length > 0 || this.value === undefined) return undefined;
    const { value } = this;
    this.value = undefined;
    return value;
  }

  private found(value: Json): void {
    if (this.value !== undefined) throw new Problem('Expected separator between values');
    this.value = value;
  }

  private structure(character: string): void {
    const top = this.open.at(-1);
    switch (character) {
      case '[':
      case '{':
        if (this.open.length >= DEEPEST) throw new Problem('Exceeds depth limit for parsing');
        if (this.value !== undefined) throw new Problem('Expected separator between values');
        this.open.push(character === '[' ? { kind: 'array', items: [] } : { kind: 'object', object: {} });
        break;
      case ':':
        if (this.value === undefined) throw new Problem("Expected string key before ':'");
        if (top?.kind !== 'object') throw new Problem("':' not as part of an object");
        if (typeof this.value !== 'string') throw new Problem('Object keys must be strings');
        this.open.push({ kind: 'key', key: this.value });
        this.value = undefined;
        break;
      case ',':
        if (this.value === undefined) throw new Problem("Expected value before ','");
        if (!top) throw new Problem("',' not as part of an object or array");
        if (top.kind === 'object') throw new Problem('Objects must consist of key:value pairs');
        this.add(top);
        break;
      case ']':
        if (top?.kind !== 'array') throw new Problem("Unmatched ']'");
        if (this.value !== undefined) this.add(top);
        else if (top.items.length > 0) throw new Problem('Expected another array element');
        this.open.pop();
        this.value = top.items;
        break;
      case '}':
        this.closeObject(top);
        break;
    }
  }

  private closeObject(top: Open | undefined): void {
    if (!top) throw new Problem("Unmatched '}'");
    if (this.value !== undefined) {
      if (top.kind !== 'key') throw new Problem('Objects must consist of key:value pairs');
      this.add(top);
    } else if (top.kind !== 'object') {
      throw new Problem("Unmatched '}'");
    } else if (Object.keys(top.object).length > 0) {
      throw new Problem('Expected another key-value pair');
    }
    const closed = this.open.pop();
    this.value = closed?.kind === 'object' ? closed.object : null;
  }

  /** The value to the array, or under its key to the object below that. */
  private add(top: Open): void {
    if (top.kind === 'array') top.items.push(this.value!);
    if (top.kind === 'key') {
      this.open.pop();
      const holder = this.open.at(-1);
      if (holder?.kind === 'object') put(holder.object, top.key, this.value!);
    }
    this.value = undefined;
  }

  private literal(): void {
    if (this.token.length === 0) return;
    const text = Buffer.from(this.token).toString('latin1');
    if (text.startsWith("'")) throw new Problem('Invalid string literal; expected ", but got \'');
    const word = /^(?:t|f|nu)/.test(text);
    if (word && !['true', 'false', 'null'].includes(text)) throw new Problem('Invalid literal');
    const value = word ? text === 'true' || (text === 'null' ? null : false) : parseNumber(text.split('\0', 1)[0]!);
    if (value === undefined) throw new Problem('Invalid numeric literal');
    this.found(value);
    this.token = [];
  }

  private unescaped(): string {
    const text = Buffer.from(this.token).toString('latin1');
    const parts: Buffer[] = [];
    for (let at = 0; at < text.length;) {
      if (text[at] !== '\\') {
        const plain = /^[^\\]+/.exec(text.slice(at))![0];
        if (/[\0-\x1f]/.test(plain))
          throw new Problem('Invalid string: control characters from U+0000 through U+001F must be escaped');
        parts.push(Buffer.from(plain, 'latin1'));
        at += plain.length;
        continue;
      }
      const simple = ESCAPES[text[at + 1]!];
      if (simple !== undefined) {
        parts.push(Buffer.from(simple));
        at += 2;
      } else if (text[at + 1] === 'u') {
        const { point, length } = unicode(text.slice(at, at + 12));
        parts.push(encode(point));
        at += length;
      } else throw new Problem('Invalid escape');
    }
    return decodeUtf8(Buffer.concat(parts));
  }
}

/** `\uXXXX`, or two of them that are one code point. */
function unicode(text: string): { point: number; length: number } {
  if (text.length < 6) throw new Problem('Invalid \\uXXXX escape');
  if (!/^\\u[0-9a-fA-F]{4}/.test(text)) throw new Problem('Invalid characters in \\uXXXX escape');
  const high = Number.parseInt(text.slice(2, 6), 16);
  if (high < 0xd800 || high > 0xdbff) return { point: high, length: 6 };
  if (!/^.{6}\\u[dD][c-fC-F][0-9a-fA-F]{2}/.test(text))
    throw new Problem('Invalid \\uXXXX\\uXXXX surrogate pair escape');
  const low = Number.parseInt(text.slice(8, 12), 16);
  return { point: 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), length: 12 };
}

function encode(point: number): Buffer {
  // A lone surrogate is no UTF-8, and becomes U+FFFD.
  return Buffer.from(String.fromCodePoint(point).toWellFormed());
}
