import type { FlowDefinition } from '@spillway/flows';
import type { RunRecord, RunSummary, RunTask } from '@spillway/persistence';
import { waitsOf } from './waits';

/** As the API gives them: dates are text. */
type Sent<T> = { [Key in keyof T]: T[Key] extends Date ? string : T[Key] extends Date | null ? string | null : T[Key] };
export type SentRun = Sent<RunSummary>;
export type SentTask = Sent<RunTask>;
export type SentRecord = Sent<Omit<RunRecord, 'tasks'>> & { tasks: SentTask[] };

/** A run in one line. */
export function lineOfRun(run: SentRun): string {
  const time = run.startedAt.slice(0, 23).replace('T', ' ');
  const next = run.wakeAt ? `  until ${run.wakeAt.slice(0, 19).replace('T', ' ')}` : '';
  return `${time}  ${run.status.padEnd(9)} ${run.tenant}/${run.flow}  ${tookOf(run)}  ${run.id}${next}`;
}

/** Longest input, output or error of a task, in characters. */
const LONGEST = 120;

/**
 * A run in full: what became of it, what it waits for, its tasks in the order in which they began, and its sub-runs.
 *
 * @param most tasks at most; those over it are counted
 */
export function describeRun(run: SentRecord, most = 200): string {
  const error = run.error as { instance?: string } | null | undefined;
  const facts: [string, string | undefined][] = [
    ['id', run.id],
    ['tenant', run.tenant],
    ['version', run.version],
    ['event', `${run.eventId}${run.route ? ` (route ${run.route})` : ''}`],
    ['parent', run.parentRun ?? undefined],
    ['goes on', run.origin ? `where ${run.origin.run} was: from ${run.origin.path}` : undefined],
    ['started', `${run.startedAt}, ${tookOf(run)}`],
    ['input', shown(run.input)],
    ['context', isEmpty(run.context) ? undefined : shown(run.context)],
    ['output', isEmpty(run.output) ? undefined : shown(run.output)],
    ['error', error ? `${sayError(error)}${error.instance ? ` at ${error.instance}` : ''}` : undefined],
  ];
  const waits = waitsOf(run.definition as FlowDefinition | undefined, run.tasks, run.wakeAt);
  const tasks = [...run.tasks].sort((a, b) => a.node - b.node);
  const hidden = tasks.length - Math.min(tasks.length, most);
  const lines = [
    `${run.flow}  ${run.status}`,
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(9)} ${value}`])),
    ...waits.map((wait, index) => `  ${(index === 0 ? 'waits' : '').padEnd(9)} ${wait}`),
    '',
    ...tasks.slice(0, most).flatMap((task) => taskLines(task, tasks)),
    ...(hidden > 0 ? [`  and ${hidden} more: --tasks ${tasks.length}, or --json`] : []),
    ...(run.children.length > 0 ? ['', 'sub-runs'] : []),
    ...run.children.map(({ id, flow, status }) => `  ${status.padEnd(9)} ${flow}  ${id}`),
    ...(run.restarts.length > 0 ? ['', 'runs that took its way'] : []),
    ...run.restarts.map(({ id, path, status }) => `  ${status.padEnd(9)} from ${path}  ${id}`),
  ];
  return `${lines.join('\n')}\n`;
}

function taskLines(task: SentTask, all: SentTask[]): string[] {
  const indent = '  '.repeat(1 + depthOf(task, all));
  const parts = [
    task.startedAt.slice(11, 23),
    task.status.padEnd(9),
    task.name,
    task.kind,
    task.attempt !== null && task.attempt > 1 && `attempt ${task.attempt}`,
    task.iteration !== null && `iteration ${task.iteration}`,
    task.endedAt && tookOf(task),
    task.path,
  ];
  const values: [string, unknown][] = [
    ['in ', task.input],
    ['out', task.output],
  ];
  const error = task.error ? [`${indent}    ! ${sayError(task.error)}`] : [];
  const given = values.filter(([, value]) => !isEmpty(value));
  return [
    `${indent}${parts.filter(Boolean).join('  ')}`,
    ...given.map(([name, value]) => `${indent}    ${name} ${shown(value)}`),
    ...error,
  ];
}

/** How many tasks a task is within. Iterations of a loop have the same paths, so each path counts once. */
function depthOf({ path }: SentTask, all: SentTask[]): number {
  return new Set(all.filter((one) => path.startsWith(`${one.path}/`)).map((one) => one.path)).size;
}

function tookOf({ startedAt, endedAt }: { startedAt: string; endedAt: string | null }): string {
  if (!endedAt) return 'not ended';
  const ms = Date.parse(endedAt) - Date.parse(startedAt);
  return ms < 1_000 ? `${ms} ms` : ms < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

function sayError(error: unknown): string {
  const { type, status, title, detail } = error as { type?: string; status?: number; title?: string; detail?: string };
  const kind = type?.slice(type.lastIndexOf('/') + 1) ?? 'error';
  return shortened([`${kind} ${status ?? ''}`.trim(), detail ?? title].filter(Boolean).join(': '), 300);
}

function shown(value: unknown): string {
  return shortened(JSON.stringify(value) ?? 'nothing', LONGEST);
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined;
}

function shortened(text: string, longest: number): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}
