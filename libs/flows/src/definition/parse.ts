import { PermanentError } from '@spillway/contracts';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLMap,
} from 'yaml';
import { nestsDeeperThan } from './json';
import type { FlowDefinition } from './model';
import { segmentsOf } from './pointer';
import { firstSlip, type Slip } from './yaml-slips';

/** Where in the text: both from 1. */
export interface Position {
  line: number;
  column: number;
}

export interface ParsedFlow {
  /** As it was written: `lintFlow` says whether it is a flow. */
  definition: FlowDefinition;
  /** Where a JSON pointer leads, or the nearest thing above it that is there; undefined if there was no text. */
  locate: (path: string) => Position | undefined;
}

/** Something wrong with a text, before anybody looks at what it says. */
export interface SyntaxProblem {
  position: Position;
  message: string;
  remedy: string;
}

/** One document of a text. */
export interface TextDocument {
  /** In the order of the text, at most one per line. If there are any, there is no value. */
  problems: SyntaxProblem[];
  value: unknown;
  /** Where keys lead, or the nearest thing above that is there. Of an entry of an object it is the key's place. */
  locate: (keys: readonly PropertyKey[]) => Position;
}

/** The text is no YAML or JSON, or not such as a flow can be written in. */
export class FlowSyntaxError extends PermanentError {
  constructor(
    readonly problem: string,
    readonly position: Position,
    remedy: string,
  ) {
    super(`line ${position.line}, column ${position.column}: ${problem}`, { code: 'flow-syntax', status: 400, remedy });
  }
}

/** Longest text of a flow, in characters. */
export const LONGEST_TEXT = 1_000_000;
/** Deepest nesting of objects and lists in a flow. */
export const DEEPEST = 200;

/**
 * Reads a flow from YAML 1.2 or JSON text, or takes one that was read already, which has no positions. It does not
 * check it: that is for `lintFlow`.
 *
 * @throws FlowSyntaxError
 */
export function parseFlow(source: string | object): ParsedFlow {
  if (typeof source !== 'string') return { definition: source as FlowDefinition, locate: () => undefined };
  if (source.length > LONGEST_TEXT) {
    throw new FlowSyntaxError(`it has ${source.length} characters`, START, `A flow has at most ${LONGEST_TEXT}.`);
  }
  const [document = NOTHING, second] = readYaml(source);
  const [problem] = document.problems;
  if (problem) throw new FlowSyntaxError(problem.message, problem.position, problem.remedy);
  if (second) {
    const remedy = 'Write each flow in a text of its own.';
    throw new FlowSyntaxError('there are several documents', second.locate([]), remedy);
  }
  return {
    definition: document.value as FlowDefinition,
    locate: (path) => document.locate(segmentsOf(path)),
  };
}

const START: Position = { line: 1, column: 1 };
const NOTHING: TextDocument = { problems: [], value: null, locate: () => START };

/** The documents of a text of YAML 1.2 or JSON, without the empty ones, such as what follows a last `---`. */
export function readYaml(text: string): TextDocument[] {
  const lines = new LineCounter();
  try {
    // Keys that are there twice are told by `checkNodes`, which knows where the first is.
    const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false };
    const documents: Document[] = [...parseAllDocuments(text, options)];
    return documents.filter((one) => !isEmpty(one)).map((one) => read(one, text, lines));
  } catch (error) {
    if (error instanceof RangeError) return [{ ...NOTHING, problems: [{ position: START, ...TOO_DEEP }] }];
    throw error;
  }
}

function isEmpty({ contents, errors, warnings }: Document): boolean {
  const isNothing = contents === null || (isScalar(contents) && contents.value === null);
  return isNothing && errors.length + warnings.length === 0;
}

function read(document: Document, text: string, lines: LineCounter): TextDocument {
  const locate = (keys: readonly PropertyKey[]) => positionOf(document, lines, keys.map(String));
  const { slips, value } = valueOf(document, text, lines);
  const found = slips
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, message, remedy }) => ({ position: placeAt(lines, offset), message, remedy }));
  const problems = found.filter(({ position }, index) => position.line !== found[index - 1]?.position.line);
  return { problems, value, locate };
}

