import { JqSyntaxError, positionOf } from './errors';
import type { Token } from './lexer';

/** A place in a list of tokens, and what a parser asks about it. */
export class Cursor {
  protected index = 0;

  constructor(
    protected readonly source: string,
    protected tokens: Token[],
  ) {}

  protected peek(): Token {
    return this.tokens[this.index]!;
  }

  protected next(): Token {
    const token = this.tokens[this.index]!;
    if (token.kind !== 'end') this.index += 1;
    return token;
  }

  protected isOp(text: string): boolean {
    const token = this.peek();
    return token.kind === 'op' && token.text === text;
  }

  protected isKeyword(text: string): boolean {
    const token = this.peek();
    return token.kind === 'keyword' && token.text === text;
  }

  protected accept(text: string): boolean {
    if (!this.isOp(text)) return false;
    this.index += 1;
    return true;
  }

  protected expect(text: string): Token {
    if (!this.isOp(text)) throw this.unexpected(`"${text}" is missing`);
    return this.next();
  }

  protected expectKeyword(text: string): void {
    if (!this.isKeyword(text)) throw this.unexpected(`"${text}" is missing`);
    this.next();
  }

  protected expectKind(kind: Token['kind'], what: string): Token {
    if (this.peek().kind !== kind) throw this.unexpected(`${what} is missing`);
    return this.next();
  }

  protected expectEnd(): void {
    if (this.peek().kind !== 'end') throw this.unexpected('this has no place here');
  }

  protected unexpected(problem: string, token = this.peek()): JqSyntaxError {
    return new JqSyntaxError(`${problem} (at "${token.text}")`, positionOf(this.source, token.start));
  }
}
