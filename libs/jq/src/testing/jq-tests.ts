import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** jq's own test files, of the release that the oracle is; jq/README.md says where they are from. */
export const TEST_FILES = ['jq', 'man', 'manonig', 'onig', 'base64', 'uri', 'optional'] as const;

export interface JqTest {
  /** `jq.test:12`. */
  at: string;
  program: string;
  /** JSON text; undefined where the program must not compile. */
  input?: string;
  /** JSON texts. */
  outputs: string[];
}

/**
 * Groups of lines with blank lines between them: program, input, outputs; or `%%FAIL`, program, message. Lines that
 * start with `#` are left out (`src/jq_test.c` of jq).
 */
export function readTests(file: (typeof TEST_FILES)[number]): JqTest[] {
  const lines = readFileSync(join(__dirname, 'jq', `${file}.test`), 'utf8').split('\n');
  const tests: JqTest[] = [];
  const skipped = (line: string) => /^[ \t]*(?:#|$)/.test(line);
  for (let at = 0; at < lines.length; at += 1) {
    if (skipped(lines[at]!)) continue;
    const failing = lines[at]!.startsWith('%%FAIL');
    if (failing) at += 1;
    const name = `${file}.test:${at + 1}`;
    const program = lines[at]!;
    const rest: string[] = [];
    for (at += 1; at < lines.length && !skipped(lines[at]!); at += 1) rest.push(lines[at]!);
    const [input, ...outputs] = rest;
    tests.push(failing ? { at: name, program, outputs: [] } : { at: name, program, input: input ?? 'null', outputs });
  }
  return tests;
}
