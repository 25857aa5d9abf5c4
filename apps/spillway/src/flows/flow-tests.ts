import { dirname, join } from 'node:path';
import { PermanentError } from '@spillway/contracts';
import type { CaseResult, TextDocument } from '@spillway/flows';
import { filesOf } from '../documents';
import { readYamlFile } from '../yaml-file';
import { problemLine, readFlow } from './flow-files';
import { keysOf } from './problems';

export interface TestedFile {
  file: string;
  results: CaseResult[];
  /** Why tests of the file could not be run, each with its place. */
  problems: string[];
}

/**
 * Runs the FlowTests of a file or folder. A test names its flow by file, seen from its own folder; `FILE#NAME` where the
 * file has several.
 *
 * @throws PermanentError `flow-tests-missing`
 */
export async function* runTests(path: string): AsyncGenerator<TestedFile> {
  let isThere = false;
  for (const file of filesOf(path)) {
    const { text, documents, problems } = await readYamlFile(file);
    const tests = documents.filter(({ value }) => (value as Kinded)?.kind === 'FlowTest');
    const broken = text.includes('FlowTest') || file === path ? problems : [];
    if (tests.length + broken.length === 0) continue;
    isThere = true;
    const tested: TestedFile = { file, results: [], problems: [] };
    for (const { position, ...problem } of broken)
      tested.problems.push(problemLine({ file, ...position, path: '', ...problem, severity: 'error' }));
    for (const test of tests) await runTest(test, tested);
    yield tested;
  }
  if (!isThere) {
    throw new PermanentError(`there are no tests of flows in ${path}`, {
      code: 'flow-tests-missing',
      remedy: 'A test is a document of "kind: FlowTest"; docs/flows/README.md shows one.',
    });
  }
}

type Kinded = { kind?: unknown } | null;

async function runTest(test: TextDocument, { file, results, problems }: TestedFile): Promise<void> {
  const { runFlowTests } = await import('@spillway/flows');
  const load = async (named: string) => {
    const [flow = '', name] = named.split('#');
    return (await readFlow(join(dirname(file), flow), name)).definition;
  };
  try {
    results.push(...(await runFlowTests(JSON.stringify(test.value), load)));
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    problems.push(...linesOf(error, file, test));
  }
}

/** Of what is wrong with the flow itself the message has the places; the rest is the test's. */
function linesOf({ code, message, remedy = '' }: PermanentError, file: string, test: TextDocument): string[] {
  if (code === 'flow-invalid') return message.split('\n');
  const found =
    code === 'flow-test-invalid'
      ? message.split('\n').map((line) => /^(?<path>[\w.[\]-]*): (?<what>.*)/.exec(line)?.groups ?? { what: line })
      : [{ path: 'spec.flow', what: message }];
  return found.map(({ path = '', what = '' }) => {
    const keys = keysOf(test.value, path.replace(/\[(\d+)\]/g, '.$1'));
    return problemLine({ file, ...test.locate(keys), path, message: what, remedy, severity: 'error' });
  });
}
