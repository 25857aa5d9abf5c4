import type { Json } from '@spillway/jq';
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
export function tasksOf(happenings: readonly Happening[], ofRun: Json): RunTaskRow[] {
  const rows = new Map<number, RunTaskRow>();
  for (const { what, task, at, input, output, answer, error } of happenings) {
    const status = STATUS[what];
    if (!task || !status) continue;
    const { node, path, name, kind, attempt, iteration, startedAt } = task;
    rows.set(node, {
      node,
      path,
      name,
      kind,
      attempt,
      iteration,
      status,
      // Most tasks have the run's own: it is kept once.
      input: input === ofRun ? undefined : input,
      output,
      answer,
      error,
      startedAt: new Date(startedAt),
      endedAt: new Date(at),
    });
  }
  return [...rows.values()];
}

/** `$context` by the tasks that found it changed, so that a run can begin again from one of them. */
export function contextsOf(happenings: readonly Happening[]): { node: number; context: Json }[] {
  return happenings.flatMap(({ task, context }) =>
    task && context !== undefined ? [{ node: task.node, context }] : [],
  );
}
