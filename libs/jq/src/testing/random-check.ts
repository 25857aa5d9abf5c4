import * as fc from 'fast-check';
import { JqBudgetError, JqUnsupportedError } from '../index';
import { Oracle, ours } from './oracle';
import { inputs, programs } from './programs';

/** A program is given to jq only where ours ends soon: jq has no budget. */
const BUDGET = { steps: 100_000, ms: 500 };
/** Cases that fast-check draws from one seed. */
const BATCH = 500;

export interface Counts {
  cases: number;
  agreed: number;
  /** Agreed, and gave something other than an error. */
  outputs: number;
  /** By ours, as not supported: all of them, and those that only their input told. */
  refused: number;
  refusedWhenRun: number;
  /** Over the budget, so that jq was not asked. */
  stopped: number;
  /** jq itself broke. */
  broken: number;
  different: number;
}

const NONE: Counts = {
  cases: 0,
  agreed: 0,
  outputs: 0,
  refused: 0,
  refusedWhenRun: 0,
  stopped: 0,
  broken: 0,
  different: 0,
};

export interface Difference {
  program: string;
  input: unknown;
  ours: string[];
  theirs: string[];
}

/**
 * Compares ours with jq on random programs and inputs. A difference is made as small as fast-check can, and ends its
 * batch: the rest of that is drawn anew.
 *
 * @param first the seed of the first batch; later ones count on
 */
export async function checkRandomly(
  cases: number,
  first: number,
  report: (difference: Difference) => void = () => undefined,
): Promise<Counts> {
  const counts = { ...NONE };
  let oracle = await Oracle.load();
  for (let seed = first; counts.cases < cases; seed += 1) {
    let last: Difference | undefined;
    const check = fc.check(
      fc.property(programs, inputs, (program, input) => {
        const outcome = compareOnce(oracle, program, input);
        if (!last) count(counts, outcome);
        if (outcome.difference) last = outcome.difference;
        return !outcome.difference;
      }),
      { numRuns: Math.min(BATCH, cases - counts.cases), seed },
    );
    if (check.failed) report(last!);
    // Its memory only grows, and what broke it once may have left it broken.
    oracle = await Oracle.load();
  }
  return counts;
}

/** Compares ours with jq on these programs, whose input is null. */
export async function checkEach(list: string[], report: (difference: Difference) => void): Promise<Counts> {
  const counts = { ...NONE };
  let oracle = await Oracle.load();
  for (const program of list) {
    if (counts.cases % BATCH === BATCH - 1) oracle = await Oracle.load();
    const outcome = compareOnce(oracle, program, null);
    count(counts, outcome);
    if (outcome.kind === 'broken') oracle = await Oracle.load();
    if (outcome.difference) report(outcome.difference);
  }
  return counts;
}

interface Outcome {
  kind: 'agreed' | 'refused' | 'stopped' | 'broken' | 'different';
  outputs?: boolean;
  whenRun?: boolean;
  difference?: Difference;
}

function compareOnce(oracle: Oracle, program: string, input: unknown): Outcome {
  let mine: string[];
  try {
    mine = ours(program, input, BUDGET);
  } catch (error) {
    if (error instanceof JqUnsupportedError) return { kind: 'refused', whenRun: error.position === undefined };
    if (error instanceof JqBudgetError) return { kind: 'stopped' };
    return { kind: 'different', difference: { program, input, ours: [String(error)], theirs: [] } };
  }
  let theirs: string[];
  try {
    theirs = oracle.answer(program, input);
  } catch (error) {
    if (error instanceof Error && /RuntimeError|RangeError/.test(error.name)) return { kind: 'broken' };
    throw new Error(`${program} on ${JSON.stringify(input)}`, { cause: error });
  }
  if (mine.length === theirs.length && mine.every((line, at) => line === theirs[at]))
    return { kind: 'agreed', outputs: mine.length > 0 && !mine[0]!.startsWith('error') };
  return { kind: 'different', difference: { program, input, ours: mine, theirs } };
}

function count(counts: Counts, outcome: Outcome): void {
  counts.cases += 1;
  counts[outcome.kind] += 1;
  if (outcome.outputs) counts.outputs += 1;
  if (outcome.whenRun) counts.refusedWhenRun += 1;
}