const TOO_DEEP = { message: 'it nests too deep', remedy: `Objects and lists nest at most ${DEEPEST} deep.` };

function valueOf(document: Document, text: string, lines: LineCounter): { slips: Slip[]; value?: unknown } {
  const offset = offsetOf(document.contents);
  const slips = slipsOf(document, text, lines, offset);
  if (slips.length > 0) return { slips };
  try {
    const value: unknown = document.toJS();
    return nestsDeeperThan(value, DEEPEST) ? { slips: [{ offset, ...TOO_DEEP }] } : { slips, value };
  } catch (error) {
    // More uses of aliases (`*name`) than a text of this size can need.
    if (!(error instanceof ReferenceError)) throw error;
    return { slips: [{ offset, message: error.message, remedy: 'Use fewer aliases.' }] };
  }
}

function slipsOf(document: Document, text: string, lines: LineCounter, start: number): Slip[] {
  try {
    if (document.errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) return [{ offset: start, ...TOO_DEEP }];
    const first = firstSlip(document, text);
    if (first) return [first];
    const strange = document.warnings.map(({ pos, message }) => ({
      offset: pos[0],
      message,
      remedy: 'Remove it, or put text that is meant as text in quotes.',
    }));
    return [...strange, ...checkNodes(document, lines)];
  } catch (error) {
    if (error instanceof RangeError) return [{ offset: start, ...TOO_DEEP }];
    throw error;
  }
}

/** What YAML allows and a document may not have. */
function checkNodes(document: Document, lines: LineCounter): Slip[] {
  const slips: Slip[] = [];
  const anchors = new Map<string, Node>();
  const tell: Tell = (node, message, remedy) => slips.push({ offset: offsetOf(node), message, remedy });
  visit(document, {
    Pair: (_, { key }) => checkKey(key, tell),
    Value(_, node) {
      if (node.anchor) anchors.set(node.anchor, node);
      if (isMap(node)) checkRepeated(node, lines, tell);
    },
    Alias(_, alias, path) {
      const { source } = alias;
      const meant = anchors.get(source);
      if (!meant) {
        const remedy = `If it was meant as text, put it in quotes: '*${source}'.`;
        tell(alias, `there is no &${source} above for *${source}`, remedy);
      } else if (path.includes(meant)) {
        tell(alias, `*${source} is within &${source} itself`, 'Write out what is meant there.');
      }
    },
  });
  return slips;
}

type Tell = (node: unknown, message: string, remedy: string) => void;

function checkKey(key: unknown, tell: Tell): void {
  if (!isScalar(key) || key.value === null) {
    tell(key, 'a key must be text', 'Write a word, or put it in quotes.');
  } else if (key.source === '<<' && key.type === 'PLAIN') {
    tell(key, 'YAML merge keys (<<) are not supported', 'Write out the fields that it would bring.');
  }
}

/** As keys of an object, `1` and `'1'` are the same. */
function checkRepeated({ items }: YAMLMap, lines: LineCounter, tell: Tell): void {
  const seen = new Map<string, Node>();
  for (const { key } of items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    const first = seen.get(name);
    if (!first) seen.set(name, key);
    else
      tell(key, `"${name}" is here twice: first on line ${placeAt(lines, offsetOf(first)).line}`, 'Keep one of them.');
  }
}

function positionOf(document: Document, lines: LineCounter, keys: string[]): Position {
  let node = document.contents;
  let offset = offsetOf(node);
  for (const key of keys) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    let next: Node | null | undefined;
    if (isMap(node)) {
      const pair = node.items.find((item) => (isScalar(item.key) ? String(item.key.value) : undefined) === key);
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      next = pair.value as Node | null;
    } else if (isSeq(node)) {
      next = node.items[Number(key)] as Node | undefined;
      if (!next) break;
      offset = next.range?.[0] ?? offset;
    } else {
      break;
    }
    node = next;
  }
  return placeAt(lines, offset);
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}

function placeAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
