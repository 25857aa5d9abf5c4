import { BACKENDS, type BackendName } from '@spillway/testing';
import { type Fault, FlowCrashes, type Outcome, wrongs } from './flow-crashes';

const PAIRS = 20;

/**
 * `npm run chaos:flows [-- --backend redis|postgres] [--every N] [--from N] [--pairs N] [--through-queues]`: a run of a flow with every kind
 * of task, once for each crash point, with a worker that dies there; then with two workers that die, at points by chance.
 */
async function main(): Promise<void> {
  const only = argument('--backend') as BackendName | undefined;
  for (const backend of BACKENDS.filter((one) => !only || one === only)) {
    const crashes = await FlowCrashes.start(backend, { throughQueues: process.argv.includes('--through-queues') });
    try {
      if (!(await crashAll(backend, crashes))) process.exitCode = 1;
    } finally {
      await crashes.close();
    }
  }
}

async function crashAll(backend: BackendName, crashes: FlowCrashes): Promise<boolean> {
  const every = Number(argument('--every') ?? 1);
  const pairs = Number(argument('--pairs') ?? PAIRS);
  const expected = await crashes.run();
  const count = expected.points.length;
  const ofEdge = expected.edgePoints.length;
  console.log(`${backend}: ${count} crash points, and ${ofEdge} of the edge`);
  const wrong = wrongs(expected, expected);
  for (const one of wrong) console.error(`  WRONG without a crash: ${one}`);
  const singles: Fault[][] = range(Number(argument('--from') ?? 1), count, every).map((at) => [{ at }]);
  const edges: Fault[][] = range(1, ofEdge, 1).map((at) => [{ at, edge: true }]);
  const chance = () => 1 + Math.floor(Math.random() * count);
  const doubles: Fault[][] = Array.from({ length: pairs }, () => [{ at: chance() }, { at: 1 + chance() / 4 }]).map(
    ([one, two]) => [one!, { at: Math.ceil(two!.at) }],
  );
  let [done, repeats, failed] = [0, 0, wrong.length];
  for (const faults of [...singles, ...edges, ...doubles]) {
    const outcome = await crashes.run(...faults);
    const problems = wrongs(outcome, expected);
    const at = faults.map((fault) => `${fault.edge ? 'edge ' : ''}${fault.at}`).join(' and ');
    console.log(`  ${at}: ${lastOf(outcome, faults)}; ${describe(outcome)}`);
    for (const one of problems) console.error(`  WRONG after a crash at ${at}, ${lastOf(outcome, faults)}: ${one}`);
    failed += problems.length > 0 ? 1 : 0;
    done += outcome.crashes;
    repeats += outcome.repeats;
  }
  console.log(`${backend}: ${done} crashes, ${repeats} calls made again under the same key, ${failed} wrong`);
  return failed === 0;
}

function lastOf({ points, edgePoints }: Outcome, [first]: Fault[]): string {
  return (first?.edge ? edgePoints : points).at(-1) ?? 'nothing';
}

function describe({ crashes, repeats, seconds }: Outcome): string {
  return `${crashes} crashes, ${repeats} repeats, ${seconds.toFixed(1)} s`;
}

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((to - from + 1) / step)) }, (_, index) => from + index * step);
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

void main();
