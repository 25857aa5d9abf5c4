import { type Document, type Scalar, visit, type YAMLError } from 'yaml';

/** Something wrong in a text of YAML. */
export interface Slip {
  /** Where in the text, from 0. */
  offset: number;
  message: string;
  remedy: string;
}

/**
 * What went wrong first, in the words of who writes flows. The parser's other errors are left out: most of them follow
 * from this one.
 */
export function firstSlip(document: Document, text: string): Slip | undefined {
  const [first] = document.errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
  if (!first) return undefined;
  // Of several at one place, these know what the text was taken for.
  const telling = ({ code, pos }: YAMLError) => pos[0] === first.pos[0] && code.startsWith('BLOCK_');
  return slipOf(document.errors.find(telling) ?? first, document, text);
}

function slipOf(error: YAMLError, document: Document, text: string): Slip {
  const [offset] = error.pos;
  const brace = text[offset - 1] === '$' ? offset - 1 : offset;
  if (text.startsWith('${', brace)) return bareExpression(text, brace);
  const star = /\*[^\s,[\]{}]*\s*$/.exec(text.slice(0, offset));
  if (error.code === 'BAD_ALIAS' && text[offset] === '*') return bareStar(text, offset);
  if (error.message.endsWith('at node end') && star) return bareStar(text, star.index);
  if (error.message.startsWith('Missing closing')) return openQuote(document, offset);
  const known = KNOWN.find(([pattern]) => pattern.test(error.message));
  if (!known) return { offset, message: `this is no YAML: ${error.message}`, remedy: 'Mend the text there.' };
  const [pattern, explain] = known;
  return { offset, ...explain(text, error.pos, pattern.exec(error.message)![1] ?? '') };
}

type Explain = (text: string, pos: [number, number], detail: string) => Omit<Slip, 'offset'>;

const always =
  (message: string, remedy: string): Explain =>
  () => ({ message, remedy });

/** By the parser's messages, as its codes stand for several slips each. */
const KNOWN: [RegExp, Explain][] = [
  [/^Nested mappings/, (text, [from]) => colonInText(text, from, endOfLine(text, from))],
  [/^Block collections are not allowed/, (text, pos) => colonInText(text, ...pos)],
  [
    /^Implicit (?:map )?keys/,
    always('there is no field in this line', 'Write "name: value": a space follows the ":".'),
  ],
  [/end with a (.)$/, (_text, _pos, end) => notClosed(end)],
  [/^All mapping/, always('this line begins in another column', 'Indent the fields of one object alike.')],
  [/^All sequence/, always('this line begins in another column', 'Indent the items of one list alike.')],
  [/^Unexpected block-seq-ind/, always('a list begins below its field', 'Write each "- " on a line of its own.')],
  [/^Tabs/, always('a tab indents this line', 'Indent with spaces.')],
  [/^Plain value cannot start with .*?(\S)$/, (_text, _pos, sign) => badStart(sign)],
  [/^Invalid escape sequence (.*)/, (_text, _pos, escape) => badEscape(escape)],
  [/^Unexpected flow-(?:map|seq)-end .*"(.)"$/, (_text, _pos, end) => closesNothing(end)],
  [/^Unexpected scalar at node end/, (text, [from]) => afterQuote(text, from)],
];

function bareExpression(text: string, dollar: number): Slip {
  const offset = startOfText(text, dollar);
  const close = endOfExpression(text, dollar + 1);
  const message = 'an expression needs quotes here';
  if (close === undefined) return { offset, message, remedy: "Put the expression in quotes: '${ … }'." };
  const end = close + /^[^,\]}\n]*/.exec(text.slice(close))![0].length;
  return { offset, message, remedy: `Put the expression in quotes: ${quoted(text, offset, end)}.` };
}

/** Behind the `}` that belongs to the `{`, if it is on the same line. */
function endOfExpression(text: string, brace: number): number | undefined {
  let depth = 0;
  for (let index = brace; index < text.length && text[index] !== '\n'; index += 1) {
    if (text[index] === '{') depth += 1;
    if (text[index] === '}' && (depth -= 1) === 0) return index + 1;
  }
  return undefined;
}

