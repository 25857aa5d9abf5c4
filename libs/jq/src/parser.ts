import type { BinaryOp, Definition, Node, Pattern } from './ast';
import { Cursor } from './cursor';
import { JqUnsupportedError, positionOf } from './errors';
import { type Token, tokenize } from './lexer';

/** @throws JqSyntaxError or JqUnsupportedError */
export function parse(source: string): Node {
  const parser = new Parser(source, tokenize(source));
  return parser.whole();
}

/** Definitions only, for the prelude. */
export function parseDefinitions(source: string): Definition[] {
  return new Parser(source, tokenize(source)).definitions();
}

/** jq's precedences, loosest first; `,` and `|` and `//` are handled by their own methods. */
const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);
const ASSIGNMENTS = new Set(['=', '|=', '+=', '-=', '*=', '/=', '%=', '//=']);

class Parser extends Cursor {
  whole(): Node {
    if (this.peek().kind === 'end') return { kind: 'identity', at: 0 };
    const node = this.pipe();
    this.expectEnd();
    return node;
  }

  definitions(): Definition[] {
    const found: Definition[] = [];
    while (this.isKeyword('def')) found.push(this.definition());
    this.expectEnd();
    return found;
  }

  private pipe(): Node {
    const at = this.peek().start;
    if (this.isKeyword('def')) {
      const definition = this.definition();
      return { kind: 'def', definition, body: this.pipe(), at };
    }
    if (this.isKeyword('label')) {
      this.next();
      const name = this.expectKind('variable', 'a name such as $out').text;
      this.expect('|');
      return { kind: 'label', name, body: this.pipe(), at };
    }
    const left = this.comma();
    if (!this.accept('|')) return left;
    return { kind: 'pipe', left, right: this.pipe(), at };
  }

  private comma(): Node {
    let left = this.alternative();
    while (this.isOp(',')) {
      const at = this.next().start;
      left = { kind: 'comma', left, right: this.alternative(), at };
    }
    return left;
  }

  private alternative(): Node {
    const left = this.assignment();
    if (this.isOp('?//')) throw this.unexpected('write a blank between `?` and `//`');
    if (!this.isOp('//')) return left;
    const at = this.next().start;
    return { kind: 'alternative', left, right: this.alternative(), at };
  }

  private assignment(): Node {
    const left = this.or();
    const { kind, text, start: at } = this.peek();
    if (kind !== 'op' || !ASSIGNMENTS.has(text)) return left;
    this.next();
    // `//` binds looser to the left of an assignment and may stand in its value.
    return { kind: 'assign', op: text, left, right: this.alternative(), at };
  }

  private or(): Node {
    let left = this.and();
    while (this.isKeyword('or')) {
      const at = this.next().start;
      left = { kind: 'or', left, right: this.and(), at };
    }
    return left;
  }

  private and(): Node {
    let left = this.comparison();
    while (this.isKeyword('and')) {
      const at = this.next().start;
      left = { kind: 'and', left, right: this.comparison(), at };
    }
    return left;
  }

  private comparison(): Node {
    const left = this.additive();
    const { kind, text, start: at } = this.peek();
    if (kind !== 'op' || !COMPARISONS.has(text)) return left;
    this.next();
    const node: Node = { kind: 'binary', op: text as BinaryOp, left, right: this.additive(), at };
    if (this.peek().kind === 'op' && COMPARISONS.has(this.peek().text))
      throw this.unexpected('comparisons do not chain');
    return node;
  }

  private additive(): Node {
    let left = this.multiplicative();
    while (this.isOp('+') || this.isOp('-')) {
      const { text, start: at } = this.next();
      left = { kind: 'binary', op: text as BinaryOp, left, right: this.multiplicative(), at };
    }
    return left;
  }

  private multiplicative(): Node {
    return this.products(this.factor());
  }

  private products(first: Node): Node {
    let left = first;
    while (this.isOp('*') || this.isOp('/') || this.isOp('%')) {
      const { text, start: at } = this.next();
      const right = this.factor();
      left = { kind: 'binary', op: text as BinaryOp, left, right, at };
    }
    return left;
  }

  private factor(): Node {
    if (!this.isOp('-')) return this.postfix(true);
    const at = this.next().start;
    return { kind: 'negate', body: this.postfix(true), at };
  }

  /** A term with what follows it. @param binds whether `as` may come: not in the head of a reduce */
  private postfix(binds: boolean): Node {
    if (this.isKeyword('try')) return this.try();
    let node = this.primary();
    for (;;) {
      const { kind, text, start: at } = this.peek();
      if (kind === 'field') {
        this.next();
        node = { kind: 'index', target: node, key: { kind: 'literal', value: text, at }, at };
      } else if (this.isOp('.') && this.tokens[this.index + 1]?.kind === 'string') {
        this.next();
        node = { kind: 'index', target: node, key: this.string(this.next()), at };
      } else if (this.isOp('[')) {
        node = this.bracket(node);
      } else if (this.isOp('?')) {
        this.next();
        node = { kind: 'try', body: node, at };
      } else if (binds && this.isKeyword('as')) {
        this.next();
        const pattern = this.patterns();
        this.expect('|');
        return { kind: 'as', source: node, pattern, body: this.pipe(), at };
      } else {
        return node;
      }
    }
  }

