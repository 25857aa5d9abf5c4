import { lintJq } from './index';
import { type JqTest, readTests, TEST_FILES } from './testing/jq-tests';
import { LEFT } from './testing/jq-tests-left';
import { runTest } from './testing/jq-tests-run';
import { Oracle } from './testing/oracle';
import { type Json, toJson } from './values';
import { DEFAULT_BUDGET, withinBudget } from './budget';

let oracle: Oracle;

beforeAll(async () => {
  oracle = await Oracle.load();
});

const left = new Map(LEFT.flatMap(({ outcome, tests }) => tests.split(/\s+/).map((at) => [at, outcome] as const)));
const tests = TEST_FILES.flatMap(readTests);

it.each(tests.map((test) => [test.at, test.program, test] as const))('%s: %s', async (at, _program, test) => {
  const { outcome, answer } = runTest(test);
  expect(outcome).toBe(left.get(at) ?? 'answered');
  if (answer) expect(answer).toEqual(await expected(test));
});

it('has no case in the table that is not in the files', () => {
  const known = new Set(tests.map(({ at }) => at));
  expect([...left.keys()].filter((at) => !known.has(at))).toEqual([]);
});

it('knows every function of jq, or refuses it by name', () => {
  const names = JSON.parse(oracle.answer('builtins', null)[0]!) as string[];
  const unknown = names.filter((name) => {
    const [bare = '', arity = '0'] = name.split('/');
    const source = arity === '0' ? bare : `${bare}(${Array<string>(Number(arity)).fill('.').join(';')})`;
    return lintJq(source).some(({ message }) => !message.includes('not supported here'));
  });
  expect(unknown).toEqual([]);
  expect(names.length).toBeGreaterThan(200);
});

/** By jq itself, whose errors are not in the files; by the file where jq's stack, in WebAssembly, does not suffice. */
async function expected({ program, input, outputs }: JqTest): Promise<string[]> {
  try {
    return oracle.answer(program, undefined, input);
  } catch (error) {
    if ((error as Error).name !== 'RuntimeError') throw error;
    oracle = await Oracle.load();
    return outputs.map((output) => withinBudget(DEFAULT_BUDGET, () => toJson(JSON.parse(output) as Json)));
  }
}