/** Where the value begins that has the expression in it: `Hello ${ .name }`. */
function startOfText(text: string, dollar: number): number {
  return dollar - /[^\s[\]{},:][^[\]{},:\n]*$|$/.exec(lineUntil(text, dollar))![0].length;
}

function bareStar(text: string, offset: number): Slip {
  const end = offset + /^[^,\]}\n#]*/.exec(text.slice(offset))![0].length;
  return {
    offset,
    message: 'text that begins with "*" needs quotes',
    remedy: `Put it in quotes: ${quoted(text, offset, end)}.`,
  };
}

/** The parser notices at the end of the text: the quote is the last one that begins before. */
function openQuote(document: Document, end: number): Slip {
  let offset = end;
  visit(document, {
    Scalar(_, { type, range }: Scalar) {
      if (type?.startsWith('QUOTE') && range && range[0] <= end && range[1] >= end) offset = range[0];
    },
  });
  return {
    offset,
    message: 'the quote that begins here is not closed',
    remedy: 'Write the same quote after the text.',
  };
}

/** The parser takes a second ": " for an object within the value. */
function colonInText(text: string, from: number, to: number): Omit<Slip, 'offset'> {
  const value = text.slice(from, to);
  if (value.includes('\n')) {
    return { message: 'a "," is missing after this', remedy: 'Write "," after each field and item but the last.' };
  }
  if (/^["']/.test(value) || !/:(?:\s|$)/.test(value)) {
    return { message: 'the next line goes on with this value', remedy: 'Indent the fields of one object alike.' };
  }
  return {
    message: 'text with ": " in it needs quotes',
    remedy: `Put it in quotes: ${quoted(text, from, to)}. Between two fields, write a "," or begin a new line.`,
  };
}

function notClosed(end: string): Omit<Slip, 'offset'> {
  const begin = end === '}' ? '{' : '[';
  return { message: `a "${begin}" before this is not closed`, remedy: `Write "${end}" where it ends.` };
}

function closesNothing(end: string): Omit<Slip, 'offset'> {
  return { message: `this "${end}" closes nothing`, remedy: 'Remove it, or put the text in quotes.' };
}

function badStart(sign: string): Omit<Slip, 'offset'> {
  return { message: `text cannot begin with ${sign}`, remedy: 'Put it in quotes.' };
}

function badEscape(escape: string): Omit<Slip, 'offset'> {
  return {
    message: `${escape} has no meaning within "…"`,
    remedy: "Write \\\\ for a backslash, or put the text in '…'.",
  };
}

function afterQuote(text: string, from: number): Omit<Slip, 'offset'> {
  const quote = text.slice(0, from).trimEnd().at(-1);
  if (quote === "'") {
    return { message: 'text goes on after its closing quote', remedy: "Within '…', write '' for a quote." };
  }
  if (quote === '"') {
    return { message: 'text goes on after its closing quote', remedy: 'Within "…", write \\" for a quote.' };
  }
  return {
    message: 'this does not belong to the value before it',
    remedy: 'Put all of a text in quotes, and indent what belongs together alike.',
  };
}

/** `name: 'text'`: the field as it should have been written. */
function quoted(text: string, from: number, to: number): string {
  const name = /["']?[\w.-]+["']?:\s+$/.exec(lineUntil(text, from))?.[0].trim();
  const value = text.slice(from, to).trim();
  const inQuotes = value.length > LONGEST_SHOWN ? "'…'" : `'${value.replaceAll("'", "''")}'`;
  return name ? `${name} ${inQuotes}` : inQuotes;
}

const LONGEST_SHOWN = 100;

function lineUntil(text: string, offset: number): string {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
}

/** Or where a comment begins. */
function endOfLine(text: string, from: number): number {
  return from + /^(?:(?! #).)*/.exec(text.slice(from))![0].length;
}