  /** `[]`, `[key]`, `[from:to]`. */
  private bracket(target: Node): Node {
    const at = this.expect('[').start;
    if (this.accept(']')) return { kind: 'iterate', target, at };
    if (this.accept(':')) {
      const to = this.pipe();
      this.expect(']');
      return { kind: 'slice', target, to, at };
    }
    const key = this.pipe();
    if (this.accept(':')) {
      if (this.accept(']')) return { kind: 'slice', target, from: key, at };
      const to = this.pipe();
      this.expect(']');
      return { kind: 'slice', target, from: key, to, at };
    }
    this.expect(']');
    return { kind: 'index', target, key, at };
  }

  private try(): Node {
    const at = this.next().start;
    const body = this.postfix(false);
    if (!this.isKeyword('catch')) return { kind: 'try', body, at };
    this.next();
    return { kind: 'try', body, handler: this.postfix(false), at };
  }

  private primary(): Node {
    const token = this.next();
    const at = token.start;
    switch (token.kind) {
      case 'number':
        return { kind: 'literal', value: this.number(token), at };
      case 'string':
        return this.string(token);
      case 'format': {
        if (this.peek().kind === 'string') return this.string(this.next(), token.text);
        return { kind: 'format', name: token.text, at };
      }
      case 'field':
        return { kind: 'index', target: { kind: 'identity', at }, key: { kind: 'literal', value: token.text, at }, at };
      case 'variable':
        if (token.text === '__loc__') return this.location(at);
        return { kind: 'variable', name: token.text, at };
      case 'name':
        return this.call(token);
      case 'keyword':
        return this.keyword(token);
      case 'op':
        return this.bracketed(token);
      default:
        throw this.unexpected('an expression is missing', token);
    }
  }

  private bracketed(token: Token): Node {
    const at = token.start;
    if (token.text === '.') {
      if (this.peek().kind === 'string')
        return { kind: 'index', target: { kind: 'identity', at }, key: this.string(this.next()), at };
      return { kind: 'identity', at };
    }
    if (token.text === '..') return { kind: 'recurse', at };
    if (token.text === '(') {
      const body = this.pipe();
      this.expect(')');
      return body;
    }
    if (token.text === '[') {
      if (this.accept(']')) return { kind: 'array', at };
      const body = this.pipe();
      this.expect(']');
      return { kind: 'array', body, at };
    }
    if (token.text === '{') return this.object(at);
    throw this.unexpected('an expression is missing', token);
  }

  private keyword(token: Token): Node {
    const at = token.start;
    if (token.text === 'if') return this.if(at);
    if (token.text === 'reduce' || token.text === 'foreach') return this.fold(token.text, at);
    if (token.text === 'def') {
      this.index -= 1;
      return this.pipe();
    }
    if (token.text === 'import' || token.text === 'include') {
      throw new JqUnsupportedError('modules are not supported', positionOf(this.source, at));
    }
    throw this.unexpected('an expression is missing', token);
  }

  private if(at: number): Node {
    const condition = this.pipe();
    this.expectKeyword('then');
    const then = this.pipe();
    if (this.isKeyword('elif')) {
      const start = this.next().start;
      return { kind: 'if', condition, then, otherwise: this.if(start), at };
    }
    let otherwise: Node | undefined;
    if (this.isKeyword('else')) {
      this.next();
      otherwise = this.pipe();
    }
    this.expectKeyword('end');
    return { kind: 'if', condition, then, otherwise, at };
  }

  private fold(kind: 'reduce' | 'foreach', at: number): Node {
    const source = this.postfix(false);
    this.expectKeyword('as');
    const pattern = this.patterns();
    this.expect('(');
    const init = this.pipe();
    this.expect(';');
    const update = this.pipe();
    let extract: Node | undefined;
    if (kind === 'foreach' && this.accept(';')) extract = this.pipe();
    this.expect(')');
    return kind === 'reduce'
      ? { kind, source, pattern, init, update, at }
      : { kind, source, pattern, init, update, extract, at };
  }

  private call(token: Token): Node {
    const at = token.start;
    if (token.text === 'break' && this.peek().kind === 'variable') return { kind: 'break', name: this.next().text, at };
    if (['true', 'false', 'null'].includes(token.text) && !this.isOp('(')) {
      return { kind: 'literal', value: token.text === 'null' ? null : token.text === 'true', at };
    }
    const args: Node[] = [];
    if (this.accept('(')) {
      do args.push(this.pipe());
      while (this.accept(';'));
      this.expect(')');
    }
    return { kind: 'call', name: token.text, args, at };
  }

