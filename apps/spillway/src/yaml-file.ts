import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import type { SyntaxProblem, TextDocument } from '@spillway/flows';

export interface YamlFile {
  text: string;
  /** Those that could be read; none is empty. */
  documents: TextDocument[];
  problems: SyntaxProblem[];
}

/** Reads a file of YAML or JSON, and says where it is none. */
export async function readYamlFile(file: string): Promise<YamlFile> {
  const bytes = readFileSync(file);
  const text = bytes.toString('utf8');
  if (!isUtf8(bytes)) return { text, documents: [], problems: [notUtf8(text)] };
  const { readYaml } = await import('@spillway/flows');
  const documents = readYaml(text);
  return {
    text,
    documents: documents.filter(({ problems }) => problems.length === 0),
    problems: documents.flatMap(({ problems }) => problems),
  };
}

/** @param text in which U+FFFD stands for what could not be read */
function notUtf8(text: string): SyntaxProblem {
  const before = text.slice(0, text.indexOf('\uFFFD')).split('\n');
  return {
    position: { line: before.length, column: before.at(-1)!.length + 1 },
    message: 'this character is not in UTF-8',
    remedy: 'Save the file as UTF-8.',
  };
}
