import type {
  FlowJob,
  JobMeta,
  PlannedJob,
  QueueName,
  SpillwayEvent,
  Target,
  Task,
  TaskJob,
} from '@spillway/contracts';
import type { Route } from './route';

/** A flow that runs can begin: which version of it is the current one. */
export interface StartableFlow {
  hash: string;
  version: string;
}

/** A job that an event leads to. */
export interface Planned {
  queue: Extract<QueueName, 'orchestration-flows' | 'integration-tasks' | 'notifications'>;
  data: FlowJob | TaskJob;
  job: PlannedJob;
  delayMs?: number;
  attempts?: number;
}

export interface Plan {
  jobs: Planned[];
  /** Conditions that failed on this event, and flows that are gone: told, and otherwise as if they did not match. */
  problems: { route: string; code: 'condition-failed' | 'flow-unknown'; message: string }[];
}

/**
 * What an event leads to: one job for each target of each route that matches. Pure, and the same for the same event, so
 * that doing it again after a crash makes the same jobs.
 *
 * @param replay makes the ids of a replay differ from those of the first time
 */
export function plan(
  event: SpillwayEvent,
  source: string,
  routes: readonly Route[],
  flows: ReadonlyMap<string, StartableFlow>,
  meta: JobMeta,
  replay?: string,
): Plan {
  const result: Plan = { jobs: [], problems: [] };
  for (const route of routes) {
    try {
      if (!route.matches(event, source)) continue;
    } catch (error) {
      const message = `the condition failed: ${(error as Error).message}`;
      result.problems.push({ route: route.name, code: 'condition-failed', message });
      continue;
    }
    route.targets.forEach((target, index) => {
      const planned = planTarget(event, route.name, target, index, flows, meta, replay);
      if (planned) result.jobs.push(planned);
      else {
        const message = `there is no flow "${target.flow}"`;
        result.problems.push({ route: route.name, code: 'flow-unknown', message });
      }
    });
  }
  return result;
}

function planTarget(
  event: SpillwayEvent,
  route: string,
  target: Target,
  index: number,
  flows: ReadonlyMap<string, StartableFlow>,
  meta: JobMeta,
  replay?: string,
): Planned | undefined {
  const id = [event.id, route, index, ...(replay ? [replay] : [])].join('.');
  const { flow, delay, attempts, timeout, priority } = target;
  const targetMeta: JobMeta = {
    ...meta,
    priority: priority ?? meta.priority,
    ...(timeout !== undefined && { timeoutMs: timeout }),
  };
  if (flow !== undefined) {
    const version = flows.get(flow);
    return version && { ...planRun(id, flow, version, route, event, targetMeta, index), delayMs: delay };
  }
  const task = target as Task;
  const queue = queueOfTask(task);
  const job = { id, queue, route, task: nameOfTask(task), target: index };
  return { queue, data: { task, route, event, meta: targetMeta }, job, delayMs: delay, attempts };
}

/** The job that begins a run: its id is the run's. */
export function planRun(
  id: string,
  flow: string,
  { hash, version }: StartableFlow,
  route: string,
  event: SpillwayEvent,
  meta: JobMeta,
  target = 0,
): Planned {
  const job = { id, queue: 'orchestration-flows', route, task: flow, target, run: id };
  const data: FlowJob = { run: { id, flow }, route, eventId: event.id, meta, start: { hash, version, event } };
  return { queue: 'orchestration-flows', data, job };
}

export function queueOfTask(task: Pick<Task, 'http' | 'notify'>): 'integration-tasks' | 'notifications' {
  return task.http ? 'integration-tasks' : 'notifications';
}

export function nameOfTask(task: Task): string {
  return task.name ?? (task.http ? 'http' : `notify-${task.notify?.channel}`);
}
