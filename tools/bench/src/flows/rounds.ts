import { type Contestant, load, type Measured } from './load';
import { sum } from './cpu';

/** How much of everything. */
export interface Extent {
  rounds: number;
  seconds: number;
  /** Runs that are open at any time. */
  open: number;
  /** Of the long run. */
  steps: number;
  waiting: number;
  /** How long the idle platform is watched. */
  idleSeconds: number;
}

/** A line of what is printed. */
export type Row = Record<string, string | number>;

/** Contestants in turn, each round the other way round. @returns a row for each; the first is set against the others */
export async function inTurn(
  contestants: Record<string, Contestant>,
  { rounds, seconds, open }: Extent,
  unit: { name: string; perRun: number },
): Promise<Row[]> {
  const all = Object.entries(contestants);
  const results = new Map<string, Measured[]>(all.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, contestant] of round % 2 ? [...all].reverse() : all) {
      results
        .get(name)!
        .push(await load(contestant, { open, seconds, warmSeconds: round === 0 ? Math.max(2, seconds) : 1 }));
    }
  }
  const rate = (name: string) => median(results.get(name)!.map((one) => one.perSecond)) * unit.perRun;
  const cpu = (name: string) => median(results.get(name)!.map((one) => one.cpuPerRun)) / unit.perRun;
  const [first] = all.map(([name]) => name) as [string];
  return all.map(([name]) => ({
    contestant: name,
    [`${unit.name}/s`]: `${Math.round(rate(name))} (${shown(results.get(name)!.map((one) => one.perSecond * unit.perRun))})`,
    [`CPU µs/${unit.name.slice(0, -1)}`]: `${Math.round(cpu(name))} (${parts(results.get(name)!, unit.perRun)})`,
    [`${first} to it`]: name === first ? '' : (rate(first) / rate(name)).toFixed(2),
    'CPU: it to ours': name === first ? '' : (cpu(name) / cpu(first)).toFixed(2),
  }));
}

/** What a step costs in a long run and in a short one, the same number of steps in all. */
export async function longAndShort(of: (steps: number) => Contestant, { steps }: Extent): Promise<Row[]> {
  const SHORT = 10;
  const open = 10;
  await load(of(SHORT), { open, runs: open, warmSeconds: 0 });
  const long = await load(of(steps), { open, runs: open, warmSeconds: 0 });
  const short = await load(of(SHORT), { open, runs: (open * steps) / SHORT, warmSeconds: 0 });
  const row = (what: string, measured: Measured, each: number): Row => ({
    what,
    'steps/s': Math.round(measured.perSecond * each),
    'CPU µs/step': `${Math.round(measured.cpuPerRun / each)} (${parts([measured], each)})`,
    'of a step in a run of 10, by CPU': (measured.cpuPerRun / each / (short.cpuPerRun / SHORT)).toFixed(2),
    'by time': ((short.perSecond * SHORT) / (measured.perSecond * each)).toFixed(2),
  });
  return [
    row(`${open} runs of ${steps} steps`, long, steps),
    row(`${short.runs} runs of ${SHORT} steps`, short, SHORT),
  ];
}

/** What an item costs in loops of several sizes that do twenty at once and gather what came out in the context. */
export async function fanOuts(of: (steps: number) => Contestant, { steps }: Extent): Promise<Row[]> {
  await load(of(20), { open: 1, runs: 1, warmSeconds: 0 });
  const rows: Row[] = [];
  for (const items of [Math.ceil(steps / 10), Math.ceil(steps / 2), steps]) {
    const measured = await load(of(items), { open: 1, runs: 1, warmSeconds: 0 });
    rows.push({
      what: `a fan-out of ${items}`,
      'took, s': (1 / measured.perSecond).toFixed(1),
      'CPU µs/item': `${Math.round(measured.cpuPerRun / items)} (${parts([measured], items)})`,
    });
  }
  return rows;
}

function parts(measured: Measured[], perRun: number): string {
  const names = Object.keys(measured[0]!.cpu);
  const of = (name: string) => median(measured.map(({ cpu }) => cpu[name]!)) / perRun;
  const used = names.map((name) => `${name} ${Math.round(of(name))}`);
  return sum(measured[0]!.cpu) === 0 ? '' : used.join(', ');
}

function shown(values: number[]): string {
  return values.map((value) => Math.round(value)).join(', ');
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
