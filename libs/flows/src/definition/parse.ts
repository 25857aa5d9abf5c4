import { PermanentError } from '@spillway/contracts';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { nestsDeeperThan } from './json';
import type { FlowDefinition } from './model';
import { segmentsOf } from './pointer';

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

/** The text is no YAML or JSON, or not such as a flow can be written in. */
export class FlowSyntaxError extends PermanentError {
  constructor(
    readonly problem: string,
    readonly position: Position,
    remedy = 'Mend the text there.',
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
  const { document, lines, definition } = read(source);
  return { definition, locate: (path) => positionOf(document, lines, segmentsOf(path)) };
}

const START: Position = { line: 1, column: 1 };

function read(text: string): { document: Document; lines: LineCounter; definition: FlowDefinition } {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) throw refused(problem, lines);
    checkNodes(document, lines);
    const definition = document.toJS() as FlowDefinition;
    if (nestsDeeperThan(definition, DEEPEST)) throw tooDeep();
    return { document, lines, definition };
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep();
    // More uses of aliases (`*name`) than a text of this size can need.
    if (error instanceof ReferenceError) throw new FlowSyntaxError(error.message, START, 'Use fewer aliases.');
    throw error;
  }
}

const tooDeep = () =>
  new FlowSyntaxError('it nests too deep', START, `Objects and lists nest at most ${DEEPEST} deep.`);

function refused({ code, message, pos }: YAMLError, lines: LineCounter): FlowSyntaxError {
  if (message.includes('call stack')) return tooDeep();
  const position = placeAt(lines, pos[0]);
  if (code !== 'MULTIPLE_DOCS') return new FlowSyntaxError(message, position);
  return new FlowSyntaxError('there are several documents', position, 'Write each flow in a text of its own.');
}

/** @throws FlowSyntaxError for keys that are no text, and for aliases of nothing */
function checkNodes(document: Document, lines: LineCounter): void {
  visit(document, {
    Pair(_, { key }) {
      if (isScalar(key) && key.value !== null) return;
      const offset = (key as Node | null)?.range?.[0] ?? 0;
      throw new FlowSyntaxError('a key must be text', placeAt(lines, offset), 'Write a word, or put it in quotes.');
    },
    Alias(_, alias) {
      if (alias.resolve(document)) return;
      const position = placeAt(lines, alias.range?.[0] ?? 0);
      throw new FlowSyntaxError(`there is no &${alias.source} above for *${alias.source}`, position);
    },
  });
}

function positionOf(document: Document, lines: LineCounter, segments: string[]): Position {
  let node = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const segment of segments) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    let next: Node | null | undefined;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : undefined) === segment);
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      next = pair.value as Node | null;
    } else if (isSeq(node)) {
      next = node.items[Number(segment)] as Node | undefined;
      if (!next) break;
      offset = next.range?.[0] ?? offset;
    } else {
      break;
    }
    node = next;
  }
  return placeAt(lines, offset);
}

function placeAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
