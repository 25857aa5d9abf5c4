import { JqSyntaxError, JqUnsupportedError, positionOf } from './errors';

export type TokenKind = 'number' | 'string' | 'format' | 'field' | 'name' | 'variable' | 'op' | 'keyword' | 'end';

export interface Token {
  kind: TokenKind;
  text: string;
  start: number;
  /** Of a string: its pieces, texts and the tokens of what is interpolated. */
  parts?: (string | Token[])[];
}

const KEYWORDS = new Set(
  'def if then elif else end as reduce foreach try catch label import include and or __loc__'.split(' '),
);
const OPERATORS = [
  '?//=',
  '?//',
  '//=',
  '|=',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '==',
  '!=',
  '<=',
  '>=',
  '//',
  '..',
  '.',
  '[',
  ']',
  '(',
  ')',
  '{',
  '}',
  '|',
  ',',
  ':',
  ';',
  '=',
  '<',
  '>',
  '+',
  '-',
  '*',
  '/',
  '%',
  '?',
  '$',
];
/** Of a name or a number, in characters. */
const LONGEST = 1_000;
const NUMBER = /^(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*/;
const ESCAPES: Record<string, string> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** @throws JqSyntaxError */
export function tokenize(source: string): Token[] {
  return new Lexer(source).all();
}

class Lexer {
  private at = 0;

  constructor(private readonly source: string) {}

  all(): Token[] {
    const tokens = this.until(undefined);
    tokens.push({ kind: 'end', text: 'end of the expression', start: this.source.length });
    return tokens;
  }

  /** @param closing the bracket that ends an interpolation */
  private until(closing: ')' | undefined): Token[] {
    const tokens: Token[] = [];
    let depth = 0;
    for (;;) {
      this.skip();
      if (this.at >= this.source.length) {
        if (closing) throw this.error('the interpolation is not closed');
        return tokens;
      }
      const token = this.next();
      if (closing && token.kind === 'op') {
        if (token.text === '(') depth += 1;
        if (token.text === ')' && depth-- === 0) return tokens;
      }
      tokens.push(token);
    }
  }

  private skip(): void {
    for (;;) {
      while (/[ \t\r\n]/.test(this.source[this.at] ?? '')) this.at += 1;
      if (this.source[this.at] !== '#') return;
      const start = this.at;
      while (this.at < this.source.length && this.source[this.at] !== '\n') this.at += 1;
      if (/\\\r?$/.test(this.source.slice(start, this.at)))
        throw new JqUnsupportedError('a comment that ends in a backslash', positionOf(this.source, start));
    }
  }

  private next(): Token {
    const start = this.at;
    const rest = this.source.slice(start, start + LONGEST);
    const first = rest[0]!;
    if (first === '"') return this.string(start);
    const number = NUMBER.exec(rest)?.[0];
    if (number) return this.take('number', number, start, number.length);
    if (first === '@') {
      const name = /^@[A-Za-z0-9_]+/.exec(rest)?.[0];
      if (name) return this.take('format', name, start, name.length);
    }
    const field = first === '.' ? /^\.[A-Za-z_][A-Za-z0-9_]*/.exec(rest)?.[0] : undefined;
    if (field) return this.take('field', field.slice(1), start, field.length);
    const variable =
      first === '$' ? /^\$\s*[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*/.exec(rest)?.[0] : undefined;
    if (variable) return this.take('variable', variable.slice(1).trim(), start, variable.length);
    const name = NAME.exec(rest)?.[0];
    if (name) return this.take(KEYWORDS.has(name) ? 'keyword' : 'name', name, start, name.length);
    const operator = OPERATORS.find((one) => rest.startsWith(one));
    if (operator) return this.take('op', operator, start, operator.length);
    throw this.error(`"${first}" has no place here`);
  }

  private take(kind: TokenKind, text: string, start: number, length: number): Token {
    if (length >= LONGEST) throw new JqUnsupportedError('a name this long', positionOf(this.source, start));
    this.at = start + length;
    return { kind, text, start };
  }

  private string(start: number): Token {
    const parts: (string | Token[])[] = [];
    let text = '';
    this.at += 1;
    for (;;) {
      const character = this.source[this.at];
      if (character === undefined) throw new JqSyntaxError('the string is not closed', positionOf(this.source, start));
      this.at += 1;
      if (character === '"') break;
      if (character !== '\\') {
        text += character;
        continue;
      }
      const escape = this.source[this.at];
      this.at += 1;
      if (escape === '(') {
        parts.push(text);
        text = '';
        const inner = this.until(')');
        parts.push([...inner, { kind: 'end', text: 'end of the interpolation', start: this.at - 1 }]);
      } else if (escape === 'u') {
        text += this.unicode();
      } else {
        const plain = ESCAPES[escape ?? ''];
        if (plain === undefined) throw this.error('the escape is not one of JSON');
        text += plain;
      }
    }
    parts.push(text);
    return { kind: 'string', text: this.source.slice(start, this.at), start, parts };
  }

  private unicode(): string {
    const hex = this.source.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw this.error('\\u needs four hexadecimal digits');
    this.at += 4;
    const unit = Number.parseInt(hex, 16);
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const low = /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(this.source.slice(this.at, this.at + 6))?.[1];
      if (unit > 0xdbff || !low)
        throw new JqUnsupportedError('a lone surrogate is no text', positionOf(this.source, this.at));
      this.at += 6;
      return String.fromCharCode(unit, Number.parseInt(low, 16));
    }
    return String.fromCharCode(unit);
  }

  private error(problem: string): JqSyntaxError {
    return new JqSyntaxError(problem, positionOf(this.source, this.at));
  }
}
