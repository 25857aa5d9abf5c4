import type { RunRow } from '@spillway/persistence';
import type { Command, Happening } from '../engine/state';

type Emit = Extract<Command, { kind: 'emit' }>;

/** What types of lifecycle events begin with. */
export const LIFECYCLE = 'io.serverlessworkflow.';

/** The field that says when, by what happened; the specification names it after that. */
const MOMENTS: Partial<Record<Happening['what'], string>> = {
  started: 'startedAt',
  completed: 'completedAt',
  faulted: 'faultedAt',
  cancelled: 'cancelledAt',
  suspended: 'suspendedAt',
  resumed: 'resumedAt',
  retried: 'retriedAt',
};
/** Events of one step; `seq` tells steps apart. */
const MOST = 1_000;

/**
 * The lifecycle CloudEvents of a step (dsl-reference.md, "Workflow Lifecycle Events", "Task Lifecycle Events"), as events
 * that the run emits: routes can match them. Their node numbers are below zero, so that none is a task's.
 */
export function lifecycleEvents(run: RunRow, happenings: readonly Happening[]): Emit[] {
  return happenings.slice(0, MOST).flatMap((happening, index) => {
    const data = dataOf(run, happening);
    if (!data) return [];
    const subject = happening.task ? 'task' : 'workflow';
    const event = {
      id: `${run.id}.${run.seq}.${index}`,
      source: `/tenants/${run.tenant}/flows/${run.flow}`,
      type: `${LIFECYCLE}${subject}.${happening.what}.v1`,
      subject: run.id,
      time: new Date(happening.at).toISOString(),
      data,
    };
    return [{ kind: 'emit' as const, node: -(run.seq * MOST + index + 1), event }];
  });
}

function dataOf(run: RunRow, { what, at, task, output, error }: Happening): Emit['event'] | undefined {
  const moment = MOMENTS[what];
  if (!moment || (what === 'retried' && !task)) return undefined;
  const name = `${run.flow}-${run.id}.${run.tenant}`;
  const about: Emit['event'] = task
    ? { workflow: name, task: task.path }
    : {
        name,
        ...(what === 'started' && { definition: { name: run.flow, namespace: run.tenant, version: run.version } }),
      };
  return {
    ...about,
    [moment]: new Date(at).toISOString(),
    ...(what === 'completed' && output !== undefined && { output }),
    ...(error && what === 'faulted' && { error: { ...error } }),
  };
}