  private definition(): Definition {
    this.expectKeyword('def');
    const token = this.next();
    if (token.kind !== 'name' && token.kind !== 'keyword') throw this.unexpected('a name is missing', token);
    const params: string[] = [];
    if (this.accept('(')) {
      do {
        const param = this.next();
        if (param.kind === 'variable') params.push(`$${param.text}`);
        else if (param.kind === 'name' || param.kind === 'keyword') params.push(param.text);
        else throw this.unexpected('a parameter is missing', param);
      } while (this.accept(';'));
      this.expect(')');
    }
    this.expect(':');
    const body = this.pipe();
    this.expect(';');
    return { name: token.text, params, body };
  }

  private object(at: number): Node {
    const entries: { key: Node; value: Node }[] = [];
    while (!this.isOp('}')) {
      entries.push(this.entry());
      if (!this.accept(',')) break;
    }
    this.expect('}');
    return { kind: 'object', entries, at };
  }

  private entry(): { key: Node; value: Node } {
    const token = this.next();
    const at = token.start;
    if (token.kind === 'variable') {
      const value: Node = token.text === '__loc__' ? this.location(at) : { kind: 'variable', name: token.text, at };
      return { key: { kind: 'literal', value: token.text, at }, value };
    }
    const key = this.key(token);
    if (this.accept(':')) return { key, value: this.objectValue() };
    if (token.kind === 'op') throw this.unexpected('a value is missing: `(key): value`', this.peek());
    return { key, value: { kind: 'index', target: { kind: 'identity', at }, key, at } };
  }

  private key(token: Token): Node {
    const at = token.start;
    if (token.kind === 'name' || token.kind === 'keyword') return { kind: 'literal', value: token.text, at };
    if (token.kind === 'string') return this.string(token);
    if (token.kind === 'format' && this.peek().kind === 'string') return this.string(this.next(), token.text);
    if (token.kind === 'op' && token.text === '(') {
      const body = this.pipe();
      this.expect(')');
      return body;
    }
    throw this.unexpected('a key is missing', token);
  }

  /** Everything but `,`, which ends it. */
  private objectValue(): Node {
    const at = this.peek().start;
    const left = this.alternative();
    return this.accept('|') ? { kind: 'pipe', left, right: this.objectValue(), at } : left;
  }

  private patterns(): Pattern[] {
    const found = [this.pattern()];
    while (this.accept('?//')) found.push(this.pattern());
    return found;
  }

  private pattern(): Pattern {
    const token = this.next();
    if (token.kind === 'variable') return { kind: 'variable', name: token.text };
    if (token.kind === 'op' && token.text === '[') {
      const items: Pattern[] = [];
      do items.push(this.pattern());
      while (this.accept(','));
      this.expect(']');
      return { kind: 'array', items };
    }
    if (token.kind === 'op' && token.text === '{') {
      const entries: { key: Node; variable?: string; pattern?: Pattern }[] = [];
      do entries.push(this.patternEntry());
      while (this.accept(','));
      this.expect('}');
      return { kind: 'object', entries };
    }
    throw this.unexpected('a pattern such as $x, [$x] or {a: $x} is missing', token);
  }

  private patternEntry(): { key: Node; variable?: string; pattern?: Pattern } {
    const token = this.next();
    if (token.kind === 'variable') {
      const key: Node = { kind: 'literal', value: token.text, at: token.start };
      return { key, variable: token.text, ...(this.accept(':') && { pattern: this.pattern() }) };
    }
    const key = this.key(token);
    this.expect(':');
    return { key, pattern: this.pattern() };
  }

  private string(token: Token, format?: string): Node {
    const parts = token.parts!.map((part) => (typeof part === 'string' ? part : this.inner(part)));
    if (parts.length === 1 && typeof parts[0] === 'string')
      return { kind: 'literal', value: parts[0], at: token.start };
    return { kind: 'string', format, parts, at: token.start };
  }

  /** What stands in an interpolation. */
  private inner(tokens: Token[]): Node {
    const outer = { tokens: this.tokens, index: this.index };
    this.tokens = tokens;
    this.index = 0;
    const node = this.pipe();
    this.expectEnd();
    this.tokens = outer.tokens;
    this.index = outer.index;
    return node;
  }

  /** Text that a double does not hold exactly would be answered differently by jq, which keeps it. */
  private number(token: Token): number {
    const value = Number(token.text);
    const canonical = String(value);
    if (canonical === token.text || canonical === token.text.replace(/^\./, '0.')) return value;
    throw new JqUnsupportedError(
      `write the number ${token.text} as ${canonical}`,
      positionOf(this.source, token.start),
    );
  }

  private location(at: number): Node {
    const { line } = positionOf(this.source, at);
    const entry = (key: string, value: string | number) => ({
      key: { kind: 'literal', value: key, at } as Node,
      value: { kind: 'literal', value, at } as Node,
    });
    return { kind: 'object', entries: [entry('file', '<top-level>'), entry('line', line)], at };
  }
}
