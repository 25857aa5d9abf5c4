import type { CallJob, FlowJob, JobMeta, PlannedJob, Priority } from '@spillway/contracts';
import type { Json } from '@spillway/jq';
import type { RunRow } from '@spillway/persistence';
import { durationMs } from '../definition/durations';
import { at, fieldOf } from '../definition/json';
import { segmentsOf } from '../definition/pointer';
import type { CallCommand, Command } from '../engine/state';

/** A job that a run needs. */
export interface RunJob {
  queue: 'orchestration-flows' | 'integration-tasks' | 'notifications';
  id: string;
  data: FlowJob | CallJob;
  delayMs?: number;
  attempts?: number;
  /** For the ledger; wake-ups have none. */
  planned?: PlannedJob;
}

/** What a run is known by, as wake-ups need it. */
export type RunRef = Pick<RunRow, 'id' | 'tenant' | 'flow' | 'eventId' | 'priority' | 'correlationId'> & {
  route?: string;
};

/**
 * A wake-up. Its id says why: the same reason twice is one job, and no reason ever comes back (answers have their node,
 * timers the run's `seq`).
 */
export function wakeUp(run: RunRef, why: string, delayMs?: number): RunJob {
  const data: FlowJob = {
    run: { id: run.id, flow: run.flow },
    route: run.route ?? '',
    eventId: run.eventId,
    meta: metaOf(run),
  };
  return { queue: 'orchestration-flows', id: `${run.id}.${why}`, data, ...(delayMs && { delayMs }) };
}

/** People are told by the workers of `notifications`, everything else is an integration. */
export function queueOfCall(call: string): 'integration-tasks' | 'notifications' {
  return call.startsWith('spillway.') ? 'notifications' : 'integration-tasks';
}

/**
 * The job of a call, the same each time it is made.
 *
 * @param alone the run waits for this one answer only: nobody but who brings it is likely to take the run on
 */
export function callJob(run: RunRef, command: CallCommand, alone = false): RunJob {
  const { node, path, call, input, variables, idempotencyKey, timeoutMs, caught, callback, authentications } =
    lean(command);
  const queue = queueOfCall(call);
  const meta: JobMeta = { ...metaOf(run), priority: (command.priority ?? run.priority) as Priority };
  if (timeoutMs !== undefined) meta.deadline = Date.now() + timeoutMs;
  const listensMs = subscribedMs(command);
  if (listensMs !== undefined) meta.timeoutMs = listensMs + CONNECT_MS;
  const data: CallJob = {
    call: {
      name: call,
      with: command.with,
      input,
      ...(variables && { variables }),
      ...(idempotencyKey && { idempotencyKey }),
      ...(callback && { callback }),
      ...(authentications && { authentications }),
    },
    run: { id: run.id, flow: run.flow, node, path, ...(alone && { alone }) },
    route: run.route ?? '',
    eventId: run.eventId,
    meta,
  };
  const id = `${run.id}.${node}`;
  const planned = plannedCall(id, queue, data.route, data.run);
  // Inside a `try` the flow says what happens then; elsewhere the queue tries again.
  return { queue, id, data, planned, ...(caught && { attempts: 1 }) };
}

/** What the ledger knows a call by. */
export function plannedCall(id: string, queue: string, route: string, run: { id: string; path: string }): PlannedJob {
  const task = run.path.slice(run.path.lastIndexOf('/') + 1);
  return { id, queue, route, task, target: 0, run: run.id };
}

/** What a task at a path of a definition calls by a job; undefined for one that needs none. */
export function callAt(definition: unknown, path: string): string | undefined {
  let task = definition;
  for (const segment of segmentsOf(path)) {
    task = Array.isArray(task) ? (task as unknown[])[Number(segment)] : fieldOf(task, segment);
  }
  if (at(task, 'run', 'script')) return 'script';
  const call = fieldOf(task, 'call');
  // A function of the flow is its definition, whose own call is the job.
  return typeof call === 'string' && !at(definition, 'use', 'functions', call) ? call : undefined;
}

/**
 * Without the task's input, where the worker has no use for it: it is as large as the event, and only `{name}` in a URI
 * and arguments that name secrets need it.
 */
export function lean(command: CallCommand): CallCommand {
  const { call, variables } = command;
  if (variables || (!call.includes('.') && mayNameInput(call, command.with))) return command;
  return { ...command, input: null };
}

/** To connect to a broker, and to read the document that says where it is. */
const CONNECT_MS = 30_000;

/** How long a subscription takes messages, where it says so: an attempt may take that long, and not just as long as others. */
function subscribedMs({ call, with: args }: CallCommand): number | undefined {
  const time = call === 'asyncapi' ? at(args, 'subscription', 'consume', 'for') : undefined;
  try {
    return time === undefined ? undefined : durationMs(time as string);
  } catch {
    // One that names secrets is worked out by the worker.
    return undefined;
  }
}

function mayNameInput(call: string, args: Json): boolean {
  if (call !== 'http' || typeof args !== 'object' || args === null || Array.isArray(args)) return true;
  const { endpoint } = args;
  const uri = typeof endpoint === 'string' ? endpoint : (endpoint as { uri?: unknown } | null)?.uri;
  return typeof uri !== 'string' || uri.includes('{');
}

export function isCall(command: Command): command is CallCommand {
  return command.kind === 'call';
}

function metaOf(run: RunRef): JobMeta {
  return {
    tenant: run.tenant,
    priority: run.priority as Priority,
    createdBy: `run:${run.id}`,
    createdAt: Date.now(),
    correlationId: run.correlationId,
  };
}
