import { BadRequestError } from '@spillway/contracts';
import type { Json } from '@spillway/jq';
import { isTrimmed, type TracedTask } from '@spillway/persistence';
import { entryOf, type FlowDefinition, kindOf, type TaskDefinition, type TaskList } from '../definition/model';
import { pointerTo, segmentsOf } from '../definition/pointer';
import { isSequential } from '../engine/restart-points';
import type { Restart, Standpoint } from '../engine/restart';
import { ENDED } from '../engine/state';
import type { KeptState, Unborn } from './step';

/** What is recorded of a run that is to be begun again in the middle. */
export interface PastRun {
  id: string;
  status: string;
  state: unknown;
  definition: FlowDefinition;
  /** Of the timeline, with the run's own input filled in. */
  tasks: TracedTask[];
  contexts: { node: number; context: unknown }[];
}

export interface RestartPlan {
  path: string;
  node: number;
  /** Of the run that is to begin. */
  state: unknown;
}

const COMPENSATE = '/metadata/compensate';

/**
 * How a run begins that takes another one's way from a task on: what was done before that task is not done again, and it
 * and all after it are, as tasks of another run, so under other keys.
 *
 * @param node which time, of a task that was begun several times; else the last
 * @throws BadRequestError 404 `not-found`; 409 `run-state`, `restart-impossible`
 */
export function planRestart(past: PastRun, from: string, node?: number): RestartPlan {
  if (!(ENDED as readonly string[]).includes(past.status)) {
    throw new BadRequestError(`the run is ${past.status}: it has not ended`, {
      code: 'run-state',
      status: 409,
      remedy: 'Cancel it first, or wait for its end.',
    });
  }
  const path = pointerTo('', ...segmentsOf(from));
  const outer = pathsAround(past.definition, path);
  const begun = past.tasks.filter((one) => one.path === path && (node === undefined || one.node === node));
  const task = latest(begun) ?? refuse(`the run never came to ${path}`, 'Choose a task of its timeline.');
  const around = outer.map((one) => {
    const within = past.tasks.filter((other) => other.path === one && other.node < task.node);
    return latest(within) ?? refuse(`the timeline of the run does not have ${one}`, 'Replay its event.');
  });
  refuseUndone(past, task);
  const { state } = past as { state: KeptState };
  const stands = [...around, task];
  const ids = new Set(stands.map((one) => one.node));
  const restart: Restart = {
    task: standpoint(past, task),
    within: around.map((one, index) => {
      const { iteration } = stands[index + 1]!;
      return { ...standpoint(past, one), ...(iteration !== null && { iteration }) };
    }),
    undo: state.undo.filter((one) => one.node < task.node && !ids.has(one.node)),
  };
  // What it had not heard by then is heard again.
  const since = task.startedAt.getTime();
  return {
    path,
    node: task.node,
    state: { begin: state.input, restart, since, ...(state.quiet && { quiet: true }) } satisfies Unborn,
  };
}

function standpoint({ contexts }: PastRun, { node, path, input }: TracedTask): Standpoint {
  const context = latest(contexts.filter((one) => one.node <= node))?.context ?? {};
  for (const [what, value] of [
    ['input', input],
    ['context', context],
  ] as const) {
    if (isTrimmed(value)) {
      refuse(
        `the ${what} of ${path} was too large to be kept whole`,
        'Begin at a task before it, or replay its event.',
      );
    }
  }
  return { path, raw: input as Json, context: context as Json };
}

/** What is undone must be done again, so the run cannot begin after it. */
function refuseUndone({ tasks }: PastRun, { node, path }: TracedTask): void {
  const undone = tasks.flatMap((one) => {
    const at = one.path.indexOf(COMPENSATE);
    return at < 0 ? [] : [one.path.slice(0, at)];
  });
  const before = tasks.find((one) => one.node < node && undone.includes(one.path));
  if (!before) return;
  refuse(`what ${before.path} did was undone, and ${path} comes after it`, `Begin at ${before.path} or before it.`);
}

/**
 * The tasks that a task is within, outermost first.
 *
 * @throws BadRequestError 404, 409 for one that cannot be begun by itself
 */
function pathsAround(definition: FlowDefinition, path: string): string[] {
  const around: string[] = [];
  const keys = segmentsOf(path);
  let lists: Record<string, unknown> = { do: definition.do };
  let missing: (key: string) => string = () => 'it is not one of the tasks of the workflow itself';
  for (let at = 0; ; at += 3) {
    const [key = '', index = '', name = ''] = keys.slice(at, at + 3);
    const list = lists[key] as TaskList | undefined;
    if (!list) {
      const instead = around.at(-1);
      refuse(
        `a run cannot begin at ${path}: ${missing(key)}`,
        instead === undefined ? 'Choose a task of "do".' : `Begin at ${instead}.`,
      );
    }
    const item = /^\d+$/.test(index) ? list[Number(index)] : undefined;
    const [known, task] = item ? entryOf(item) : [];
    if (task === undefined || known !== name) {
      throw new BadRequestError(`the flow has no task ${path}`, {
        code: 'not-found',
        status: 404,
        remedy: 'Choose a task of the timeline of the run, such as /do/0/NAME.',
      });
    }
    if (keys.length === at + 3) return around;
    around.push(pointerTo('', ...keys.slice(0, at + 3)));
    lists = listsOf(task);
    missing = (inner) => reasonOf(task, inner);
  }
}

/** The lists of a task in which a run can begin. */
function listsOf(task: TaskDefinition): Record<string, unknown> {
  if (!isSequential(task)) return {};
  const { do: list, try: tried } = task as { do?: unknown; try?: unknown };
  return kindOf(task) === 'try' ? { try: tried } : { do: list };
}

function reasonOf(task: TaskDefinition, key: string): string {
  const kind = kindOf(task);
  if (key === 'metadata') return 'it undoes another';
  if (kind === 'fork') return 'it is in a branch, which others run beside';
  if (kind === 'for') return 'it is in a loop of which several iterations run at once';
  if (kind === 'try') return 'it handles an error, which would not be there';
  return `it is within a "${kind}"`;
}

function latest<T extends { node: number }>(all: T[]): T | undefined {
  return all.reduce<T | undefined>((last, one) => (last && last.node > one.node ? last : one), undefined);
}

function refuse(message: string, remedy: string): never {
  throw new BadRequestError(message, { code: 'restart-impossible', status: 409, remedy });
}
