import { readTests, TEST_FILES } from './jq-tests';
import { runTest } from './jq-tests-run';
import { checkEach, checkRandomly, type Difference } from './random-check';
import { table } from './table';

/**
 * `npm run jq:oracle -- --cases 100000 [--seed 1]`: every function on special values, then random programs, by ours and by
 * jq; fails when one differs. First it counts what becomes of jq's own tests, whose answers `jq-tests.spec.ts` compares.
 */
async function main(): Promise<void> {
  const option = (name: string, otherwise: number) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? otherwise : Number(process.argv[at + 1]);
  };
  const cases = option('cases', 10_000);
  const seed = option('seed', Math.floor(Math.random() * 1_000_000_000));
  const outcomes: Record<string, number> = {};
  for (const { outcome } of TEST_FILES.flatMap(readTests).map(runTest))
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  console.log("jq's own tests:", outcomes);
  const special = await checkEach(table(), show);
  console.log('special values:', special);
  console.log(`${cases} cases, --seed ${seed}`);
  const counts = await checkRandomly(cases, seed, show);
  console.log(counts);
  process.exitCode = counts.different + special.different === 0 ? 0 : 1;
}

function show({ program, input, ours, theirs }: Difference): void {
  console.log(`\ndifferent: ${program}\n  on ${JSON.stringify(input)}\n  ours   ${ours.join(' ; ')}`);
  console.log(`  theirs ${theirs.join(' ; ')}`);
}

void main();
