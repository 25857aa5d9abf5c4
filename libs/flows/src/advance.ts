import type { FlowJob, JobMeta, PlannedJob, TaskJob } from '@spillway/contracts';
import { nameOfTask, planStep, queueOfTask, type Planned } from '@spillway/routing';

/** What a run does next: a task, or nothing more. */
export interface Advance {
  queue: 'integration-tasks' | 'notifications';
  data: TaskJob;
  job: PlannedJob;
  delayMs?: number;
  attempts?: number;
}

/** The task a wake-up leads to. Pure; the ids are the same each time, so a repeated wake-up makes no second task. */
export function advance(wakeUp: FlowJob): Advance {
  const { run, tasks, route, event } = wakeUp;
  const task = tasks[run.step]!;
  const queue = queueOfTask(task);
  const meta: JobMeta = {
    ...wakeUp.meta,
    priority: task.priority ?? wakeUp.meta.priority,
    timeoutMs: task.timeout,
  };
  return {
    queue,
    data: { task, route, event, meta, run: { ...run, tasks } },
    job: { id: `${run.id}.${run.step}`, queue, route, task: nameOfTask(task), target: run.step, run: run.id },
    delayMs: task.delay,
    attempts: task.attempts,
  };
}

/** The wake-up that follows a finished task of a run; undefined when it was the last. */
export function following(done: TaskJob): Planned | undefined {
  const { run, route, event, meta } = done;
  if (!run || run.step + 1 >= run.tasks.length) return undefined;
  const { tasks, ...ref } = run;
  return planStep({ ...ref, step: run.step + 1 }, tasks, route, event, { ...meta, timeoutMs: undefined });
}
