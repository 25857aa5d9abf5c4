import { unsupported } from '../errors';
import { fail } from '../values';
import { Cost } from './regex-cost';
import { Repetition } from './regex-repetition';

/**
 * Oniguruma's Perl syntax, which jq uses, as a JavaScript expression with the flag `u`. What both read alike passes;
 * anything else is refused. Oniguruma knows Unicode in \w, \d, \s and \b, its `.` stops at \n only, and its `$` also
 * matches before a last \n.
 *
 * @throws JqUnsupportedError, JqRuntimeError
 */
export function translate(
  pattern: string,
  flags: { dotAll: boolean; extended: boolean; longest: boolean },
): Translation {
  if (flags.extended || flags.longest) return unsupported('the regex flags x and l');
  return new Translator(pattern, flags.dotAll).run();
}

export interface Translation {
  source: string;
  /** Of each group, in order. */
  names: (string | null)[];
  cost: Cost;
}

const WORD = '\\p{L}\\p{M}\\p{N}\\p{Pc}';
const SPACE = '\\t-\\r \\x85\\p{Z}';
const CLASSES: Record<string, string> = { w: WORD, d: '\\p{Nd}', s: SPACE };
const POSIX: Record<string, string> = {
  digit: '\\p{Nd}',
  alpha: '\\p{L}\\p{M}',
  alnum: '\\p{L}\\p{M}\\p{Nd}',
  upper: '\\p{Lu}',
  lower: '\\p{Ll}',
  space: SPACE,
  xdigit: '0-9A-Fa-f',
  word: WORD,
};
const BOUNDARY = `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`;
const NOT_BOUNDARY = `(?:(?<=[${WORD}])(?=[${WORD}])|(?<![${WORD}])(?![${WORD}]))`;

class Translator {
  private at = 0;
  private out = '';
  private readonly names: (string | null)[] = [];
  private readonly cost = new Cost();
  private readonly repetition = new Repetition();
  /** Of each open group, whether it looks ahead or behind. */
  private readonly open: ('ahead' | 'behind' | 'group')[] = [];

  constructor(
    private readonly pattern: string,
    private readonly dotAll: boolean,
  ) {}

  run(): Translation {
    while (this.at < this.pattern.length) this.one();
    if (this.open.length > 0) return fail('Regex failure: end pattern with unmatched parenthesis');
    return { source: this.out, names: this.names, cost: this.cost };
  }

  private one(): void {
    const character = this.take();
    if (!'*+?{)'.includes(character)) this.cost.atom();
    if ('^$'.includes(character) || (character === '\\' && /[bBAzZ]/.test(this.pattern[this.at] ?? '')))
      this.repetition.place();
    else if (!'*+?{()|'.includes(character)) this.repetition.text();
    switch (character) {
      case '\\':
        return this.escape(false);
      case '[':
        return this.set();
      case '(':
        return this.group();
      case '.':
        this.out += this.dotAll ? '[\\s\\S]' : '[^\\n]';
        return undefined;
      case '$':
        this.out += '(?=\\n?$)';
        return undefined;
      case ')':
        return this.close();
      case '|':
        if (this.open.includes('behind')) return this.refuse('a choice within (?<=');
        this.cost.choice();
        this.repetition.choice();
        this.out += '|';
        return undefined;
      case '{':
        return this.interval();
      case '*':
      case '+':
      case '?':
        return this.quantifier(character, character === '+' ? 1 : 0, character === '?' ? 1 : Infinity);
      case '}':
      case ']':
        this.out += `\\${character}`;
        return undefined;
      default:
        this.out += character;
        return undefined;
    }
  }

  private take(): string {
    const character = String.fromCodePoint(this.pattern.codePointAt(this.at)!);
    this.at += character.length;
    return character;
  }

