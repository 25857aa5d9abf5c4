import type { Json } from '@spillway/jq';

/**
 * A run between two steps, as JSON: what is kept in PostgreSQL. The active tasks are a tree; what is done leaves it, so
 * that a run of a thousand steps is no larger than one of ten.
 */
export interface RunState {
  status: RunStatus;
  /** Raw input of the workflow. */
  input: Json;
  /** `$context`. */
  context: Json;
  /** Unix milliseconds. */
  startedAt: number;
  /** The id of the next node. */
  next: number;
  /** Nodes that are active; the root is node 0. Undefined when the run has ended. */
  root?: Node;
  /** What is still to be done, when an advance stopped in the middle of many inline tasks. */
  agenda: Step[];
  /** Undo tasks of what is done, oldest first. */
  undo: Undo[];
  /** `$context` was replaced, and no task that may be begun again has begun since. */
  exported?: boolean;
  /** Ids of events that it has consumed: each counts once in a run. */
  heard?: string[];
  output?: Json;
  error?: FlowError;
  /** As it was before the fault that ended it, where nothing was undone: `retry` begins the node again. */
  failed?: { root: Node; context: Json; node: number; at: number; agenda: Step[] };
  /** Unix milliseconds; of a suspended run. */
  suspendedAt?: number;
}

export type RunStatus = 'running' | 'waiting' | 'suspended' | 'cancelled' | 'faulted' | 'completed';
export const ENDED: readonly RunStatus[] = ['cancelled', 'faulted', 'completed'];

/** A task (or a list of tasks) that has begun and not ended. */
export interface Node {
  /** Unique in its run; with the run's id it is the id of what it asks of the world. */
  id: number;
  /** JSON pointer to its definition. */
  path: string;
  /** The task's name; empty for lists. */
  name: string;
  /** Input before `input.from`. */
  raw: Json;
  /** Input after it. */
  input: Json;
  startedAt: number;
  /** Unix milliseconds of its timeout. */
  deadline?: number;
  /** Variables it gives to what is inside: `$item`, `$index`, `$error`. */
  vars?: Record<string, Json>;
  /** Index of the active item of a list, or of an iteration. */
  at?: number;
  /** Tries of a `try`, from 1. */
  attempt?: number;
  /** What its kind keeps: the collection of a loop, events that were heard, results of branches. */
  kept?: Record<string, Json>;
  wait?: Wait;
  /** Lists of the extensions that apply to it, by pointer, that are still to run; and what waits for those after it. */
  extensions?: { before: string[]; after: string[]; output?: Json; then?: string };
  children?: Node[];
}

export type Wait =
  /** For the answer of a call, of a sub-run, of a person. */
  | { for: 'answer' }
  | { for: 'time'; at: number }
  /** `filters`: what is still wanted, with the correlation keys that are known by now. Events are found by these. */
  | { for: 'events'; filters: EventPattern[] };

/** What is listened for: events are found by what is known beforehand, the rest is checked by the engine. */
export interface EventPattern {
  type?: string;
  source?: string;
  /** Literal values and expressions by attribute. */
  with: Record<string, Json>;
  /** Of the correlation keys: what the event gives, and what it must be, when that is known. */
  correlate?: Record<string, { from: string; expect?: Json }>;
}

export type Step =
  | { do: 'start'; node: number }
  | { do: 'answer'; node: number; output: Json }
  | { do: 'complete'; node: number; output: Json; then?: string }
  | { do: 'fault'; node: number; error: FlowError }
  | { do: 'resume'; node: number };

export interface Undo {
  /** Of the task that is undone. */
  node: number;
  path: string;
  name: string;
  input: Json;
  output: Json;
  /** Variables that the task saw. */
  vars?: Record<string, Json>;
}

/** RFC 9457, as the language has it. */
export interface FlowError {
  type: string;
  status: number;
  title?: string;
  detail?: string;
  /** JSON pointer to the task that raised it. */
  instance?: string;
}

/** What comes to a run from outside. */
export type Input =
  | { kind: 'answer'; node: number; output: Json }
  | { kind: 'failure'; node: number; error: FlowError }
  | { kind: 'event'; event: { [attribute: string]: Json } }
  | { kind: 'cancel'; reason?: string }
  | { kind: 'suspend' }
  | { kind: 'resume' }
  /** Again from where it failed. */
  | { kind: 'retry' };

/** What a run asks of the world; made known after the state is stored. */
export type Command =
  | CallCommand
  | {
      kind: 'run';
      node: number;
      path: string;
      namespace: string;
      name: string;
      version: string;
      input: Json;
      wait: boolean;
    }
  | { kind: 'emit'; node: number; event: { [attribute: string]: Json } }
  | { kind: 'listen'; node: number; filters: EventPattern[] }
  /** Nobody waits for it any more: a call, a sub-run, a subscription. */
  | { kind: 'forget'; node: number };

export interface CallCommand {
  kind: 'call';
  node: number;
  path: string;
  /** `http`, `openapi`, `mcp`, `script`, `spillway.notify`, `crm.upsertContact`, … */
  call: string;
  /** Evaluated, or, where it names secrets, still a template over `input` with `variables`. */
  with: Json;
  variables?: Record<string, Json>;
  /** `use.authentications`, where the call names one of them. */
  authentications?: { [name: string]: Json };
  input: Json;
  timeoutMs?: number;
  /** What is called answers later, through a link that it is given. */
  callback?: boolean;
  /** It stands in a `try`: a failure is the flow's business, and is told at once. */
  caught?: boolean;
  priority?: string;
  idempotencyKey?: string;
}

/** What happened, for the timeline and the lifecycle events. */
export interface Happening {
  at: number;
  what: 'started' | 'completed' | 'faulted' | 'retried' | 'cancelled' | 'suspended' | 'resumed' | 'compensating';
  /** Undefined for the run itself. */
  task?: {
    node: number;
    path: string;
    name: string;
    kind: string;
    startedAt: number;
    attempt?: number;
    /** Of the loop in whose list it stands, from 0. */
    iteration?: number;
  };
  /** `$context` as the task found it, where it is not what the one before found. Of those a run may begin again from. */
  context?: Json;
  input?: Json;
  output?: Json;
  /** Before `output.as`, where that made another value of it. */
  answer?: Json;
  error?: FlowError;
}
