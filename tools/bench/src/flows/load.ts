import { setTimeout as wait } from 'node:timers/promises';
import { type Charged, type Cpu, cpuOf, difference, sum } from './cpu';

/** Something that runs a flow, as the load sees it. */
export interface Contestant {
  /** Begins a run. Resolves when it has come to its end. */
  run(): Promise<void>;
  /** Resolves when nothing is left to be done beside the runs (the ledger). */
  settle(): Promise<void>;
  /** The processes that it consists of. */
  charged: readonly Charged[];
  close(): Promise<void>;
}

export interface Measured {
  runs: number;
  perSecond: number;
  /** Microseconds of CPU a run, by process. */
  cpu: Cpu;
  cpuPerRun: number;
}

export interface Load {
  /** Runs that are open at any time. */
  open: number;
  /** Begins new ones for so long after the warm-up … */
  seconds?: number;
  /** … or so many runs. */
  runs?: number;
  warmSeconds?: number;
}

/** Keeps so many runs open all the time. CPU also counts what is left to do after them (the ledger). */
export async function load(contestant: Contestant, { open, seconds, runs, warmSeconds = 2 }: Load): Promise<Measured> {
  await keepOpen(contestant, open, { until: performance.now() + warmSeconds * 1_000 });
  await contestant.settle();
  const before = cpuOf(contestant.charged);
  const began = performance.now();
  const until = seconds === undefined ? undefined : began + seconds * 1_000;
  const ends = await keepOpen(contestant, open, { until, runs });
  await contestant.settle();
  const used = difference(cpuOf(contestant.charged), before);
  // To the end of the last: a window cut off in the middle of a wave of runs would count too few or too many.
  const took = Math.max(...ends) - began;
  const cpu = Object.fromEntries(Object.entries(used).map(([what, micros]) => [what, micros / ends.length]));
  return { runs: ends.length, perSecond: (ends.length / took) * 1_000, cpu, cpuPerRun: sum(cpu) };
}

/** @returns when each run ended */
async function keepOpen(
  contestant: Contestant,
  open: number,
  { until = Infinity, runs = Infinity }: { until?: number; runs?: number },
): Promise<number[]> {
  const ends: number[] = [];
  let begun = 0;
  await Promise.all(
    Array.from({ length: open }, async (_, index) => {
      // Not all in the same instant: that would be one large batch, again and again.
      await wait(index % 50);
      while (performance.now() < until && begun < runs) {
        begun += 1;
        await contestant.run();
        ends.push(performance.now());
      }
    }),
  );
  return ends;
}