  private escape(inSet: boolean): void {
    if (this.at >= this.pattern.length) return this.refuse('it ends in a backslash');
    const character = this.take();
    const known = CLASSES[character.toLowerCase()];
    if (known) {
      if (character === character.toLowerCase()) this.out += inSet ? known : `[${known}]`;
      else if (inSet) return this.refuse(`\\${character} in a set`);
      else this.out += `[^${known}]`;
    } else if (!inSet && character === 'b') this.out += BOUNDARY;
    else if (!inSet && character === 'B') this.out += NOT_BOUNDARY;
    else if (!inSet && character === 'A') this.out += '^';
    else if (!inSet && character === 'z') this.out += '$';
    else if (!inSet && character === 'Z') this.out += '(?=\\n?$)';
    else if ('nrtfv'.includes(character)) this.out += `\\${character}`;
    else if (/^[^A-Za-z0-9]$/u.test(character))
      this.out += /[\^$\\.*+?()[\]{}|/-]/.test(character) ? this.literal(character, inSet) : character;
    else return this.refuse(`\\${character}`);
    return undefined;
  }

  private literal(character: string, inSet: boolean): string {
    return character === '-' && !inSet ? '-' : `\\${character}`;
  }

  private set(): void {
    this.out += '[';
    if (this.pattern[this.at] === '^') {
      this.out += '^';
      this.at += 1;
    }
    if (this.pattern[this.at] === ']') return this.refuse('an empty set');
    for (;;) {
      if (this.at >= this.pattern.length) return this.refuse('a set that is not closed');
      const character = this.take();
      if (character === ']') break;
      if (character === '[' && this.posix()) continue;
      if (character === '[') return this.refuse('a set within a set');
      if (character === '&' && this.pattern[this.at] === '&') return this.refuse('&& in a set');
      if (character === '\\') this.escape(true);
      else this.out += /[(){}/|^$.*+?]/.test(character) ? `\\${character}` : character;
    }
    this.out += ']';
    return undefined;
  }

  /** `[:digit:]` and its like. */
  private posix(): boolean {
    const found = /^:(\w+):\]/.exec(this.pattern.slice(this.at));
    const known = found && POSIX[found[1]!];
    if (!known) return false;
    this.at += found[0].length;
    this.out += known;
    return true;
  }

  private group(): void {
    const rest = this.pattern.slice(this.at);
    const special = /^\?(?:[:=!]|<[=!])/.exec(rest)?.[0];
    const name = /^\?<([A-Za-z_]\w*)>/.exec(rest);
    this.open.push(special?.startsWith('?<') ? 'behind' : special && special !== '?:' ? 'ahead' : 'group');
    this.cost.open();
    this.repetition.open(!special);
    if (special) {
      this.out += `(${special}`;
      this.at += special.length;
    } else if (name) {
      if (this.names.includes(name[1]!)) return this.refuse('a group name that is used twice');
      this.names.push(name[1]!);
      this.out += `(${name[0]}`;
      this.at += name[0].length;
    } else if (rest.startsWith('?')) {
      return this.refuse(`(${rest.slice(0, 3)}`);
    } else {
      this.names.push(null);
      this.out += '(';
    }
    return undefined;
  }

  private close(): void {
    const closed = this.open.pop();
    if (closed === undefined) return fail('Regex failure: unmatched close parenthesis');
    this.cost.close();
    this.repetition.close(closed !== 'group');
    this.out += ')';
    return undefined;
  }

  private interval(): void {
    const rest = this.pattern.slice(this.at);
    const interval = /^(\d+)(,(\d*))?\}/.exec(rest);
    if (!interval && /^,\d*\}/.test(rest)) return this.refuse('an interval without a lower bound');
    if (!interval) {
      this.cost.atom();
      this.repetition.text();
      this.out += '\\{';
      return undefined;
    }
    this.at += interval[0].length;
    const most = interval[2] === undefined ? interval[1] : interval[3];
    return this.quantifier(`{${interval[0]}`, Number(interval[1]), most === '' ? Infinity : Number(most));
  }

  private quantifier(text: string, least: number, most: number): void {
    if (this.open.includes('behind')) return this.refuse('a quantifier within (?<=');
    const wrong = this.repetition.quantifier(least, most);
    if (wrong) return this.refuse(wrong);
    this.cost.quantifier(most);
    this.out += text;
    if (this.pattern[this.at] === '?') {
      this.out += '?';
      this.at += 1;
    }
    if (/[*+?{]/.test(this.pattern[this.at] ?? '')) return this.refuse('a quantifier after a quantifier');
    return undefined;
  }

  private refuse(what: string): never {
    return unsupported(`the regex ${this.pattern}: ${what}`);
  }
}
