import type { RunTaskRow } from '@spillway/persistence';
import type { Happening } from '../engine/state';

/** Under which a call's answer comes into the inbox: only the first counts. */
export function answerKey(node: number): string {
  return `n${node}`;
}

const STATUS: Partial<Record<Happening['what'], string>> = {
  completed: 'completed',
  faulted: 'faulted',
  cancelled: 'cancelled',
};

/** Tasks that have ended, for the timeline. Those under way are in the run's state. */
export function tasksOf(happenings: readonly Happening[]): RunTaskRow[] {
  const rows = new Map<number, RunTaskRow>();
  for (const { what, task, at, input, output, error } of happenings) {
    const status = STATUS[what];
    if (!task || !status) continue;
    const { node, path, name, kind, attempt, startedAt } = task;
    rows.set(node, {
      node,
      path,
      name,
      kind,
      attempt,
      status,
      input,
      output,
      error,
      startedAt: new Date(startedAt),
      endedAt: new Date(at),
    });
  }
  return [...rows.values()];
}
