import type { Definition, Node, Pattern } from './ast';
import { Cursor } from './cursor';
import { JqUnsupportedError, positionOf } from './errors';
import type { Token } from './lexer';

export const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** A constant that is not a string: jq refuses it as a key when it compiles. */
function isNeverText(node: Node): boolean {
  return node.kind === 'array' || node.kind === 'object'
    ? isConstant(node)
    : node.kind === 'literal' && typeof node.value !== 'string';
}

/** @param folded whether operators between constants may stand in it */
function isConstant(node: Node, folded = false): boolean {
  if (node.kind === 'comma') return isConstant(node.left, folded) && isConstant(node.right, folded);
  if (node.kind === 'array') return node.body === undefined || isConstant(node.body, folded);
  if (node.kind === 'object')
    return node.entries.every(({ key, value }) =>
      [key, value].every((part) => part.kind !== 'comma' && isConstant(part, folded)),
    );
  if (node.kind === 'binary' && folded) return isConstant(node.left, folded) && isConstant(node.right, folded);
  return node.kind === 'literal';
}

/** What jq may work out when it compiles, with rules of its own; a sum of strings is a string in any case. */
function isFolded(node: Node): boolean {
  if (isText(bare(node))) return false;
  return isConstant(bare(node), true) && (bare(node) !== node || !isConstant(node));
}

/** Without what makes no code in jq: `.` in a pipe, and definitions. */
function bare(node: Node): Node {
  if (node.kind === 'def') return bare(node.body);
  if (node.kind !== 'pipe') return node;
  if (node.left.kind === 'identity') return bare(node.right);
  return node.right.kind === 'identity' ? bare(node.left) : node;
}

function isText(node: Node): boolean {
  if (node.kind === 'binary') return node.op === '+' && isText(node.left) && isText(node.right);
  return node.kind === 'literal' && typeof node.value === 'string';
}

/** The parts of a program that hold expressions: objects, patterns, strings, calls. */
export abstract class TermParser extends Cursor {
  protected abstract pipe(): Node;
  protected abstract alternative(): Node;

  protected object(at: number): Node {
    const entries: { key: Node; value: Node }[] = [];
    while (!this.isOp('}')) {
      entries.push(this.entry());
      if (!this.accept(',')) break;
    }
    this.expect('}');
    return { kind: 'object', entries, at };
  }

  protected entry(): { key: Node; value: Node } {
    const token = this.next();
    const at = token.start;
    if (token.kind === 'variable') {
      const name: Node = { kind: 'literal', value: token.text, at };
      if (token.text === '__loc__') return { key: name, value: this.location(at) };
      const variable: Node = { kind: 'variable', name: token.text, at };
      return this.accept(':') ? { key: variable, value: this.objectValue() } : { key: name, value: variable };
    }
    const key = this.key(token);
    if (this.accept(':')) return { key, value: this.objectValue() };
    if (token.kind === 'op') throw this.unexpected('a value is missing: `(key): value`', this.peek());
    return { key, value: { kind: 'index', target: { kind: 'identity', at }, key, at } };
  }

  protected key(token: Token): Node {
    const at = token.start;
    if (token.kind === 'name' || token.kind === 'keyword') return { kind: 'literal', value: token.text, at };
    if (token.kind === 'string') return this.string(token);
    if (token.kind === 'format' && this.peek().kind === 'string') return this.string(this.next(), token.text);
    if (token.kind === 'op' && token.text === '(') {
      const body = this.pipe();
      this.expect(')');
      if (isNeverText(body)) throw this.unexpected('a key must be a string', token);
      if (isFolded(body))
        throw new JqUnsupportedError('constants to work out as a key', positionOf(this.source, token.start));
      return body;
    }
    throw this.unexpected('a key is missing', token);
  }

  /** Everything but `,`, which ends it. */
  protected objectValue(): Node {
    const at = this.peek().start;
    const left = this.alternative();
    return this.accept('|') ? { kind: 'pipe', left, right: this.objectValue(), at } : left;
  }

  protected patterns(): Pattern[] {
    const found = [this.pattern()];
    while (this.accept('?//')) found.push(this.pattern());
    return found;
  }

  protected pattern(): Pattern {
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

  protected patternEntry(): { key: Node; variable?: string; pattern?: Pattern } {
    const token = this.next();
    if (token.kind === 'variable') {
      const key: Node = { kind: 'literal', value: token.text, at: token.start };
      return { key, variable: token.text, ...(this.accept(':') && { pattern: this.pattern() }) };
    }
    const key = this.key(token);
    this.expect(':');
    return { key, pattern: this.pattern() };
  }

  protected string(token: Token, format?: string): Node {
    const parts = token.parts!.map((part) => (typeof part === 'string' ? part : this.inner(part)));
    if (parts.length === 1 && typeof parts[0] === 'string')
      return { kind: 'literal', value: parts[0], at: token.start };
    return { kind: 'string', format, parts, at: token.start };
  }

  /** What stands in an interpolation. */
  protected inner(tokens: Token[]): Node {
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
  protected number(token: Token): number {
    const value = Number(token.text);
    const canonical = String(value);
    if (canonical === token.text || canonical === token.text.replace(/^\./, '0.')) return value;
    const problem = Number.isFinite(value) ? `write the number ${token.text} as ${canonical}` : 'a number this large';
    throw new JqUnsupportedError(problem, positionOf(this.source, token.start));
  }

  protected location(at: number): Node {
    const { line } = positionOf(this.source, at);
    const entry = (key: string, value: string | number) => ({
      key: { kind: 'literal', value: key, at } as Node,
      value: { kind: 'literal', value, at } as Node,
    });
    return { kind: 'object', entries: [entry('file', '<top-level>'), entry('line', line)], at };
  }

  protected call(token: Token): Node {
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

  protected definition(): Definition {
    this.expectKeyword('def');
    const token = this.next();
    if (token.kind !== 'name') throw this.unexpected('a name is missing', token);
    const params: string[] = [];
    if (this.accept('(')) {
      do {
        const param = this.next();
        if (param.kind === 'variable') params.push(`$${param.text}`);
        else if (param.kind === 'name') params.push(param.text);
        else throw this.unexpected('a parameter is missing', param);
      } while (this.accept(';'));
      this.expect(')');
    }
    this.expect(':');
    const body = this.pipe();
    this.expect(';');
    return { name: token.text, params, body };
  }
}
