import type { BinaryOp, Definition, Node } from './ast';
import { JqUnsupportedError, positionOf } from './errors';
import { type Token, tokenize } from './lexer';
import { COMPARISONS, TermParser } from './parser-terms';

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
const ASSIGNMENTS = new Set(['=', '|=', '+=', '-=', '*=', '/=', '%=', '//=']);

/** `?` right after a step forgives that step alone; after anything else, all of it. */
function optional(node: Node, at: number): Node {
  if (node.kind === 'index' || node.kind === 'iterate' || node.kind === 'slice') return { ...node, optional: true };
  return { kind: 'try', body: node, at };
}

class Parser extends TermParser {
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

  protected pipe(): Node {
    let left = this.item();
    while (this.isOp(',')) {
      const at = this.next().start;
      left = { kind: 'comma', left, right: this.item(), at };
    }
    const at = this.peek().start;
    if (!this.accept('|')) return left;
    return { kind: 'pipe', left, right: this.pipe(), at };
  }

  /** Between commas; `def`, `label` and `as` take all that follows. */
  private item(): Node {
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
    const source = this.alternative();
    if (!this.isKeyword('as')) return source;
    this.next();
    const pattern = this.patterns();
    this.expect('|');
    return { kind: 'as', source, pattern, body: this.pipe(), at };
  }

  protected alternative(): Node {
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
    const right = this.or();
    if (this.peek().kind === 'op' && ASSIGNMENTS.has(this.peek().text))
      throw this.unexpected('assignments do not chain');
    return { kind: 'assign', op: text, left, right, at };
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
    if (!this.isOp('-')) return this.postfix();
    const at = this.next().start;
    return { kind: 'negate', body: this.postfix(), at };
  }

  /** A term with what follows it. */
  private postfix(): Node {
    if (this.isKeyword('try')) return this.try();
    // A `?` after a bracketed expression is for all of it.
    let stepped = !this.isOp('(');
    let node = this.primary();
    for (; ; stepped = true) {
      const { kind, text, start: at } = this.peek();
      const after = this.tokens[this.index + 1];
      if (kind === 'field') {
        this.next();
        node = { kind: 'index', target: node, key: { kind: 'literal', value: text, at }, at };
      } else if (this.isOp('.') && after?.kind === 'string') {
        this.next();
        node = { kind: 'index', target: node, key: this.string(this.next()), at };
      } else if (this.isOp('.') && after?.text === '[') {
        this.next();
        node = this.bracket(node);
        if (node.kind === 'slice') throw this.unexpected('a slice after a dot', after);
      } else if (this.isOp('[')) {
        node = this.bracket(node);
      } else if (this.isOp('?')) {
        this.next();
        node = stepped ? optional(node, at) : { kind: 'try', body: node, at };
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
    const body = this.factor();
    if (!this.isKeyword('catch')) return { kind: 'try', body, at };
    this.next();
    return { kind: 'try', body, handler: this.factor(), at };
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
    const source = this.alternative();
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
}
