import type { Replayed } from '@spillway/flows';

export interface ReplayReport {
  flow: string;
  tenant: string;
  default: unknown;
  same: number;
  differ: number;
  new: number;
  skipped: { run: string; reason: string }[];
  runs: Replayed[];
}

/** Longest value, in characters. */
const LONGEST = 100;

/** A report for people: the runs that differ with what differs, then the counts. */
export function describeReplay(report: ReplayReport): string {
  const lines = [
    ...report.runs.filter(({ result }) => result !== 'same').flatMap(linesOf),
    ...report.skipped.map(({ run, reason }) => `skipped  ${run}: ${reason}`),
  ];
  const byDefault = report.runs.reduce((sum, one) => sum + one.byDefault, 0);
  const counts = [`${report.same} same`, `${report.differ} differ`];
  if (report.new > 0) counts.push(`${report.new} new`);
  if (report.skipped.length > 0) counts.push(`${report.skipped.length} skipped`);
  if (byDefault > 0) counts.push(`${byDefault} calls answered with ${shown(report.default)}`);
  return `${[...lines, counts.join(', ')].join('\n')}\n`;
}

function linesOf(one: Replayed): string[] {
  const { end, tasks, calls, output, emitted } = one;
  const isNew = one.result === 'new';
  const changes = (what: string, all: Replayed['output']) =>
    all.map(({ path, before, after }) => `    ${what}${path}: ${shown(before)} → ${shown(after)}`);
  return [
    `${one.result.padEnd(7)}  ${one.run ?? `event ${one.event}`}`,
    ...one.notes.map((note) => `    note: ${note}`),
    ...(end.before === end.after ? [] : [`    end: ${end.before} → ${end.after}`]),
    ...(isNew ? [] : tasks.map(({ task, before, after }) => `    task ${task}: ${times(before)} → ${times(after)}`)),
    ...(one.reordered ? ['    the same tasks, in another order'] : []),
    ...calls.changed.flatMap(({ task, call, changes: all }) => changes(`call ${task} (${call}) `, all)),
    ...calls.added.map(({ task, call, request }) => `    + call ${task} (${call}) ${shown(request)}`),
    ...calls.missing.map(({ task, call, request }) => `    - call ${task} (${call}) ${shown(request)}`),
    ...changes('emitted', emitted),
    ...changes('output', output),
  ];
}

function times(count: number): string {
  return count === 0 ? 'never' : count === 1 ? 'once' : `${count} times`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
