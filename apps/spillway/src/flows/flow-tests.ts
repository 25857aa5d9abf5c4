import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PermanentError } from '@spillway/contracts';
import type { CaseResult } from '@spillway/flows';
import { parseAllDocuments } from 'yaml';
import { filesOf } from '../documents';
import { readFlow } from './flow-files';

export interface TestedFile {
  file: string;
  results: CaseResult[];
}

/**
 * Runs the FlowTests of a file or folder. A test names its flow by file, seen from its own folder; `FILE#NAME` where the
 * file has several.
 *
 * @throws PermanentError `flow-tests-missing`, `flow-test-invalid`, `flow-invalid`
 */
export async function* runTests(path: string): AsyncGenerator<TestedFile> {
  const { runFlowTests } = await import('@spillway/flows');
  const tests = filesOf(path).filter((file) => file === path || isTest(file));
  if (tests.length === 0) {
    throw new PermanentError(`there are no tests of flows in ${path}`, {
      code: 'flow-tests-missing',
      remedy: 'A test is a document of "kind: FlowTest"; docs/flows/README.md shows one.',
    });
  }
  for (const file of tests) {
    const load = async (named: string) => {
      const [flow = '', name] = named.split('#');
      return (await readFlow(join(dirname(file), flow), name)).definition;
    };
    try {
      yield { file, results: await runFlowTests(readFileSync(file, 'utf8'), load) };
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      throw new PermanentError(`${file}: ${error.message}`, { code: error.code, remedy: error.remedy });
    }
  }
}

function isTest(file: string): boolean {
  const text = readFileSync(file, 'utf8');
  return (
    text.includes('FlowTest') && parseAllDocuments(text).some((one) => (one.toJS() as Kinded)?.kind === 'FlowTest')
  );
}

type Kinded = { kind?: unknown } | null;
